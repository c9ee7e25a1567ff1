"""What the marketplace does when something happens in collections, which do not know it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.dispatch import receiver

from collections_app.signals import artifacts_indexed
from marketplace.services.relinking import relink


@receiver(artifacts_indexed)
def link_again(ids: Sequence[UUID], **kwargs: Any) -> None:
    """An artifact that came back is the import that it was."""
    relink(ids)
