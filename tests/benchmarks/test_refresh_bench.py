"""What a check of 10,000 artifacts from 100 repositories costs: nothing new, and a change in each of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from collections_app.domain.lockfile import Lock, LockEntry, write_lock
from collections_app.domain.manifest import ArtifactRecord, Manifest, write_manifest
from collections_app.domain.types import ArtifactRef
from collections_app.jobs import index, refresh
from collections_app.models import Collection
from collections_app.services.homes import home
from collections_app.store.content_ids import blob_oid, tree_oid
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.jobs import runner
from skillmeat_site.upstream.sample import commit, create_repository
from tests.conftest import skill
from tests.fakes.git_http import serve

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db(transaction=True)]

REPOSITORIES, EACH = 100, 100
SLUG = "large"


def name(repository: int, number: int) -> str:
    return f"r{repository:02}-skill-{number:02}"


def put_repository(root: Any, number: int) -> None:
    path = root / "acme" / f"r{number:02}.git"
    path.parent.mkdir(exist_ok=True)
    create_repository(path)
    files = {f"skills/{name(number, n)}/SKILL.md": skill(name(number, n)) for n in range(EACH)}
    commit(path, files, "first", time=1_767_225_600)


def put_collection(url: str) -> None:
    """What importing everything would have made, written directly."""
    folder = home().collection(SLUG)
    now = timezone.now()
    records, locks = [], []
    for repository in range(REPOSITORIES):
        for number in range(EACH):
            called = name(repository, number)
            data = skill(called).encode()
            place = folder / "skills" / called
            place.mkdir(parents=True)
            (place / "SKILL.md").write_bytes(data)
            oid = tree_oid([("SKILL.md", "100644", blob_oid(data))])
            upstream = f"{url}/acme/r{repository:02}.git"
            records.append(
                ArtifactRecord(
                    type="skill", name=called, path=f"skills/{called}", origin="marketplace", added=now,
                    upstream=upstream, upstream_path=f"skills/{called}", version_spec="latest",
                    content_oid=oid, base_oid=oid,
                    metadata={"title": called, "description": "Does things"},
                )
            )  # fmt: skip
            locks.append(
                LockEntry(
                    ref=ArtifactRef("skill", called), content_hash=oid, content_oid=oid, fetched=now,
                    extra={"written": {"title": called, "description": "Does things"}},
                )
            )  # fmt: skip
    manifest = Manifest(name=SLUG, records=tuple(records), created=now, updated=now)
    (folder / "collection.toml").write_bytes(write_manifest(manifest))
    (folder / "collection.lock").write_bytes(write_lock(Lock(entries=tuple(locks))))
    Collection.objects.create(slug=SLUG)
    runner.run_inline(index, {"slug": SLUG}, COMMAND_LINE).unwrap()


def check() -> Any:
    return runner.run_inline(refresh, {"slug": SLUG, "mode": "check_only"}, COMMAND_LINE).unwrap().to_json()


def test_check_of_a_large_collection(
    tmp_path: Any, settings: Any, measured: Any, record_figure: Any, database: str
) -> None:
    root = tmp_path / "served"
    root.mkdir()
    for number in range(REPOSITORIES):
        put_repository(root, number)
    with serve(root) as server:
        settings.SKILLMEAT_ALLOWED_HOSTS = [server.url]
        put_collection(server.url)
        assert check()["up_to_date"] == REPOSITORIES * EACH

        before = len(server.requests)
        with measured() as cost:
            assert check()["up_to_date"] == REPOSITORIES * EACH
        _record(record_figure, f"check of 10,000, unchanged, {database}", cost, len(server.requests) - before, 1, 2)

        for number in range(REPOSITORIES):
            files = {f"skills/{name(number, 0)}/SKILL.md": skill(name(number, 0), "New")}
            commit(root / "acme" / f"r{number:02}.git", files, "one", time=1_800_000_000)
        before = len(server.requests)
        with measured() as cost:
            assert check()["updates_available"] == REPOSITORIES
        _record(
            record_figure, f"check of 10,000, all changed, {database}", cost, len(server.requests) - before, None, 4
        )


def _record(record_figure: Any, what: str, cost: Any, requests: int, calls: int | None, most: int) -> None:
    record_figure(f"{what}, own time", cost.own_seconds, "s", 5)
    record_figure(f"{what}, own processor time", cost.cpu_seconds, "s", None)
    record_figure(f"{what}, each repository", cost.git_calls / REPOSITORIES, "git calls", calls)
    record_figure(f"{what}, each repository", requests / REPOSITORIES, "requests", most)
    record_figure(what, len(cost.statements), "statements", None)
