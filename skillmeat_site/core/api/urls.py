from django.urls import path
from rest_framework.routers import SimpleRouter

from skillmeat_site.core.api.jobs import JobViewSet
from skillmeat_site.core.api.rate_limit import RateLimitView

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("jobs", JobViewSet, basename="job")

urlpatterns = [path("rate-limit", RateLimitView.as_view(), name="rate-limit"), *router.urls]
