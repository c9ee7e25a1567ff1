"""manage.py add_source URL…"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from marketplace.api.serializers import SourceSerializer
from marketplace.domain.types import ArtifactType
from marketplace.errors import SourceExists
from marketplace.jobs import rescan
from marketplace.models import Source
from marketplace.services.sources import check_source, create_source, find_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.errors import DomainError
from skillmeat_site.core.management.base import Command as Base
from skillmeat_site.core.results import ItemOutcome, Summary
from skillmeat_site.upstream.providers import ProviderChoice


class Command(Base):
    help = "Register repositories as sources. Asks no repository, unless --scan is given."
    writes = True

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("urls", nargs="+", metavar="URL", help="https, ssh, file://, a path, or owner/name")
        parser.add_argument("--ref", default="", help="branch, tag or commit; default: the default branch")
        providers = [choice.value for choice in ProviderChoice]
        parser.add_argument("--provider", default=ProviderChoice.AUTO.value, choices=providers, help="who reads it")
        parser.add_argument("--root-hint", default="", help="only look at or below this folder")
        parser.add_argument("--tag", action="append", default=[], help="repeatable")
        parser.add_argument("--single-artifact-type", default="", choices=[type_.value for type_ in ArtifactType])
        parser.add_argument("--scan", action="store_true", help="scan at once")

    def run(self, options: Mapping[str, Any]) -> int:
        rows = [self.add(url, options) for url in options["urls"]]
        code = self.finish(rows, Summary.of(str(row["outcome"]) for row in rows))
        return code or int(any(row.get("scan", {}).get("code") for row in rows))  # removals are held

    def add(self, url: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """Each URL settles by itself. A known source is unchanged, and is scanned too if that was asked for."""
        place = {"ref": options["ref"], "root_hint": options["root_hint"]}
        fields = {name: options[name] for name in ("provider", "single_artifact_type")}
        fields |= {"tags": options["tag"], **place}
        try:
            source = find_source(url=url, **place)
            outcome = ItemOutcome.UNCHANGED if source else ItemOutcome.CREATED
            if source is None and options["dry_run"]:
                check_source(url=url, **fields)
                return {"url": url, "outcome": outcome.value, "code": None, "dry_run": True}
            if source is None:
                source = self.create(url, fields)
        except DomainError as error:
            failed = ItemOutcome.FAILED.value
            return {"url": url, "outcome": failed, "code": error.code, "detail": error.detail, **error.data}
        row: dict[str, Any] = {"outcome": outcome.value, "code": None}
        if options["scan"] and not options["dry_run"]:
            row |= self.scan(source, outcome)
        return {**SourceSerializer(Source.objects.for_list().get(pk=source.pk)).data, **row}

    def create(self, url: str, fields: Mapping[str, Any]) -> Source:
        try:
            return create_source(url=url, actor=COMMAND_LINE, **fields)
        except SourceExists as error:  # somebody registered it a moment ago
            source = Source.objects.filter(pk=error.data["source_id"]).first()
            if source is None:
                raise
            return source

    def scan(self, source: Source, outcome: ItemOutcome) -> dict[str, Any]:
        try:
            params = {"source_id": source.pk, "force": False, "allow_removals": False}
            return {"scan": self.run_job(rescan, params).to_json()}
        except DomainError as error:
            failure = {"outcome": ItemOutcome.FAILED.value, "code": error.code, "detail": error.detail}
            return {**failure, "scan": failure}

    def describe(self, row: Mapping[str, Any], label: str) -> str:
        found = f"  {row['scan']['artifacts_found']} artifacts" if row.get("scan") else ""
        return f"{row['outcome']}  {row.get('id', '-')}  {label}{found}"
