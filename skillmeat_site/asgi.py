"""The ASGI application, for those who serve it that way."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skillmeat_site.settings")
application = get_asgi_application()
