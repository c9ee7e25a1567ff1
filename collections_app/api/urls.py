from django.urls import path
from rest_framework.routers import SimpleRouter

from collections_app.api.artifacts import ArtifactViewSet
from collections_app.api.collections import CollectionViewSet
from collections_app.api.deploy_urls import deploy_routes
from collections_app.api.refresh import PlanViewSet, RefreshView
from collections_app.api.snapshots import SnapshotViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("user-collections", CollectionViewSet, basename="user-collection")
for prefix, viewset, basename in deploy_routes:
    router.register(prefix, viewset, basename=basename)

_ONE = "user-collections/<str:slug>"

urlpatterns = [
    *router.urls,
    path(f"{_ONE}/artifacts", ArtifactViewSet.as_view({"get": "list"}), name="user-collection-artifacts"),
    path(
        f"{_ONE}/artifacts/<uuid:pk>",
        ArtifactViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="user-collection-artifact",
    ),
    path(
        f"{_ONE}/artifacts/<uuid:pk>/files",
        ArtifactViewSet.as_view({"get": "files"}),
        name="user-collection-artifact-files",
    ),
    path(f"{_ONE}/refresh", RefreshView.as_view({"post": "refresh"}), name="user-collection-refresh"),
    path(f"{_ONE}/plans/<uuid:pk>", PlanViewSet.as_view({"get": "retrieve"}), name="user-collection-plan"),
    path(f"{_ONE}/plans/<uuid:pk>/diff", PlanViewSet.as_view({"get": "diff"}), name="user-collection-plan-diff"),
    path(f"{_ONE}/plans/<uuid:pk>/apply", PlanViewSet.as_view({"post": "apply"}), name="user-collection-plan-apply"),
    path(
        f"{_ONE}/snapshots",
        SnapshotViewSet.as_view({"get": "list", "post": "create"}),
        name="user-collection-snapshots",
    ),
    path(f"{_ONE}/snapshots/<uuid:pk>", SnapshotViewSet.as_view({"get": "retrieve"}), name="user-collection-snapshot"),
    path(
        f"{_ONE}/snapshots/<uuid:pk>/restore",
        SnapshotViewSet.as_view({"post": "restore"}),
        name="user-collection-snapshot-restore",
    ),
    path(
        f"{_ONE}/snapshots/<uuid:pk>/diff",
        SnapshotViewSet.as_view({"get": "diff"}),
        name="user-collection-snapshot-diff",
    ),
]
