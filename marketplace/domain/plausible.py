"""Documents that a manifest probably names, asked for before the manifest is read, so that one batch suffices."""

from __future__ import annotations

from collections.abc import Iterator

from marketplace.domain.candidates import Survey
from marketplace.domain.naming import is_below, is_documentation, name_of, parent_of
from marketplace.domain.scopes import Scope
from skillmeat_site.core.documents.types import DocumentKind
from skillmeat_site.upstream.types import TreeItem


def plausible_documents(survey: Survey) -> Iterator[tuple[TreeItem, DocumentKind]]:
    """Yield files that are artifacts if a manifest not yet read says so.

    Below a marketplace any folder may be a plugin without a manifest: the contents of every commands/ and agents/, and
    every hooks.json. In a plugin's own folder, Markdown that is not documentation by its name: some declare their
    agents there one by one. What lies inside a skill is never asked for.
    """
    if survey.manifests.marketplaces:
        for item in survey.index.markdown:
            if _may_count(survey, item):
                yield item, DocumentKind.FRONTMATTER
        for item in survey.index.named("hooks.json"):
            if _may_count(survey, item):
                yield item, DocumentKind.JSON
    for plugin in survey.manifests.plugins:
        if plugin.has_manifest and not plugin.statements and survey.root in ("", plugin.folder):
            for item in survey.index.directly_in(plugin.folder, ".md"):
                if _may_count(survey, item):
                    yield item, DocumentKind.FRONTMATTER


def _may_count(survey: Survey, item: TreeItem) -> bool:
    stem = name_of(item.path).removesuffix(".md")
    scope: Scope = survey.scopes.of(parent_of(item.path))
    return (
        is_below(item.path, survey.root)
        and scope.skill is None
        and scope.mapped is None
        and stem != stem.upper()
        and not is_documentation(stem)
    )
