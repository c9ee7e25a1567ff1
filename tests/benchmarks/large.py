"""Large collections, written as importing everything would have written them."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import uuid4

from django.utils import timezone

from collections_app.domain.lockfile import Lock, LockEntry, write_lock
from collections_app.domain.manifest import ArtifactRecord, Manifest, write_manifest
from collections_app.domain.types import ArtifactRef
from collections_app.jobs import index
from collections_app.models import Collection
from collections_app.services.homes import home
from collections_app.store.content_ids import blob_oid, tree_oid
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.jobs import runner
from tests.conftest import skill

SLUG = "large"


def put_collection(places: Iterable[tuple[str, str]]) -> None:
    """A collection of skills, each by its name and its repository's URL; indexed."""
    folder = home().collection(SLUG)
    now = timezone.now()
    records, locks = [], []
    for name, url in places:
        data = skill(name).encode()
        place = folder / "skills" / name
        place.mkdir(parents=True)
        (place / "SKILL.md").write_bytes(data)
        oid = tree_oid([("SKILL.md", "100644", blob_oid(data))])
        written = {"title": name, "description": "Does things"}
        records.append(
            ArtifactRecord(
                type="skill", name=name, path=f"skills/{name}", origin="marketplace", added=now, uuid=uuid4().hex,
                upstream=url, upstream_path=f"skills/{name}", version_spec="latest", content_oid=oid, base_oid=oid,
                metadata=written,
            )
        )  # fmt: skip
        ref = ArtifactRef("skill", name)
        extra = {"written": written}
        locks.append(LockEntry(ref=ref, content_hash=oid, content_oid=oid, fetched=now, extra=extra))
    manifest = Manifest(name=SLUG, records=tuple(records), created=now, updated=now)
    (folder / "collection.toml").write_bytes(write_manifest(manifest))
    (folder / "collection.lock").write_bytes(write_lock(Lock(entries=tuple(locks))))
    Collection.objects.create(slug=SLUG)
    runner.run_inline(index, {"slug": SLUG}, COMMAND_LINE).unwrap()
