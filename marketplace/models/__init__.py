from marketplace.models.delivery import WebhookDelivery
from marketplace.models.entry import CatalogEntry
from marketplace.models.entry_import import EntryImport
from marketplace.models.manifest import Manifest
from marketplace.models.scan_run import ScanRun
from marketplace.models.source import Source
from marketplace.models.tag import SourceTag

__all__ = ["CatalogEntry", "EntryImport", "Manifest", "ScanRun", "Source", "SourceTag", "WebhookDelivery"]
