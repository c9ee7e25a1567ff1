"""import_entries, reimport and what list_entries says of imports."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command

from marketplace.services.sources import source_ref
from tests.conftest import skill, skills
from tests.marketplace.imports.importing import artifact, folder, ids, on_disk
from tests.marketplace.scanning import row_counts, scan

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(capsys):
    """The exit code and the one JSON document of a command."""

    def command(*args, as_json=True):
        code = 0
        try:
            call_command(*map(str, args), *(["--json"] if as_json else []))
        except SystemExit as end:
            code = end.code
        out = capsys.readouterr()
        return (code, json.loads(out.out)) if as_json else (code, out.out, out.err)

    return command


def test_a_whole_source(run, registered):
    _, source = registered({**skills("a", "b"), ".claude-plugin/marketplace.json": '{"name": "m", "plugins": []}'})
    before = row_counts()
    code, dry = run("import_entries", "--source", source.url, "--dry-run")
    assert (code, row_counts()) == (0, before)
    code, told = run("import_entries", "--source", source.url, "--all")
    (result,) = told["results"]
    assert (code, result["source_id"], result["outcome"], result["success_count"]) == (0, source.pk, "updated", 2)
    assert told["summary"]["created"] == told["summary"]["total"] == 2
    assert dry["summary"] == told["summary"]
    code, told = run("import_entries", "--all")
    assert (code, told["results"][0]["outcome"], told["summary"]["skipped"]) == (0, "skipped", 2)


def test_chosen_ones_of_two_sources_and_an_unknown(run, registered):
    _, one = registered(skills("a", "ab", "c"), "one")
    _, two = registered(skills("a"), "two")
    code, told = run("import_entries", "-n", "a*", "--strategy", "overwrite")
    assert code == 0, "the second a goes over the first, which another source's import brought"
    assert [result["source_id"] for result in told["results"]] == [one.pk, two.pk]
    assert on_disk() == ["skills/a/SKILL.md", "skills/ab/SKILL.md"]
    (folder() / "skills/c").mkdir()
    (folder() / "skills/c/mine").write_text("mine")
    code, told = run("import_entries", ids(one)[2], 10**9, "--strategy", "overwrite")
    assert code == 1
    assert [row["outcome"] for row in told["results"]] == ["conflict", "failed"]
    assert told["results"][1]["code"] == "not_found"
    assert (told["summary"]["conflict"], told["summary"]["failed"], told["summary"]["total"]) == (1, 1, 2)
    code, out, err = run("import_entries", ids(one)[2], "--strategy", "overwrite", as_json=False)
    assert "unmanaged_file" in err
    assert source_ref(one).label in out


def test_a_source_that_cannot_be_read(run, registered):
    repository, source = registered(skills("a"))
    repository.path.rename(repository.path.with_name("away"))
    code, told = run("import_entries", "--source", source.pk, "--source-ref", "main")
    (result,) = told["results"]
    assert (code, result["outcome"]) == (1, "failed")
    assert result["code"].startswith("upstream_")
    assert result["detail"]


@pytest.mark.parametrize("args", [(), ("1", "--all"), ("--all", "--strategy", "replace")])
def test_usage(run, args):
    with pytest.raises(Exception, match=r"entries|invalid choice"):
        run("import_entries", *args)


def test_reimport(run, registered):
    repository, source = registered(skills("a", "b", "c"))
    run("import_entries", *ids(source)[:2])
    repository.commit({"skills/a/SKILL.md": skill("a", "New"), "skills/c/SKILL.md": skill("c", "New")})
    scan(source)
    before = artifact("a")
    code, listed = run("list_entries", "--update-available")
    assert [row["name"] for row in listed["results"]] == ["a"]
    code, told = run("reimport", "--update-available", "--keep-deployments")
    assert (code, told["summary"]["updated"], told["summary"]["total"]) == (0, 1, 1)
    assert told["results"][0]["success"]
    assert artifact("a").pk == before.pk
    assert artifact("a").base_oid == told["results"][0]["new_oid"] != before.base_oid
    code, told = run("reimport", "--source", source.pk)
    assert (code, told["summary"]["total"]) == (0, 2), "only what is imported"
    code, told = run("reimport", ids(source)[0], 10**9)
    assert (code, [row["outcome"] for row in told["results"]]) == (1, ["unchanged", "failed"])
    code, out, _ = run("reimport", ids(source)[0], as_json=False)
    assert "snapshot" in out
    code, out, _ = run("list_entries", "--status", "imported", as_json=False)
    assert "2 entries" in out
    code, told = run("reimport", "--update-available")
    assert (code, told["results"]) == (0, [])
