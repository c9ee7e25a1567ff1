"""The WSGI application, for gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

from skillmeat_site.core.startup import run_start_hooks

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skillmeat_site.settings")
application = get_wsgi_application()
run_start_hooks()
