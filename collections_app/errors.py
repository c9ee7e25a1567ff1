"""What can go wrong with files and collections. Pure, below every other room, so that each may raise them."""

from __future__ import annotations

from skillmeat_site.core.errors import DomainError, result_code


class UnsafePath(DomainError):
    """A name or path that leads out of its folder, or that some file system cannot hold."""

    code = "unsafe_path"
    status = 400
    title = "The name or path is not safe"
    hint = "Rename it."


class UnsafeLink(DomainError):
    """A symbolic link that leaves its artifact or goes round in circles, or one that stands in the way."""

    code = "unsafe_link"
    status = 400
    title = "A symbolic link is not safe"
    hint = "Let it point to a file of the same artifact."


class SpecialFile(DomainError):
    """Neither file, folder nor link: a socket, a pipe, a device, a submodule."""

    code = "special_file"
    status = 400
    title = "Not an ordinary file"
    hint = "Remove it from the artifact."


class ManifestInvalid(DomainError):
    """collection.toml or collection.lock cannot be understood; nothing of it was used, and it is left as it is."""

    code = "manifest_invalid"
    status = 409
    title = "The collection's file cannot be understood"
    hint = "Correct the file where the detail points, or restore a snapshot."


class ChangedOnDisk(DomainError):
    """At the target is not what the caller saw when it decided; it is kept as it is."""

    code = "changed_on_disk"
    status = 409
    title = "The files have changed meanwhile"
    hint = "Look at the files, and decide again."


class PathBlocked(DomainError):
    """A file stands where a folder is due, or a folder where a file is."""

    code = "path_blocked"
    status = 409
    title = "Something else stands at the path"
    hint = "Move it away."


class DiskDenied(DomainError):
    """The system refuses: permissions, or a file system mounted read-only."""

    code = "disk_denied"
    status = 500
    title = "The system refuses access to the files"
    hint = "Give the server's user access to the folder."


class DiskError(DomainError):
    """The disk failed in a way that no rule knows; the log has the system's own words."""

    code = "disk_error"
    status = 500
    title = "The disk failed"
    hint = "Look in the log for the system's own words."


class OtherFileSystem(DomainError):
    """A part of the folder lies on another file system, so that nothing can be swapped in at once."""

    code = "other_file_system"
    status = 409
    title = "The folder spans several file systems"
    hint = "Let the whole folder lie on one file system."


class DiskBusy(DomainError):
    """Something holds the file or folder: a mount point, a running program."""

    code = "disk_busy"
    status = 409
    title = "The file is in use"
    hint = "Let go of it, and try again."


class JournalInvalid(DomainError):
    """A file in journal/ that is no journal, or one that names a place outside; it is never acted upon."""

    code = "journal_invalid"
    status = 500
    title = "A journal cannot be understood"
    hint = "Look at it; remove it if it is not yours."


class CollectionBusy(DomainError):
    """Another operation holds the collection; nothing was changed."""

    code = "collection_busy"
    status = 409
    title = "The collection is being changed"
    hint = "Wait for it, or look at its job."


class CollectionExists(DomainError):
    code = "collection_exists"
    status = 409
    title = "The collection exists"
    hint = "Use it, or choose another slug."


class CollectionDeployed(DomainError):
    """Artifacts of the collection are deployed in projects; ``force`` deletes it all the same."""

    code = "collection_deployed"
    status = 409
    title = "Artifacts of the collection are deployed"
    hint = "Undeploy them, or delete with `force`: the deployed files stay."


class NameTaken(DomainError):
    """Another artifact, or a file that no manifest knows, has the name."""

    code = "name_taken"
    status = 409
    title = "The name is taken"
    hint = "Remove or rename it, or import with another strategy."


class UnsupportedTarget(DomainError):
    """The profile has no place for artifacts of this type, or the client keeps the place for itself."""

    code = "unsupported_target"
    status = 400
    title = "The artifact cannot be deployed there"
    hint = "Deploy to another profile."


class FormatTooNew(DomainError):
    """A file of ours was written by a newer version; it was left as it is."""

    code = "format_too_new"
    status = 409
    title = "A file was written by a newer version"
    hint = "Upgrade."


class SettingsInvalid(DomainError):
    """A project's settings.json or .mcp.json cannot be merged into; it was left as it is."""

    code = "settings_invalid"
    status = 409
    title = "The project's settings are not valid"
    hint = "Correct it where the detail says; comments are not JSON."


class ArtifactInvalid(DomainError):
    """The content of a hook or an MCP server is not of the shape that its type asks for."""

    code = "artifact_invalid"
    status = 409
    title = "The artifact is not valid"
    hint = "Correct the file in the collection, or exclude the entry."


class ProjectBusy(DomainError):
    """Another operation holds the project; nothing was changed."""

    code = "project_busy"
    status = 409
    title = "The project is being changed"
    hint = "Wait for it, or look at its job."


class ProjectExists(DomainError):
    code = "project_exists"
    status = 409
    title = "The project is registered"
    hint = "Use that project."


class ProjectMissing(DomainError):
    """Its folder is gone, or is no folder any more: unmounted, moved, deleted."""

    code = "project_missing"
    status = 409
    title = "The folder of the project is gone"
    hint = "Bring it back, or forget the project."


class Unmanaged(DomainError):
    """What nobody deployed is in the way; ``overwrite`` replaces it."""

    code = "unmanaged"
    status = 409
    title = "Something that nobody deployed is in the way"
    hint = "`overwrite`; undeploying gives an overwritten server or hook back, not a file."


class DeploymentModified(DomainError):
    """What was deployed has been edited since; it is kept unless ``force`` or ``overwrite``."""

    code = "modified"
    status = 409
    title = "What was deployed has been edited"
    hint = "Look at it; then `force`, or `overwrite` where deploying."


class PlaceTaken(DomainError):
    code = "taken"
    status = 409
    title = "Another deployment has the place"
    hint = "Undeploy the other; `overwrite` settles the latter."


class TargetBlocked(DomainError):
    code = "target_blocked"
    status = 409
    title = "The target cannot be reached"
    hint = "Move it away."


class UnknownContent(DomainError):
    """A record of SkillMeat 1.x does not tell what was deployed."""

    code = "unknown_content"
    status = 409
    title = "Nobody can say whether the content was edited"
    hint = "`force`, or deploy it anew."


class NotDeployed(DomainError):
    code = "not_deployed"
    status = 409
    title = "Nothing of the kind is deployed"
    hint = "Nothing needs doing."


class StalePlan(DomainError):
    """The collection, or what upstream has at the planned commit, is no longer what the plan was made of."""

    code = "stale_plan"
    status = 409
    title = "The plan is out of date"
    hint = "Preview again, and apply that."


class UpstreamPathNotFound(DomainError):
    """The repository no longer has anything at the artifact's path; the artifact here stays as it is."""

    code = "upstream_path_not_found"
    status = 404
    title = "The artifact is no longer at its path upstream"
    hint = "Import it from its new place, or keep it."


class BaseNotKept(DomainError):
    """The history does not have the content that the artifact was imported with."""

    code = "base_not_kept"
    status = 409
    title = "What was imported is no longer known"
    hint = "Nothing: the other sides can still be compared. A re-import keeps a base again."


# Codes of results, with what to do about them.
result_code("conflict", hint="Settle it by hand, or sync with `ours` or `theirs`.")
result_code("locally_modified", hint="Sync with `merge`, `ours` or `theirs`.")
result_code("missing", hint="Remove the artifact, or re-import it.")
result_code("moved_upstream", hint="Sync: that follows the move.")
result_code("no_upstream", hint="Nothing needs doing.")
result_code("pinned", hint="Unpin it to have it synced.")
