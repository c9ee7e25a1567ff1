"""Where approved tags go: to what is imported, and to what was imported before they were approved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from collections_app.domain.artifact_edit import ArtifactEdit
from collections_app.services.artifacts import edit_artifacts
from collections_app.services.settled_rows import Keep, SettledRows, forget
from marketplace.domain.path_tags import tags_for
from marketplace.models import EntryImport, Source, SourceTag
from marketplace.models.tag import TagKind, TagStatus
from skillmeat_site.core.actor import Actor
from skillmeat_site.core.errors import Cancelled
from skillmeat_site.core.reporting import Report
from skillmeat_site.core.results import BulkResult, ObjectRef
from skillmeat_site.core.tags import MAX_TAGS


@dataclass(frozen=True, slots=True)
class Approved:
    """Approved tags of one source: topics go with every entry, a folder's tag with what lies below the folder."""

    topics: tuple[str, ...]
    paths: frozenset[str]
    root_hint: str

    @classmethod
    def among(cls, tags: Iterable[SourceTag], root_hint: str) -> Approved:
        tags = list(tags)
        topics = sorted(tag.normalized for tag in tags if tag.kind == TagKind.TOPIC)
        paths = frozenset(tag.normalized for tag in tags if tag.kind == TagKind.PATH)
        return cls(tuple(topics), paths, root_hint)

    def of(self, path: str) -> tuple[str, ...]:
        """The tags that an entry at this path gets."""
        return tuple(dict.fromkeys((*self.topics, *tags_for(path, self.paths, self.root_hint))))

    def added_to(self, tags: Sequence[str], path: str) -> tuple[str, ...]:
        """An entry's own tags and those approved for it, as many as an artifact may have."""
        known = {tag.strip().lower() for tag in tags}
        more = [tag for tag in self.of(path) if tag not in known]
        return (*tags, *more[: max(0, MAX_TAGS - len(tags))])


def approved_of(source: Source) -> Approved:
    """The tags of a source that are approved, and that its repository has: one statement."""
    tags = SourceTag.objects.filter(source=source, status=TagStatus.APPROVED).present()
    return Approved.among(tags, source.root_hint)


def has_imports(tag_ids: Sequence[int]) -> bool:
    """Whether anything was imported from the sources of these tags."""
    sources = SourceTag.objects.filter(pk__among=list(tag_ids)).values("source_id")
    return EntryImport.objects.filter(entry__source_id__in=sources).exists()


def spread_tags(
    tag_ids: Sequence[int],
    *,
    actor: Actor,
    report: Report,
    job_id: UUID | None = None,
    keep: Keep = forget,
    dry_run: bool = False,
) -> BulkResult:
    """Add these tags, as far as they are approved still, to the artifacts that came from their sources.

    Nothing is taken away, and other approved tags are not added again: their user may have removed them. Each
    collection is held while it is changed; one that is busy fails its own rows. One row for each artifact that a tag
    is for; after a cancel the rest is deferred.
    """
    wanted = _wanted(tag_ids)
    groups: dict[tuple[str, ...], list[UUID]] = defaultdict(list)
    for artifact_id, tags in wanted.items():
        groups[tuple(sorted(tags))].append(artifact_id)
    told = SettledRows(keep)
    for words, artifacts in sorted(groups.items()):
        edit = ArtifactEdit(add_tags=words)
        result = edit_artifacts(artifacts, edit, actor=actor, report=report, job_id=job_id, dry_run=dry_run)
        told.settle(result.rows)
        if result.cancelled:
            told.fail((ObjectRef("artifact", str(pk)) for pk in wanted), Cancelled())
            break
    return BulkResult(tuple(told.rows.values()), dry_run=dry_run, cancelled=told.cancelled)


def _wanted(tag_ids: Sequence[int]) -> dict[UUID, set[str]]:
    """Which tags each artifact is to get: two statements."""
    chosen = SourceTag.objects.filter(pk__among=list(tag_ids), status=TagStatus.APPROVED).present()
    by_source: dict[Source, list[SourceTag]] = defaultdict(list)
    for tag in chosen.select_related("source"):
        by_source[tag.source].append(tag)
    approved = {source.pk: Approved.among(tags, source.root_hint) for source, tags in by_source.items()}
    imports = EntryImport.objects.filter(entry__source__pk__among=sorted(approved))
    wanted: dict[UUID, set[str]] = defaultdict(set)
    for artifact_id, source_id, path in imports.values_list("artifact_id", "entry__source_id", "entry__path"):
        wanted[artifact_id].update(approved[source_id].of(path))
    return {artifact_id: tags for artifact_id, tags in wanted.items() if tags}
