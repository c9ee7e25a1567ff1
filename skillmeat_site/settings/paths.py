"""Where things lie on disk. Everything that is not code is under SKILLMEAT_HOME."""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from skillmeat_site.settings.env import env

BASE_DIR = Path(__file__).resolve().parent.parent.parent

SKILLMEAT_HOME = env.path("SKILLMEAT_HOME", BASE_DIR / "var")
try:
    SKILLMEAT_HOME.mkdir(parents=True, exist_ok=True)
except OSError as error:
    raise ImproperlyConfigured(f"SKILLMEAT_HOME={str(SKILLMEAT_HOME)!r} cannot be made: {error.strerror}.") from error

SKILLMEAT_MIRRORS = SKILLMEAT_HOME / "mirrors"
SKILLMEAT_PROJECT_ROOTS = env.paths("SKILLMEAT_PROJECT_ROOTS")
SKILLMEAT_LOCAL_SOURCE_ROOTS = env.paths("SKILLMEAT_LOCAL_SOURCE_ROOTS")
