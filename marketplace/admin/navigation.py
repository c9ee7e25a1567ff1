"""Where the marketplace's pages stand."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from marketplace.models import CatalogEntry, ScanRun, Source, SourceTag, WebhookDelivery
from skillmeat_site.core.navigation import section

section("sources", _("Sources and catalog"), Source, CatalogEntry, SourceTag, ScanRun, WebhookDelivery, order=10)
