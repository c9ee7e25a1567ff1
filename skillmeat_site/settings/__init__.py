"""The project's settings, composed of small modules. docs/configuration.md lists every variable."""

from skillmeat_site.settings.cache import *  # noqa: F403
from skillmeat_site.settings.collections import *  # noqa: F403
from skillmeat_site.settings.database import *  # noqa: F403
from skillmeat_site.settings.logs import *  # noqa: F403
from skillmeat_site.settings.paths import *  # noqa: F403
from skillmeat_site.settings.paths import BASE_DIR
from skillmeat_site.settings.queue import *  # noqa: F403
from skillmeat_site.settings.rest import *  # noqa: F403
from skillmeat_site.settings.security import *  # noqa: F403
from skillmeat_site.settings.upstream import *  # noqa: F403

INSTALLED_APPS = [
    "skillmeat_site.core.apps.Admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_q",
    "skillmeat_site.core",
    "collections_app",
    "marketplace",
    "cache_app",
]

MIDDLEWARE = [
    "skillmeat_site.core.middleware.RequestContextMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "skillmeat_site.core.middleware.AdminPolicyMiddleware",
]

ROOT_URLCONF = "skillmeat_site.urls"
WSGI_APPLICATION = "skillmeat_site.wsgi.application"
ASGI_APPLICATION = "skillmeat_site.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
# No collectstatic: whitenoise serves from the apps' own folders, so nothing stands between a clone and a page.
WHITENOISE_USE_FINDERS = True
LOGIN_URL = "admin:login"
APPEND_SLASH = True
