"""Documents that cannot be read as they stand: the entry stays the same row, with a warning that says why."""

from __future__ import annotations

import json

import pytest

from marketplace.models import Source
from tests.conftest import skill
from tests.marketplace.answers import BASE, ok
from tests.marketplace.scanning import counters, dump, entry, statuses
from tests.upstream.conftest import make_repo

pytestmark = pytest.mark.django_db

GOOD = skill("good").encode()
POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)
BOMB = b"a: &a [x, x, x, x, x, x, x, x, x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + n, 98 + n, b", ".join([b"*%c" % (97 + n)] * 9)) for n in range(9)
)
HEAD = b"---\nname: odd\ndescription: Does caf\xc3\xa9\n---\n\nSteps.\n"

DOCUMENTS = {
    # content, warning, name, description
    "U+0000": (HEAD.replace(b"Does", b"Do\0es"), "text_cleaned", "odd", "Does café"),
    "broken YAML": (HEAD.replace(b"Does", b"[Does: {"), "yaml_invalid", "odd", "[Does: { café"),
    "alias bomb": (HEAD.replace(b"name:", BOMB + b"name:"), "yaml_invalid", "odd", "Does café"),
    "5 MB": (HEAD + b"x" * 5_000_000, "manifest_too_large", "odd", ""),
    "CRLF": (HEAD.replace(b"\n", b"\r\n"), None, "odd", "Does café"),
    "BOM": (b"\xef\xbb\xbf" + HEAD, None, "odd", "Does café"),
    "Latin-1": (HEAD.replace(b"\xc3\xa9", b"\xe9"), "not_utf8", "odd", "Does café"),
    "LFS pointer": (POINTER, "lfs_pointer", "odd", ""),
}


class Place:
    """A repository of bytes, its source, and a face to ask."""

    def __init__(self, api, path) -> None:
        self.api, self.repo = api, make_repo(path)

    def register(self, files) -> Source:
        self.repo.commit(files)
        body = ok(self.api.post(f"{BASE}/sources", {"url": str(self.repo.path), "scan": True}, format="json"), 201)
        assert body["scan"]["code"] is None
        self.source = Source.objects.get(pk=body["id"])
        return self.source

    def rescan(self, files, **body):
        """Another commit with exactly these files, and what the scan of it tells."""
        self.repo.commit(files)
        answer = ok(self.api.post(f"{BASE}/sources/{self.source.pk}/rescan", body, format="json"))
        self.source.refresh_from_db()
        return answer


@pytest.fixture
def place(api, tmp_path) -> Place:
    return Place(api, tmp_path / "repos" / "bytes.git")


def told(answer) -> set[tuple[str, str]]:
    return {(warning["code"], warning["path"]) for warning in answer["warnings"]}


@pytest.mark.parametrize("case", DOCUMENTS)
def test_an_odd_skill_is_the_same_entry(place, case):
    content, code, name, description = DOCUMENTS[case]
    files = {"skills/good/SKILL.md": GOOD, "skills/odd/SKILL.md": HEAD}
    before = entry(place.register(files), "skills/odd")
    answer = place.rescan({**files, "skills/odd/SKILL.md": content})
    assert counters(answer) == {"updated": 1, "unchanged": 1}
    assert told(answer) == ({(code, "skills/odd/SKILL.md")} if code else set())
    odd = entry(place.source, "skills/odd")
    assert (odd.pk, odd.name, odd.description) == (before.pk, name, description)
    assert odd.content_oid == place.repo.oid("main:skills/odd")
    shown = ok(place.api.get(f"{BASE}/entries/{odd.pk}"))
    assert [warning["code"] for warning in shown["warnings"]] == ([code] if code else [])
    assert all(warning["detail"] for warning in shown["warnings"])
    assert place.source.last_error_code == ""

    assert counters(place.rescan(files)) == {"updated": 1, "unchanged": 1}
    assert (entry(place.source, "skills/odd").warnings, entry(place.source, "skills/odd").pk) == ([], before.pk)


# ---- what only its content makes an artifact


AGENT = b"---\nname: tester\ndescription: Tests\ntools: Read\n---\nTest.\n"
HOOKS = json.dumps({"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "x"}]}]}}).encode()
PLUGIN = b'{"name": "kit", "commands": "./special"}'
READ = {
    ".claude/agents/tester.md": AGENT,
    "lib/agents/loose.md": AGENT.replace(b"tester", b"loose"),
    ".claude/settings.json": HOOKS,
    ".mcp.json": b'{"mcpServers": {"one": {"command": "x"}}}',
    "kit/.claude-plugin/plugin.json": PLUGIN,
    "kit/special/go.md": b"Go.\n",
    "skills/good/SKILL.md": GOOD,
}
PRESENT = {
    ".claude/agents/tester.md",
    "lib/agents/loose.md",
    ".claude/settings.json",
    ".mcp.json",
    "kit",
    "kit/special/go.md",
    "skills/good",
}
BREAKS = {
    "LFS pointer": (lambda path: POINTER, "lfs_pointer"),
    "5 MB": (lambda path: b" " * 5_000_000, "manifest_too_large"),
    "broken": (lambda path: b"---\n: [\n---\n" if path.endswith(".md") else b'{"hooks": ', "invalid"),
}


@pytest.mark.parametrize("path", [path for path in READ if path not in ("kit/special/go.md", "skills/good/SKILL.md")])
@pytest.mark.parametrize("how", BREAKS)
def test_what_cannot_be_read_is_not_taken_for_gone(place, path, how):
    """Whether it still is an agent or holds hooks, nobody knows: it stays until somebody does, or says to drop it."""
    damage, code = BREAKS[how]
    source = place.register(READ)
    assert set(statuses(source)) == PRESENT
    before = {row[0] for row in dump()}
    answer = place.rescan({**READ, path: damage(path)})
    assert set(statuses(source)) == PRESENT
    assert set(source.entries.present().values_list("pk", flat=True)) == before
    assert answer["removed_count"] == 0
    assert any(found.endswith(code) and where == path for found, where in told(answer)), told(answer)
    if answer["code"]:
        shown = ok(place.api.get(f"{BASE}/sources/{source.pk}"))
        assert (shown["health"], shown["last_error"]["code"]) == ("failing", "removals_held")
        assert "allow_removals" in shown["last_error"]["detail"]

    back = place.rescan({**READ, "README.md": b"x"})
    assert (back["code"], back["new_count"], back["removed_count"]) == (None, 0, 0)
    assert set(source.entries.present().values_list("pk", flat=True)) == before
    assert ok(place.api.get(f"{BASE}/sources/{source.pk}"))["health"] == "fresh"


def test_what_cannot_be_read_is_dropped_where_somebody_says_so(place):
    source = place.register(READ)
    broken = {**READ, ".claude/settings.json": b"{"}
    assert place.rescan(broken)["code"] == "removals_held"
    answer = place.rescan(broken, allow_removals=True)
    assert (answer["code"], answer["removed_count"]) == (None, 1)
    assert statuses(source)[".claude/settings.json"] == "removed"


def test_one_that_cannot_be_read_holds_no_other(place):
    """What is certainly gone is removed in the same scan."""
    source = place.register({**READ, "skills/gone/SKILL.md": skill("gone").encode()})
    answer = place.rescan({**READ, ".claude/settings.json": b"{"})
    assert (answer["removed_count"], answer["code"]) == (1, "removals_held")
    assert {path for path, status in statuses(source).items() if status == "removed"} == {"skills/gone"}
