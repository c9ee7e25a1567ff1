"""An entry's files as the repository has them, and the entry beside what was imported from it."""

from __future__ import annotations

import json
import shutil

import pytest
from django.utils import timezone

from collections_app.models import Artifact
from marketplace.models import CatalogEntry, Source
from skillmeat_site.core import reporting
from skillmeat_site.upstream import process
from tests.collections_app.admin.looking import matrix, page, place, words
from tests.conftest import skill, skills
from tests.core.diffs.making import read
from tests.factories.core import UserFactory
from tests.marketplace.imports.importing import EXECUTABLE, LINK, bring, commit_files, entry, folder
from tests.marketplace.scanning import scan

pytestmark = pytest.mark.django_db(transaction=True)


def url(row: CatalogEntry, name: str = "compare") -> str:
    return place("catalogentry", name, row.pk, app="marketplace")


@pytest.fixture
def imported(registered):
    """A skill that was imported, and then changed upstream and here."""
    repository, source = registered({**skills("a"), "skills/a/old.md": "old\n"})
    bring(source)
    repository.commit(
        {"skills/a/SKILL.md": skill("a", "Upstream says"), "skills/a/old.md": None, "skills/a/up.md": "up\n"}
    )
    scan(source)
    (folder() / "skills/a/here.md").write_text("here\n")
    return source, entry(source, "skills/a")


def test_entry_base_and_collection(admin_client, imported):
    _, row = imported
    shown = page(admin_client, url(row))
    assert matrix(shown) == {
        "SKILL.md": ["changed upstream", "A", "B", "A"],
        "here.md": ["changed here", "–", "–", "A"],
        "old.md": ["changed upstream", "A", "–", "A"],
        "up.md": ["changed upstream", "–", "A", "–"],
    }
    said = words(shown)
    assert "+ description: Upstream says" in said, "what an update would bring"
    assert "+ up" in said
    shown = page(admin_client, url(row), **{"from": "base", "to": "collection"})
    assert "1 file differs." in words(shown)
    assert "+ here" in words(shown)


def test_the_entrys_own_page_and_list_ask_no_repository(admin_client, imported, monkeypatch):
    _, row = imported

    def refuse(*args, **kwargs):
        raise AssertionError("git was started")

    monkeypatch.setattr(process._Running, "__init__", refuse)
    for address in (place("catalogentry", "changelist", app="marketplace"), url(row, "change")):
        assert "skill" in page(admin_client, address)


def test_upstream_away(admin_client, imported, tmp_path):
    _, row = imported
    CatalogEntry.objects.filter(pk=row.pk).update(content_oid="1" * 40)
    said = words(page(admin_client, url(row)))
    assert "content_mismatch" in said
    assert "+ here" in said, "the other sides are still compared"
    shutil.rmtree(tmp_path / "repos")
    Source.objects.update(head_commit="2" * 40)
    for name in ("compare", "files"):
        said = words(page(admin_client, url(row, name)))
        assert "upstream_" in said
        assert str(tmp_path) not in said
    assert "+ here" in words(page(admin_client, url(row)))


def test_a_page_waits_for_a_repository_no_longer_than_a_person_does(admin_client, imported, settings, monkeypatch):
    _, row = imported
    shutil.rmtree(settings.SKILLMEAT_HOME / "mirrors")
    monkeypatch.setattr(process, "TICK_SECONDS", -1.0)  # git is quick here: as if each wait for it were a long one
    monkeypatch.setattr(reporting, "PAGE_SECONDS", -1.0)
    artifact = Artifact.objects.get()
    for address in (url(row), url(row, "files"), place("artifact", "compare", artifact.pk)):
        assert "upstream_timeout" in page(admin_client, address)


def test_an_entry_that_is_gone(admin_client, imported):
    _, row = imported
    CatalogEntry.objects.filter(pk=row.pk).update(presence="removed", removed_at=timezone.now())
    assert "not_in_commit" in words(page(admin_client, url(row)))
    assert "not_in_commit" in words(page(admin_client, url(row, "files")))


def test_an_entry_that_is_not_imported(admin_client, registered):
    _, source = registered(skills("a"))
    assert "It is not imported" in words(page(admin_client, url(entry(source, "skills/a"))))


def test_imported_into_two_collections(admin_client, imported):
    source, row = imported
    bring(source, collection="other")
    artifacts = {each.collection.slug: each for each in Artifact.objects.select_related("collection")}
    newest = page(admin_client, url(row))
    assert "Collection other/skills/a" in words(newest)
    chosen = page(admin_client, url(row), artifact=str(artifacts["default"].pk), view="split")
    assert "Collection default/skills/a" in words(chosen)
    assert f'name="artifact" value="{artifacts["default"].pk}"' in chosen, "the choice of sides keeps it"
    assert "Collection other/" in words(page(admin_client, url(row), artifact="nonsense"))


def test_files_of_the_repository(admin_client, registered):
    repository, source = registered(skills("a"))
    commit_files(
        repository,
        {
            "skills/a/run.sh": (EXECUTABLE, b"#!/bin/sh\necho hi\n"),
            "skills/a/l": (LINK, b"SKILL.md"),
            "skills/a/b.bin": ("100644", b"\0" * 100),
            "skills/a/huge.txt": ("100644", b"line\n" * 300_000),
            "skills/a/<script>.md": ("100644", b"<img src=http://evil.example/x>\n"),
        },
    )
    scan(source)
    row = entry(source, "skills/a")
    shown = page(admin_client, url(row, "files"))
    said = words(shown)
    assert "description Does things" in said, "the head of SKILL.md"
    assert "executable" in said
    assert "&lt;script&gt;.md" in shown
    assert "echo hi" in words(page(admin_client, url(row, "files"), file="run.sh"))
    assert "A link to SKILL.md" in words(page(admin_client, url(row, "files"), file="l"))
    assert "Not a text" in words(page(admin_client, url(row, "files"), file="b.bin"))
    assert "too large" in words(page(admin_client, url(row, "files"), file="huge.txt"))
    hostile = read(page(admin_client, url(row, "files"), file="<script>.md").split('id="content-main"')[1])
    assert "img" not in hostile.tags
    assert admin_client.get(url(row, "files"), {"file": "../b/SKILL.md"}).status_code == 404


def test_a_command_is_one_file_by_its_name(admin_client, registered):
    repository, source = registered({".claude/commands/deploy.md": "---\ndescription: D\n---\n\nDo $ARGUMENTS\n"})
    bring(source)
    repository.commit({".claude/commands/deploy.md": "---\ndescription: D\n---\n\nDo it with $ARGUMENTS\n"})
    scan(source)
    row = CatalogEntry.objects.get(type="command")
    shown = page(admin_client, url(row))
    assert matrix(shown) == {"deploy.md": ["changed upstream", "A", "B", "A"]}
    assert "Do it with" in words(shown)
    assert "Do it with" in words(page(admin_client, url(row, "files")))


def test_inline_servers_in_one_spelling(admin_client, registered):
    def manifest(command):
        server = {"db": {"command": command, "args": ["-y"]}}
        return json.dumps({"name": "p", "version": "1", "mcpServers": server}, indent=3)

    repository, source = registered({"p/.claude-plugin/plugin.json": manifest("npx"), "p/README.md": "x"})
    row = source.entries.get(type="mcp")
    bring(source, [row.pk])
    repository.commit({"p/.claude-plugin/plugin.json": manifest("bunx")})
    scan(source)
    row.refresh_from_db()
    shown = page(admin_client, url(row))
    assert '7 - "command": "npx" 7 + "command": "bunx"' in words(shown)
    assert "1 file differs." in words(shown)
    assert "bunx" in words(page(admin_client, url(row, "files")))
    artifact = Artifact.objects.get()
    assert "bunx" not in words(page(admin_client, place("artifact", "compare", artifact.pk)).split("What differs")[0])


def test_who_may_not(client, imported):
    _, row = imported
    client.force_login(UserFactory(permissions=["marketplace.view_catalogentry"]))
    assert "It is not imported" in words(page(client, url(row)))
    assert "SKILL.md" in words(page(client, url(row, "files")))
    client.force_login(UserFactory(permissions=["collections_app.view_artifact"]))
    for name in ("compare", "files"):
        assert client.get(url(row, name)).status_code == 403
    client.logout()
    assert client.get(url(row)).status_code == 302
