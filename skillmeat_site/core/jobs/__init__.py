"""Running work as jobs: inline or on a worker, the same code. The only importer of django_q is ``queue``."""
