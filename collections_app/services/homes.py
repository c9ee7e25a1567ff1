"""Django's settings as the store takes them. The one place where the two meet."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from collections_app.store.content_ids import Limits
from collections_app.store.history import History
from collections_app.store.layout import Home


def home() -> Home:
    return Home(Path(settings.SKILLMEAT_HOME))


def history() -> History:
    """A history of this thread's own: one object must not be shared."""
    return History(home().history)


def limits() -> Limits:
    """How large one artifact may be."""
    return Limits(
        files=settings.SKILLMEAT_ARTIFACT_MAX_FILES,
        bytes=settings.SKILLMEAT_ARTIFACT_MAX_BYTES,
        depth=settings.SKILLMEAT_ARTIFACT_MAX_DEPTH,
    )


def project_roots() -> tuple[Path, ...]:
    """The folders in which projects may lie; none by default."""
    return tuple(Path(root) for root in settings.SKILLMEAT_PROJECT_ROOTS)
