"""What refreshes start from: a collection that was imported."""

from tests.cache_app.conftest import make_project, roots  # noqa: F401 - fixtures
from tests.collections_app.refresh.conftest import repository  # noqa: F401 - a fixture
from tests.marketplace.conftest import hub, on_github, registered  # noqa: F401 - fixtures
