"""What can go wrong in the marketplace, besides upstream."""

from __future__ import annotations

from skillmeat_site.core.errors import DomainError, result_code


class SourceExists(DomainError):
    """The same repository, ref and root folder is registered already; ``source_id`` tells where."""

    code = "source_exists"
    status = 409
    title = "The source exists"
    hint = "Use that source."


class SourceBusy(DomainError):
    """Another scan holds the source; ``job_id`` tells which job, where that is known."""

    code = "source_busy"
    status = 409
    title = "The source is being scanned"
    hint = "Wait for it; asked for with `Prefer: respond-async`, an equal scan joins it."


class NotImportable(DomainError):
    """The entry is nothing that a collection can hold: a marketplace, a removed or an excluded one."""

    code = "not_importable"
    status = 409
    title = "The entry cannot be imported"
    hint = "The detail says which; restore an excluded one, import the plugins of a marketplace."


class NotInCommit(DomainError):
    """At the commit that is read, nothing of the entry's type is at its path."""

    code = "not_in_commit"
    status = 409
    title = "Nothing of its type is at the entry's path in this commit"
    hint = "Rescan the source, or name another `source_ref`."


class NeedsPlugin(DomainError):
    """It names ``${CLAUDE_PLUGIN_ROOT}``, which exists inside its plugin only: import the plugin."""

    code = "needs_plugin"
    status = 409
    title = "It works only inside its plugin"
    hint = "Import the plugin."


class CollectionRequired(DomainError):
    """The entry is imported into several collections; say which one is meant."""

    code = "collection_required"
    status = 400
    title = "Which collection?"
    hint = "Say which: `collection`."


# Codes of results, with what to do about them.
REMOVALS_HELD = result_code("removals_held", hint="Look at the repository; then rescan with `allow_removals`.")
result_code("rename_not_followed", hint="Delete one of the two.")
result_code("not_github", hint="Nothing needs doing.")
result_code("same_name_in_batch", hint="Import it with `rename`.")
result_code("names_exhausted", hint="Remove some, or import into another collection.")
result_code("unmanaged_file", hint="Move it away, adopt it, or import with `rename`.")
