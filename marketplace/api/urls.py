from django.urls import path
from rest_framework.routers import SimpleRouter

from marketplace.api.entries import EntryViewSet, SourceEntryViewSet
from marketplace.api.sources import SourceViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("sources", SourceViewSet, basename="source")
router.register("entries", EntryViewSet, basename="entry")

urlpatterns = [
    *router.urls,
    path("sources/<int:source_id>/entries", SourceEntryViewSet.as_view({"get": "list"}), name="source-entries"),
    path(
        "sources/<int:source_id>/entries/<int:pk>",
        SourceEntryViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="source-entry",
    ),
    *(
        path(f"sources/<int:source_id>/entries/<int:pk>/{name}", SourceEntryViewSet.as_view({verb: name}), name=url)
        for name, verb, url in (
            ("files", "get", "source-entry-files"),
            ("diff", "get", "source-entry-diff"),
            ("reimport", "post", "source-entry-reimport"),
        )
    ),
]
