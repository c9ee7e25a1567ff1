"""Settings of the test suite: throw-away home, fast hashes, quiet logs. The database comes from DATABASE_URL."""

import os
import tempfile

# A home of its own per test process: nothing of the developer's is read or written.
os.environ["SKILLMEAT_HOME"] = tempfile.mkdtemp(prefix="skillmeat-test-")
os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "x" * 50)
os.environ["SKILLMEAT_LOG_LEVEL"] = "CRITICAL"
for _name in (
    "GITHUB_TOKEN", "REDIS_URL", "SKILLMEAT_HTTPS", "DEBUG", "SKILLMEAT_ALLOWED_HOSTS", "SKILLMEAT_GITHUB_URL",
    "SKILLMEAT_GITHUB_API_URL", "SKILLMEAT_GITHUB_TIERS", "SKILLMEAT_API_URL", "SKILLMEAT_API_TOKEN",
    "SKILLMEAT_WEBHOOK_SECRET", "SKILLMEAT_UPSTREAM_CONCURRENCY", "SKILLMEAT_UPSTREAM_PER_SECOND",
):  # fmt: skip
    os.environ.pop(_name, None)

from skillmeat_site.settings import *  # noqa: E402, F403

SKILLMEAT_UPSTREAM_PER_SECOND = 0  # the hosts of tests are as fast as this machine

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CACHES = {name: {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"} for name in ("default", "cluster")}
WHITENOISE_AUTOREFRESH = True
"""Static files are looked up when they are asked for: each of a thousand test clients would read all their folders."""
