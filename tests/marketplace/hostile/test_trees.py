"""Trees that are huge, cut off, or hold what is no ordinary file: told, never entered, never taken for gone."""

from __future__ import annotations

import pytest

from marketplace.models import Source
from tests.conftest import skill
from tests.marketplace.answers import BASE, ok, pages
from tests.marketplace.scanning import counters, dump, statuses
from tests.upstream.conftest import git, make_repo

pytestmark = pytest.mark.django_db

SKILL = skill("good").encode()


@pytest.fixture
def repo(tmp_path):
    return make_repo(tmp_path / "repos" / "tree.git")


def register(api, repo) -> Source:
    body = ok(api.post(f"{BASE}/sources", {"url": str(repo.path), "scan": True}, format="json"), 201)
    return Source.objects.get(pk=body["id"])


def rescan(api, source, **body):
    return ok(api.post(f"{BASE}/sources/{source.pk}/rescan", body, format="json"))


def told(answer) -> set[tuple[str, str]]:
    return {(warning["code"], warning["path"]) for warning in answer["warnings"]}


# ---- size


PATHS = 50_000
MANY = {f"files/{n % 400}/{n}.txt": b"x" for n in range(PATHS - 6)}
SOME = {f"{where}/skills/{where}/SKILL.md": skill(where).encode() for where in ("aa", "files", "zz")}


def test_fifty_thousand_paths_are_read_to_the_last(api, repo):
    repo.commit({**MANY, **SOME})
    source = register(api, repo)
    assert set(statuses(source)) == {"aa/skills/aa", "files/skills/files", "zz/skills/zz"}
    assert (source.listing_complete, source.last_error_code) == (True, "")
    changed = {**MANY, **SOME, "zz/skills/zz/SKILL.md": skill("zz", "new").encode()}
    del changed["aa/skills/aa/SKILL.md"]
    repo.commit(changed)
    answer = rescan(api, source)
    assert counters(answer) == {"updated": 1, "removed": 1, "unchanged": 1}
    assert answer["listing_complete"]


def test_a_truncated_tree_removes_nothing_and_says_so(api, repo, settings):
    """Whoever asks for more than the limit gets what fits; what is behind the cut may be there or not."""
    repo.commit({**dict(list(MANY.items())[:2000]), **SOME})
    source = register(api, repo)
    before = dump()
    settings.SKILLMEAT_LISTING_MAX_ENTRIES = 1000
    repo.commit({**dict(list(MANY.items())[:2000]), **SOME, "README.md": b"x"})
    answer = rescan(api, source)
    assert (answer["listing_complete"], answer["removed_count"]) == (False, 0)
    assert ("listing_capped", "") in told(answer)
    assert "1000 entries" in answer["warnings"][0]["detail"]
    assert dump() == before
    source.refresh_from_db()
    assert not source.listing_complete
    settings.SKILLMEAT_LISTING_MAX_ENTRIES = 500_000
    answer = rescan(api, source)
    assert (counters(answer), answer["listing_complete"], answer["short_circuit"]) == ({"unchanged": 3}, True, None)
    assert dump() == before


# ---- links and submodules


def commit_tree(repo, entries: dict[str, tuple[str, str]]) -> None:
    """Commit entries of any mode: path → (mode, object id)."""
    index = "".join(f"{mode} {oid}\t{path}\0" for path, (mode, oid) in entries.items())
    git(repo.path, "read-tree", "--empty")
    git(repo.path, "update-index", "-z", "--index-info", stdin=index.encode())
    tree = git(repo.path, "write-tree", "--missing-ok")
    git(repo.path, "update-ref", "refs/heads/main", git(repo.path, "commit-tree", tree, "-m", "x"))


def blob(repo, content: bytes) -> str:
    return git(repo.path, "hash-object", "-w", "--stdin", stdin=content)


def link(repo, target: str) -> tuple[str, str]:
    return "120000", blob(repo, target.encode())


SUBMODULE = ("160000", "1" * 40)


def test_links_that_lead_in_circles_or_out_are_told_and_not_followed(api, repo, tmp_path):
    (tmp_path / "secret.md").write_text("---\nname: secret\n---\n")
    good = ("100644", blob(repo, SKILL))
    links = {
        ".claude/skills/loop": link(repo, "loop"),
        ".claude/skills/one": link(repo, "two"),
        ".claude/skills/two": link(repo, "one"),
        ".claude/skills/up": link(repo, "../.."),
        ".claude/skills/passwd": link(repo, "/etc/passwd"),
        ".claude/commands": link(repo, "../commands"),
        "skills/out/SKILL.md": link(repo, f"{tmp_path}/secret.md"),
        "skills/long": link(repo, "x/" * 5000),
    }
    commit_tree(repo, {"skills/good/SKILL.md": good})
    source = register(api, repo)
    before = dump()
    commit_tree(repo, {"skills/good/SKILL.md": good, **links})
    answer = rescan(api, source)
    assert counters(answer) == {"unchanged": 1}
    assert told(answer) == {("symlink_not_followed", path) for path in links}
    assert dump() == before
    assert (answer["code"], answer["listing_complete"]) == (None, True)
    commit_tree(repo, {"skills/good/SKILL.md": good, "skills/out/SKILL.md": good})
    assert counters(rescan(api, source)) == {"new": 1, "unchanged": 1, "within": 1}


@pytest.mark.parametrize("place", [".claude/skills", ".claude/skills/a"])
def test_a_submodule_in_the_place_of_skills_takes_none_away(api, repo, place):
    """What it holds lies in another repository, where nobody looked: the entries stay until somebody drops them."""
    skills = {f".claude/skills/{name}/SKILL.md": ("100644", blob(repo, skill(name).encode())) for name in "ab"}
    command = {".claude/commands/go.md": ("100644", blob(repo, b"Go.\n"))}
    commit_tree(repo, {**skills, **command})
    source = register(api, repo)
    before = dump()
    left = {path: what for path, what in skills.items() if not path.startswith(f"{place}/")}
    commit_tree(repo, {**left, **command, place: SUBMODULE})
    answer = rescan(api, source)
    assert (answer["code"], answer["removed_count"]) == ("removals_held", 0)
    assert ("submodule_not_entered", place) in told(answer)
    assert dump() == before
    shown = ok(api.get(f"{BASE}/sources/{source.pk}"))
    assert (shown["health"], shown["last_error"]["code"]) == ("failing", "removals_held")
    commit_tree(repo, {**skills, **command, "README.md": command[".claude/commands/go.md"]})
    assert counters(rescan(api, source)) == {"unchanged": 3}
    assert ok(api.get(f"{BASE}/sources/{source.pk}"))["health"] == "fresh"


# ---- names


ODD = {
    "newline": "new\nline",
    "tab and quotes": "t\ta\"b'c\\d",
    "right to left": "\u202egnp.exe",
    "composed": "caf\u00e9",
    "decomposed (NFD)": "cafe\u0301",
    "upper": "Case",
    "lower": "case",
    "2,700 bytes in one name": "l" * 2700,
    "2,700 bytes in many": "d/" * 1345 + "end-of-it",
    "percent": "%2F%2e%2e#?",
    "space": " x ",
    "escape": "\x1b[31m",
    "emoji": "\U0001f9d1\u200d\U0001f680",
}


def odd_files(body: str) -> dict[str, bytes]:
    files = {f"skills/{name}/SKILL.md": skill("s", f"{body} {n}").encode() for n, name in enumerate(ODD.values())}
    commands = {f".claude/commands/{name}.md": f"{body} {n}".encode() for n, name in enumerate(ODD.values())}
    return {**files, **commands}


EXPECTED = {f"skills/{name}" for name in ODD.values()} | {f".claude/commands/{name}.md" for name in ODD.values()}


def test_odd_names_are_kept_byte_for_byte_and_apart(api, repo):
    repo.commit(odd_files("first"))
    source = register(api, repo)
    assert set(statuses(source)) == EXPECTED
    shown = [
        row
        for page in pages(api, f"{BASE}/entries?source={source.pk}&limit=7&ordering=name")
        for row in page["results"]
    ]
    assert sorted(row["path"] for row in shown) == sorted(EXPECTED)
    for path in EXPECTED:
        assert source.entries.get(path=path).content_oid == repo.oid(f"main:{path}")
    before = dump()
    assert counters(rescan(api, source, force=True)) == {"unchanged": len(EXPECTED)}
    assert dump() == before

    repo.commit(odd_files("second"))
    assert counters(rescan(api, source)) == {"updated": len(EXPECTED)}
    assert [row[0] for row in dump()] == [row[0] for row in before]
    repo.commit({**odd_files("second"), f"skills/{ODD['lower']}/SKILL.md": skill("other").encode()})
    assert counters(rescan(api, source)) == {"updated": 1, "unchanged": len(EXPECTED) - 1}
    assert len(source.entries.values_list("path").distinct()) == len(EXPECTED)


def test_names_that_are_not_utf_8_are_told_and_hide_no_other(api, repo):
    """No text can name them; everything beside them is found, also in a folder that holds one."""
    good = {"skills/good/SKILL.md": SKILL, ".claude/commands/go.md": b"Go.\n"}
    repo.commit(good)
    source = register(api, repo)
    before = dump()
    latin = {"skills/caf\udce9/SKILL.md": SKILL, ".claude/commands/\udcff\udcfe.md": b"x"}
    repo.commit({**good, **latin})
    answer = rescan(api, source)
    assert counters(answer) == {"unchanged": 2}
    assert told(answer) == {
        ("path_not_utf8", "skills/caf\\udce9"),
        ("path_not_utf8", "skills/caf\\udce9/SKILL.md"),
        ("path_not_utf8", ".claude/commands/\\udcff\\udcfe.md"),
    }
    assert all("UTF-8" in warning["detail"] for warning in answer["warnings"])
    assert dump() == before
    repo.commit({**good, **latin, "skills/good/caf\udce9.txt": b"x"})
    assert counters(rescan(api, source)) == {"updated": 1, "unchanged": 1}
    assert source.entries.get(path="skills/good").content_oid == repo.oid("main:skills/good")
    repo.commit({**good, "skills/caf\u00e9/SKILL.md": skill("caf\u00e9").encode()})
    assert counters(rescan(api, source)) == {"new": 1, "updated": 1, "unchanged": 1}
    assert source.entries.get(path="skills/caf\u00e9").name == "caf\u00e9"
