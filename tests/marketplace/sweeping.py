"""Many sources on the loopback GitHub, of which one was really scanned and the others are its copies."""

from __future__ import annotations

from typing import Any

from marketplace.jobs import bulk_rescan
from marketplace.models import Source
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.jobs import runner
from skillmeat_site.core.results import BulkResult
from tests.fakes.github import GitHub
from tests.marketplace.scanning import scan

TOKEN = "ghp_" + "secret" * 6


def many_sources(hub: GitHub, count: int) -> list[Source]:
    """So many sources: ``acme/tools``, scanned, and ``acme/r1``… with the same content and the same known commit."""
    first = create_source(url=f"{hub.url}/acme/tools", actor=COMMAND_LINE)
    scan(first)
    original = hub.repository("acme/tools")
    assert original is not None
    columns = [field.attname for field in Source._meta.concrete_fields if not field.primary_key]
    values = {name: getattr(first, name) for name in columns}
    copies = []
    for number in range(1, count):
        state = hub.add(f"acme/r{number}", original.path)
        url = f"{hub.url}/acme/r{number}"
        copies.append(Source(**{**values, "url": url, "url_key": url, "name": state.full_name.split("/")[1]}))
        copies[-1].repository_id = state.id if first.repository_id else None
    Source.objects.bulk_create(copies, batch_size=200)
    return list(Source.objects.order_by("pk"))


def sweep_all(**options: Any) -> BulkResult:
    """Rescan all sources as one job, here."""
    ids = list(Source.objects.order_by("pk").values_list("pk", flat=True))
    params = {"ids": ids, "force": False, "allow_removals": False, **options}
    result = runner.run_inline(bulk_rescan, params, COMMAND_LINE).unwrap()
    assert isinstance(result, BulkResult)
    assert len(result.rows) == len(ids)
    return result


def outcomes(result: BulkResult) -> dict[str, int]:
    """How many rows ended how."""
    return {name: number for name, number in result.summary.to_json().items() if number and name != "total"}
