"""The objects of a bare repository as GitHub's API spells them, read by the real git."""

from __future__ import annotations

import base64
import subprocess
from functools import cache
from pathlib import Path
from typing import Any


def git(path: Path, *args: str, stdin: bytes = b"") -> bytes | None:
    """Run git in a repository; None where it fails."""
    done = subprocess.run(["git", "-C", str(path), *args], input=stdin, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def is_empty(path: Path) -> bool:
    return not git(path, "for-each-ref", "--count=1")


def has_no_branch(path: Path) -> bool:
    """Like ``is_empty``, for a batch that asks for thousands of them."""
    return not (path / "packed-refs").exists() and not any((path / "refs" / "heads").iterdir())


def commit_of(path: Path, ref: str) -> str | None:
    """Resolve as generously as GitHub does: short ids and partial names too."""
    found = git(path, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    # Git repeats the option in its output.
    return found.decode().split()[-1] if found else None


def read_object(path: Path, oid: str) -> tuple[str, bytes] | None:
    """Return type and content of an object by ``git cat-file --batch``, or None where there is none."""
    output = git(path, "cat-file", "--batch", stdin=oid.encode() + b"\n") or b""
    head, _, rest = output.partition(b"\n")
    words = head.decode().split(" ")
    if len(words) != 3:
        return None
    return words[1], rest[: int(words[2])]


def ref_target(path: Path, ref: str) -> str | None:
    """What a full name points to, read from the files: a batch asks for thousands of them."""
    loose = path / ref
    if loose.is_file():
        return loose.read_text().strip()
    packed = path / "packed-refs"
    for line in packed.read_text().splitlines() if packed.exists() else ():
        if line.endswith(f" {ref}"):
            return line.split(" ")[0]
    return None


@cache
def graphql_object(path: Path, oid: str) -> dict[str, Any]:
    """An object by its id, in the spelling of the GraphQL schema. Ids never change what they name."""
    kind, content = read_object(path, oid) or ("", b"")
    fields = dict(line.split(b" ", 1) for line in content.split(b"\n\n")[0].splitlines() if b" " in line)
    if kind == "commit":
        return {"__typename": "Commit", "oid": oid, "tree": {"__typename": "Tree", "oid": fields[b"tree"].decode()}}
    if kind == "tag":
        return {"__typename": "Tag", "oid": oid, "target": graphql_object(path, fields[b"object"].decode())}
    return {"__typename": kind.capitalize(), "oid": oid}


def commit_document(path: Path, oid: str, url: str) -> dict[str, Any] | None:
    found = read_object(path, oid)
    if not found or found[0] != "commit":
        return None
    head, _, message = found[1].decode("utf-8", "replace").partition("\n\n")
    fields: dict[str, list[str]] = {}
    for line in head.splitlines():
        name, _, value = line.partition(" ")
        fields.setdefault(name, []).append(value)
    person = {"name": "A", "email": "a@example.org", "date": "2023-11-14T22:13:20Z"}
    return {
        "sha": oid,
        "node_id": f"C_{oid}",
        "url": f"{url}/git/commits/{oid}",
        "html_url": f"{url}/commit/{oid}",
        "author": person,
        "committer": person,
        "tree": {"sha": fields["tree"][0], "url": f"{url}/git/trees/{fields['tree'][0]}"},
        "message": message.strip(),
        "parents": [{"sha": p, "url": f"{url}/c/{p}", "html_url": f"{url}/h/{p}"} for p in fields.get("parent", [])],
        "verification": {
            "verified": False,
            "reason": "unsigned",
            "signature": None,
            "payload": None,
            "verified_at": None,
        },
    }


def tree_document(path: Path, oid: str, url: str, *, recursive: bool, limit: int) -> dict[str, Any] | None:
    """A tree, of at most ``limit`` entries. Asked for by the id of a commit it repeats that one."""
    found = git(path, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{oid}^{{tree}}")
    if not found:
        return None
    tree = found.decode().split()[-1]
    flags = ["-r", "-t"] if recursive else []
    entries = []
    for record in filter(None, (git(path, "ls-tree", "-l", "-z", *flags, tree) or b"").split(b"\0")):
        meta, _, name = record.partition(b"\t")
        mode, kind, sha, size = meta.decode().split()
        entry: dict[str, Any] = {"path": name.decode("utf-8", "replace"), "mode": mode, "type": kind, "sha": sha}
        if kind == "blob":
            entry["size"] = int(size)
        if kind != "commit":
            entry["url"] = f"{url}/git/{kind}s/{sha}"
        entries.append(entry)
    truncated = len(entries) > limit
    return {"sha": oid, "url": f"{url}/git/trees/{oid}", "tree": entries[:limit], "truncated": truncated}


def blob_document(oid: str, content: bytes, url: str) -> dict[str, Any]:
    text = base64.b64encode(content).decode()
    lines = "".join(f"{text[start : start + 60]}\n" for start in range(0, len(text), 60))
    return {
        "sha": oid,
        "node_id": f"B_{oid}",
        "size": len(content),
        "url": f"{url}/git/blobs/{oid}",
        "content": lines,
        "encoding": "base64",
    }


def archive(path: Path, commit: str, prefix: str) -> bytes | None:
    return git(path, "archive", "--format=tar.gz", f"--prefix={prefix}/", commit)


def default_branch(path: Path) -> str:
    return (git(path, "symbolic-ref", "--short", "HEAD") or b"main").decode().strip()


_USER_URLS = (
    *("avatar", "events", "followers", "following", "gists", "html", "organizations", "received_events"),
    *("repos", "starred", "subscriptions"),
)
_REPOSITORY_URLS = (
    *("archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare", "contents"),
    *("contributors", "deployments", "downloads", "events", "forks", "git_commits", "git_refs", "git_tags", "hooks"),
    *("html", "issue_comment", "issue_events", "issues", "keys", "labels", "languages", "merges", "milestones"),
    *("notifications", "pulls", "releases", "stargazers", "statuses", "subscribers", "subscription", "tags", "teams"),
    *("trees", "clone", "git", "ssh", "svn"),
)
_COUNTS = (
    *("forks", "forks_count", "open_issues", "open_issues_count", "size", "stargazers_count", "watchers"),
    *("watchers_count", "network_count", "subscribers_count"),
)
_FLAGS = ("fork", "has_issues", "has_projects", "has_wiki", "has_pages", "has_discussions")
_MOMENT = "2023-11-14T22:13:20Z"


def repository_document(number: int, full_name: str, path: Path, url: str, **facts: Any) -> dict[str, Any]:
    """The repository object; ``facts``: archived, disabled, private, description, license (SPDX id), topics."""
    owner, _, name = full_name.partition("/")
    spdx = facts.pop("license", "")
    license_ = (
        {"key": spdx.lower(), "name": spdx, "spdx_id": spdx, "url": f"{url}/l", "node_id": "L"} if spdx else None
    )
    user = {
        **{f"{kind}_url": f"{url}/{owner}/{kind}" for kind in _USER_URLS},
        **{"login": owner, "id": 1, "node_id": "U_1", "gravatar_id": "", "url": url},
        **{"type": "Organization", "site_admin": False},
    }
    return {
        **{f"{kind}_url": f"{url}/{kind}" for kind in _REPOSITORY_URLS},
        **dict.fromkeys(_COUNTS, 0),
        **dict.fromkeys(_FLAGS, False),
        **{"id": number, "node_id": f"R_{number}", "name": name, "full_name": full_name, "owner": user, "url": url},
        **{"homepage": None, "language": None, "mirror_url": None, "license": license_},
        **{"default_branch": default_branch(path)},
        **dict.fromkeys(("pushed_at", "created_at", "updated_at"), _MOMENT),
        **facts,
    }
