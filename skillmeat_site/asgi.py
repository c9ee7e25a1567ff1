"""The ASGI application, for those who serve it that way."""

import os

from django.core.asgi import get_asgi_application

from skillmeat_site.core.startup import run_start_hooks

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skillmeat_site.settings")
application = get_asgi_application()
run_start_hooks()
