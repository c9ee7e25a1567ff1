"""What stands below a collection: its address gives the collection, its own key the row."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.generics import get_object_or_404

from collections_app.models import Collection
from skillmeat_site.core.api.actions import ActionMixin

SLUG = OpenApiParameter("slug", OpenApiTypes.STR, OpenApiParameter.PATH)


class BelowCollection(ActionMixin):
    """``collection`` is the one in the address, which the user may see. 404 else."""

    request: Any
    kwargs: dict[str, Any]

    @cached_property
    def collection(self) -> Collection:
        chosen = Collection.objects.for_user(self.request.user)
        return get_object_or_404(chosen, slug=self.kwargs["slug"])
