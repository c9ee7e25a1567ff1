"""What can go wrong in the marketplace, besides upstream."""

from __future__ import annotations

from skillmeat_site.core.errors import DomainError


class SourceExists(DomainError):
    """The same repository, ref and root folder is registered already; ``source_id`` tells where."""

    code = "source_exists"
    status = 409
    title = "The source exists"


class SourceBusy(DomainError):
    """Another scan holds the source; ``job_id`` tells which job, where that is known."""

    code = "source_busy"
    status = 409
    title = "The source is being scanned"


class NotImportable(DomainError):
    """The entry is nothing that a collection can hold: a marketplace, a removed or an excluded one."""

    code = "not_importable"
    status = 409
    title = "The entry cannot be imported"


class NotInCommit(DomainError):
    """At the commit that is read, nothing of the entry's type is at its path."""

    code = "not_in_commit"
    status = 409
    title = "Nothing of its type is at the entry's path in this commit"


class NeedsPlugin(DomainError):
    """It names ``${CLAUDE_PLUGIN_ROOT}``, which exists inside its plugin only: import the plugin."""

    code = "needs_plugin"
    status = 409
    title = "It works only inside its plugin"


class CollectionRequired(DomainError):
    """The entry is imported into several collections; say which one is meant."""

    code = "collection_required"
    status = 400
    title = "Which collection?"
