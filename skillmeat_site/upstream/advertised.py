"""The refs a repository advertises, and which of them a name means."""

from __future__ import annotations

from skillmeat_site.upstream.errors import UpstreamInvalid, UpstreamRefNotFound
from skillmeat_site.upstream.refs import is_oid
from skillmeat_site.upstream.types import CommitOid, Head


def choose(output: bytes, ref: str) -> Head:
    """Pick the commit of ``ref`` (empty = HEAD) from the output of ``git ls-remote --symref``.

    An exact ``refs/...`` name comes first, then a branch, then a tag; an annotated tag means the commit it points to.
    The Head names the ref in full. Raises UpstreamRefNotFound, except in an empty repository, where the commit is
    None; UpstreamInvalid where the output is not that of ls-remote.
    """
    wanted = ["HEAD"] if not ref else [ref, f"refs/heads/{ref}", f"refs/tags/{ref}"]
    if ref and not ref.startswith("refs/"):
        wanted = wanted[1:]
    found, default_branch, is_empty = _read(output, wanted)
    for name in wanted:
        oid = found.get(f"{name}^{{}}") or found.get(name)
        if oid:
            return Head(CommitOid(oid), default_branch or name if name == "HEAD" else name)
    if is_empty:
        return Head(None, ref)
    if not ref:
        raise UpstreamRefNotFound("the default branch of the repository does not exist; give a ref")
    raise UpstreamRefNotFound(
        "the repository has no such branch or tag; a commit is named by all of its 40 hex digits"
    )


def _read(output: bytes, wanted: list[str]) -> tuple[dict[str, str], str, bool]:
    """Return the wanted refs (with their peeled forms), the branch HEAD names, and whether there is no ref at all."""
    keep = {name.encode() for name in wanted} | {f"{name}^{{}}".encode() for name in wanted}
    found: dict[str, str] = {}
    default_branch = ""
    for line in filter(None, output.split(b"\n")):
        value, separator, name = line.partition(b"\t")
        if not separator:
            raise UpstreamInvalid("the list of refs is malformed")
        if name not in keep:
            continue
        text = value.decode("utf-8", "replace")
        if text.startswith("ref: "):
            default_branch = text.removeprefix("ref: ") if name == b"HEAD" else default_branch
        elif is_oid(text):
            found[name.decode()] = text
        else:
            raise UpstreamInvalid("the list of refs holds an id that is not SHA-1; such repositories cannot be read")
    return found, default_branch, not output.strip()
