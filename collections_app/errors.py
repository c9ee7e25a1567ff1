"""What can go wrong with collections and deployments, besides upstream."""

from __future__ import annotations

from skillmeat_site.core.errors import DomainError


class UnsafePath(DomainError):
    """A name or path that would lead out of the folder it belongs to."""

    code = "unsafe_path"
    status = 400
    title = "The path is not safe"


class UnsupportedTarget(DomainError):
    """The profile has no place for artifacts of this type, or the client keeps the place for itself."""

    code = "unsupported_target"
    status = 400
    title = "The artifact cannot be deployed there"


class ManifestInvalid(DomainError):
    """A file of ours was edited into something that cannot be read; it was left as it is."""

    code = "manifest_invalid"
    status = 409
    title = "A manifest is not valid"


class FormatTooNew(DomainError):
    """A file of ours was written by a newer version; it was left as it is."""

    code = "format_too_new"
    status = 409
    title = "A file was written by a newer version"


class SettingsInvalid(DomainError):
    """A project's settings.json or .mcp.json cannot be merged into; it was left as it is."""

    code = "settings_invalid"
    status = 409
    title = "The project's settings are not valid"


class ArtifactInvalid(DomainError):
    """The content of a hook or an MCP server is not of the shape that its type asks for."""

    code = "artifact_invalid"
    status = 409
    title = "The artifact is not valid"
