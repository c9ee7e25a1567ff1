"""All paths. The only module that puts the faces of the apps together."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from marketplace.api.webhooks import GitHubWebhookView
from skillmeat_site.core.api import health, problems

api: list[URLPattern | URLResolver] = [
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("", include("skillmeat_site.core.api.urls")),
    path("", include("cache_app.api.urls")),
    path("", include("collections_app.api.urls")),
    path("marketplace/", include("marketplace.api.urls")),
    path("webhooks/github", GitHubWebhookView.as_view(), name="webhooks-github"),
]

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("api/v1/", include(api)),
    re_path(r"^api/", problems.not_found, {"exception": None}),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("metrics", health.MetricsView.as_view(), name="metrics"),
]
