from rest_framework.routers import SimpleRouter

from collections_app.api.deploy_urls import deploy_routes

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
for prefix, viewset, basename in deploy_routes:
    router.register(prefix, viewset, basename=basename)

urlpatterns = router.urls
