"""Secret key, hosts and transport. Plain http works on localhost; SKILLMEAT_HTTPS turns everything on for a proxy."""

import os
import secrets
from pathlib import Path

from skillmeat_site.settings.env import env
from skillmeat_site.settings.paths import SKILLMEAT_HOME


def _kept_secret_key(home: Path) -> str:
    """Make a key once under ``home``, mode 0600, and keep it: sessions and queued messages are signed with it.

    The key is written whole under another name and linked into place, so that two processes starting at
    once end up with the same key, and neither reads half of it.
    """
    path = home / "secret_key"
    if not path.exists():
        draft = home / f".secret_key.{os.getpid()}"
        with open(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(64))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


SECRET_KEY = env.text("SECRET_KEY") or _kept_secret_key(SKILLMEAT_HOME)
DEBUG = env.boolean("DEBUG", False)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", ("127.0.0.1", "localhost"))

SKILLMEAT_HTTPS = env.boolean("SKILLMEAT_HTTPS", False)
SECURE_SSL_REDIRECT = SKILLMEAT_HTTPS
SESSION_COOKIE_SECURE = SKILLMEAT_HTTPS
CSRF_COOKIE_SECURE = SKILLMEAT_HTTPS
if SKILLMEAT_HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    CSRF_TRUSTED_ORIGINS = [f"https://{host.lstrip('.')}" for host in ALLOWED_HOSTS if host != "*"]
    # The platform's health probe asks the container itself, over plain http.
    SECURE_REDIRECT_EXEMPT = [r"^health/"]
SESSION_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

DATA_UPLOAD_MAX_MEMORY_SIZE = 26_214_400  # 25 MiB: the largest body a face takes (webhooks)

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
