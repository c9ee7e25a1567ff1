"""Finding the artifacts of a listing: by its paths alone, then with what the wanted documents say.

``detect_layout`` answers from paths; ``wanted`` names the files whose content the rules ask for; ``detect`` gives the
final answer. All three take a bare listing or a ``TreeIndex`` built once, and none changes what it is given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from marketplace.domain.candidates import Candidate, Survey, survey_of
from marketplace.domain.confidence import confidence_of
from marketplace.domain.content_rules import content_candidates
from marketplace.domain.declared import Declared, declared_candidates
from marketplace.domain.describe import describe
from marketplace.domain.layouts import layout_candidates
from marketplace.domain.manifests import Documents
from marketplace.domain.manual import mapped_candidates, single_candidate
from marketplace.domain.naming import folder_key, is_below, shown
from marketplace.domain.not_entered import not_entered_warnings
from marketplace.domain.path_tags import PATH_TAGS_VERSION
from marketplace.domain.plausible import plausible_documents
from marketplace.domain.tree_index import TreeIndex, index_of
from marketplace.domain.types import ArtifactType, Basis, Detected, Detection, DetectionOptions, Wanted
from skillmeat_site.core.documents.frontmatter import PARSER_VERSION
from skillmeat_site.core.documents.text import blob_oid, canonical_json
from skillmeat_site.core.documents.types import DocumentKind, Parsed, Warned
from skillmeat_site.upstream.types import TreeItem

DETECTOR_VERSION: Final = 2
"""Changes whenever the same listing, options and documents give another answer."""

Tree = TreeIndex | Sequence[TreeItem]

_FOLDER_TYPES = frozenset({ArtifactType.SKILL, ArtifactType.PLUGIN})
_OWN_ROOTS = frozenset({ArtifactType.PLUGIN, ArtifactType.MARKETPLACE})


def detect_layout(tree: Tree, options: DetectionOptions, *, root_tree_oid: str = "") -> Detection:
    """Return what the paths alone tell. Hooks in settings and all that a manifest declares are not in it."""
    return detect(tree, options, {}, root_tree_oid=root_tree_oid, tree_only=True)


def wanted(tree: Tree, options: DetectionOptions, documents: Documents | None = None) -> tuple[Wanted, ...]:
    """Return what ``detect`` would read and ``documents`` lacks, sorted by path, each (oid, kind) once.

    The first call also asks for what a manifest probably names, so that a second one seldom finds anything missing.
    """
    known = documents or {}
    index = index_of(tree)
    survey = survey_of(index, options, known)
    asked: dict[tuple[str, DocumentKind], Wanted] = {}
    for item, kind in _asked_for(survey, known):
        if (item.oid, kind) not in known:
            asked.setdefault((item.oid, kind), Wanted(item.oid, kind, item.path))
    return tuple(sorted(asked.values(), key=lambda want: (want.path, want.kind)))


def detect(
    tree: Tree,
    options: DetectionOptions,
    documents: Documents,
    *,
    root_tree_oid: str = "",
    tree_only: bool = False,
) -> Detection:
    """Return the artifacts of a listing, sorted by (path, type, discriminator), each once.

    ``root_tree_oid`` is the content id of what lies at the root (not needed where ``tree`` is an index).
    A document that is missing from ``documents`` leaves its artifact as its path tells it, with the warning
    ``document_unread`` unless ``tree_only``. Never raises, whatever the paths and documents hold.
    """
    survey = survey_of(index_of(tree, root_tree_oid), options, documents)
    found: dict[tuple[str, str, str], Detected] = {}
    noticed: list[Warned] = list(not_entered_warnings(survey))
    if survey.root and survey.root not in survey.index.folders and survey.root not in survey.index.files:
        noticed.append(Warned("root_hint_missing", "nothing lies at root_hint", survey.root))
    declared = declared_candidates(survey)
    # What needs its content is never found by paths alone: then those rules need not run.
    read = None if tree_only and not documents else documents
    for candidate in _candidates(survey, declared, noticed, read):
        key = (shown(candidate.path), candidate.type, candidate.discriminator)
        if key not in found:
            detected = _detected(candidate, survey, declared, read, tree_only)
            if detected is not None:
                found[key] = detected
    return Detection(tuple(found[key] for key in sorted(found)), tuple(dict.fromkeys(noticed)))


def detection_key(options: DetectionOptions) -> str:
    """Return a hash of all that changes the answer to the same listing: a source's options and the rules' versions."""
    stated = {
        "manual_map": {folder_key(folder): str(type_) for folder, type_ in options.manual_map.items()},
        "root_hint": folder_key(options.root_hint),
        "single_artifact_type": str(options.single_artifact_type or ""),
        "detector": DETECTOR_VERSION,
        "parser": PARSER_VERSION,
        "path_tags": PATH_TAGS_VERSION,
    }
    return hashlib.sha256(canonical_json(stated)).hexdigest()


def _candidates(
    survey: Survey, declared: Declared, noticed: list[Warned], documents: Documents | None
) -> Iterator[Candidate]:
    """Yield all candidates below the root that is looked at, the surer reading of a place before the others.

    ``documents`` is None where nothing is read: rules of content are left out.
    """
    options = survey.options
    if options.single_artifact_type is not None:
        if survey.root in survey.index.folders or survey.root in survey.index.files:
            yield single_candidate(survey, options.single_artifact_type)
        return
    for candidate in chain(mapped_candidates(survey, noticed.append), _ruled(survey, declared, documents)):
        if is_below(candidate.path, survey.root):
            yield candidate


def _ruled(survey: Survey, declared: Declared, documents: Documents | None) -> Iterator[Candidate]:
    """Yield what layout, manifests and content tell. Below a mapped folder the user's word stands alone: nothing.

    Of a default folder that a manifest has replaced, only what that manifest names is left.
    """
    by_content = content_candidates(survey, documents) if documents is not None else ()
    for candidate in chain(layout_candidates(survey), declared.candidates, by_content):
        if candidate.scope.mapped is not None:
            continue
        component = candidate.scope.component
        if component is None or component.base not in declared.replaced or candidate.path in declared.named:
            yield candidate


def _asked_for(survey: Survey, known: Documents) -> Iterator[tuple[TreeItem, DocumentKind]]:
    """Yield every file whose content a rule asks for, by what is known now."""
    single = survey.options.single_artifact_type is not None
    for folder, item in () if single else survey.manifests.files:
        # Those of other parts of the repository say nothing of what lies at or below the root that is looked at.
        if is_below(folder, survey.root) or is_below(survey.root, folder):
            yield item, DocumentKind.JSON
    for candidate in _candidates(survey, declared_candidates(survey), [], known):
        if candidate.kind is not None and candidate.inline is None:
            yield candidate.item, candidate.kind
    if not single:
        yield from plausible_documents(survey)


def _detected(
    candidate: Candidate, survey: Survey, declared: Declared, documents: Documents | None, tree_only: bool
) -> Detected | None:
    """Return the finding a candidate is, or None where its content shows that it is none."""
    parsed, unread = _read(candidate, documents, tree_only)
    described = describe(candidate, parsed, survey)
    if described is None:
        return None
    name, facts = described
    confidence, signals = confidence_of((*candidate.signals, *facts.signals))
    content_oid = _content_oid(candidate, survey)
    warnings = (*candidate.warnings, *unread, *facts.warnings)
    if candidate.type is ArtifactType.PLUGIN:
        warnings += tuple(declared.warnings.get(candidate.path, ()))
    if not content_oid:
        warnings += (Warned("folder_not_listed", "the listing has no id for this folder", shown(candidate.path)),)
    # A plugin or marketplace belongs to what lies around it, not to itself.
    around = survey.scopes.above(candidate.path) if candidate.type in _OWN_ROOTS else candidate.scope
    return Detected(
        type=candidate.type,
        path=shown(candidate.path),
        file=shown(candidate.item.path),
        name=name,
        content_oid=content_oid,
        confidence=confidence,
        basis=candidate.basis,
        namespace=candidate.namespace,
        discriminator=candidate.discriminator,
        plugin=shown(around.plugin) if around.plugin is not None else None,
        client=candidate.scope.client,
        title=facts.title,
        description=facts.description,
        signals=signals,
        tags=facts.tags,
        metadata=facts.metadata,
        warnings=tuple(dict.fromkeys(warnings)) if warnings else (),
        manual=candidate.basis is Basis.MANUAL,
    )


def _read(
    candidate: Candidate, documents: Documents | None, tree_only: bool
) -> tuple[Parsed | None, tuple[Warned, ...]]:
    """Return a candidate's document, and the warning that it should have been read and was not."""
    if candidate.inline is not None:
        return Parsed(data=candidate.inline), ()
    kind = candidate.kind
    if kind is None or documents is None:
        return None, ()
    parsed = documents.get((candidate.item.oid, kind))
    if parsed is None and not tree_only:
        return None, (Warned("document_unread", "its content was not read", candidate.item.path),)
    if parsed is not None and parsed.is_unread:
        # Nothing is known of it, which is not the same as a file that says nothing.
        return None, tuple(warned._replace(path=candidate.item.path) for warned in parsed.warnings)
    return parsed, ()


def _content_oid(candidate: Candidate, survey: Survey) -> str:
    """Return the git id of the artifact's content: tree of a skill or plugin, blob of the others."""
    if candidate.inline is not None:
        return blob_oid(canonical_json(candidate.inline))
    if candidate.type in _FOLDER_TYPES:
        return survey.index.folders.get(candidate.path, "") or (
            candidate.item.oid if candidate.item.path == candidate.path else ""
        )
    return candidate.item.oid
