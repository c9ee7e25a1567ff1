from django.urls import path

from cache_app.api.views import CacheViewSet

urlpatterns = [
    path("projects/cache/refresh", CacheViewSet.as_view({"post": "discover"}), name="project-discovery"),
    path("cache/refresh", CacheViewSet.as_view({"post": "refresh"}), name="cache-refresh"),
    path("cache/status", CacheViewSet.as_view({"get": "status"}), name="cache-status"),
]
