"""An artifact's files and its comparison with all the places where it is: whatever is away, the rest is shown."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from collections_app.models import Artifact, Deployment
from collections_app.services.homes import history
from tests.collections_app.admin.looking import matrix, page, place, words
from tests.collections_app.deploying import deploy, hook, server
from tests.collections_app.filled import SKILL, artifact, filled, folder_of, write
from tests.core.diffs.making import read
from tests.factories.core import UserFactory
from tests.factories.deployments import put_artifact, put_project

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alpha(db):
    """A skill in its collection, whose base is kept."""
    collection = filled()
    row = artifact(collection)
    (content,) = history().write_paths("default", [folder_of(collection) / row.path])
    Artifact.objects.filter(pk=row.pk).update(base_oid=content.oid)
    return artifact(collection)


def compare(client, row, **query):
    return page(client, place("artifact", "compare", row.pk), **query)


def folder(row: Artifact) -> Path:
    return folder_of(row.collection) / row.path


def test_everything_the_same(admin_client, alpha):
    said = words(compare(admin_client, alpha))
    assert "As imported" in said
    assert "Collection default/skills/alpha 2 files" in said
    assert "2 files are the same everywhere." in said
    assert "Nothing: the two are the same." in said


def test_edits_here_and_in_projects(admin_client, alpha, roots):
    web, tool = put_project(roots, "web"), put_project(roots, "tool")
    deploy(web, alpha)
    deploy(tool, alpha)
    write(folder(alpha), {"SKILL.md": SKILL + "Here.\n", "new.md": "new\n"})
    write(Path(web.path) / ".claude/skills/alpha", {"SKILL.md": SKILL + "There.\n"})
    shown = compare(admin_client, alpha)
    assert matrix(shown) == {
        "SKILL.md": ["changed here", "A", "B", "A", "C"],
        "new.md": ["changed here", "–", "A", "–", "–"],
    }
    assert "+ Here." in words(shown)
    assert "There." not in words(shown)
    copy = Deployment.objects.get(project=web)
    shown = compare(admin_client, alpha, **{"from": "base", "to": str(copy.pk)})
    assert "+ There." in words(shown)
    assert "Here." not in words(shown)
    shown = page(admin_client, place("deployment", "compare", copy.pk))
    assert "+ There." in words(shown), "as deployed, against what is there now"
    assert "As deployed" in words(shown)
    shutil.rmtree(Path(web.path) / ".claude/skills/alpha")
    assert "nothing is there" in words(page(admin_client, place("deployment", "compare", copy.pk)))


def test_one_file_of_two_sides_alone(admin_client, alpha):
    write(folder(alpha), {"SKILL.md": SKILL + "Here.\n", "new.md": "new\n"})
    shown = compare(admin_client, alpha, **{"from": "base", "to": "collection", "path": "SKILL.md", "view": "split"})
    assert "smd-split" in shown
    assert "Here." in words(shown)
    assert "<h3><bdi>new.md" not in shown
    assert 'name="view" value="split"' in shown, "the choice of sides keeps the view"


def test_what_is_away_is_told_and_the_rest_is_shown(admin_client, alpha, roots):
    project = put_project(roots, "web")
    deploy(project, alpha)
    shutil.rmtree(folder(alpha))
    said = words(compare(admin_client, alpha))
    assert said.count("not_found") == 1
    assert "As imported" in said
    assert "2 files are the same everywhere." in said, "what was imported and the deployed copy"
    shutil.rmtree(project.path)
    said = words(compare(admin_client, alpha))
    assert "project_missing" in said
    assert "There is nothing to compare it with." in said
    Artifact.objects.update(base_oid="1" * 40)
    assert "base_not_kept" in words(compare(admin_client, alpha))
    shutil.rmtree(folder_of(alpha.collection))
    said = words(compare(admin_client, alpha))
    assert said.count("not_found") == 1
    assert "not_found" in words(page(admin_client, place("artifact", "files", alpha.pk)))
    assert "not_found" in words(page(admin_client, place("artifact", "change", alpha.pk)))


def test_a_project_outside_the_allowed_roots_is_not_looked_at(admin_client, alpha, roots, settings):
    project = put_project(roots, "web")
    deploy(project, alpha)
    write(Path(project.path) / ".claude/skills/alpha", {"SKILL.md": "secret\n"})
    settings.SKILLMEAT_PROJECT_ROOTS = []
    said = words(compare(admin_client, alpha))
    assert "path_not_allowed" in said
    assert "secret" not in said
    assert str(roots) not in said


def test_links_are_told_and_not_followed(admin_client, alpha, roots, tmp_path):
    (tmp_path / "secret.md").write_text("root:x:0")
    project = put_project(roots, "web")
    deploy(project, alpha)
    copy = Path(project.path) / ".claude/skills/alpha"
    (copy / "SKILL.md").unlink()
    (copy / "SKILL.md").symlink_to(tmp_path / "secret.md")
    said = words(page(admin_client, place("deployment", "compare", Deployment.objects.get().pk)))
    assert "A file before, a link now." in said
    assert "root:x" not in said
    shutil.rmtree(copy.parent)
    copy.parent.symlink_to(tmp_path)
    assert "unsafe_link" in words(page(admin_client, place("deployment", "compare", Deployment.objects.get().pk)))


@pytest.mark.parametrize(
    ("kind", "content", "target", "edit"),
    [
        ("hook", hook("echo a"), ".claude/settings.json", ("echo a", "echo changed")),
        ("mcp", server("db"), ".mcp.json", ("npx", "bunx")),
    ],
)
def test_hooks_and_servers_are_compared_by_what_they_mean(admin_client, roots, kind, content, target, edit):
    row = put_artifact(kind, "guard", content)
    blob = history().write_blob(content.encode())
    Artifact.objects.filter(pk=row.pk).update(base_oid=blob.oid)
    project = put_project(roots, "web")
    other = put_artifact(kind, "other", hook("echo b") if kind == "hook" else server("other"))
    deploy(project, row, other)
    file = folder_of(row.collection) / row.path
    file.write_text(json.dumps(json.loads(content), indent=7))  # the same, spelled otherwise
    said = words(compare(admin_client, row))
    assert "1 file is the same everywhere." in said
    there = Path(project.path) / target
    there.write_text(there.read_text().replace(*edit))
    shown = page(admin_client, place("deployment", "compare", Deployment.objects.get(artifact=row).pk))
    assert edit[1] in words(shown)
    assert "other" not in words(shown).split("What differs")[1], "another deployment's part of the file"
    there.write_text("{")
    assert "settings_invalid" in words(compare(admin_client, row))
    file.write_text("[]")
    assert "[]" in words(compare(admin_client, row, **{"from": "base", "to": "collection"}))


def test_files_one_by_one(admin_client, alpha):
    write(
        folder(alpha),
        {
            "README.md": "# Read\n\n- one\n", "a.py": "def f():\n    return 1\n", "b.bin": b"\0" * 2000, "empty": "",
            "l": "->SKILL.md", "bad.txt": b"caf\xe9\r\n", "long.txt": "x" * 300_000, "many.txt": "a\n" * 5_000,
        },
    )  # fmt: skip
    url = place("artifact", "files", alpha.pk)
    listed = page(admin_client, url)
    assert f'<a href="{url}?file=README.md">README.md</a>' in listed
    assert "2.0 KB" in words(listed)

    def one(name, **query):
        return page(admin_client, url, file=name, **query)

    assert "<h1>Read</h1>" in one("README.md")
    assert "# Read" in words(one("README.md", raw="1"))
    assert '<span class="t-k">def</span>' in one("a.py")
    assert "Not a text: 2.0 KB" in words(one("b.bin"))
    assert "It is empty." in one("empty")
    assert "A link to SKILL.md" in words(one("l"))
    assert "caf\ufffd" in one("bad.txt")
    assert "more characters" in one("long.txt")
    assert "Not shown: 37.0 KB" in words(one("long.txt"))
    assert "page 1 of 3" in words(one("many.txt"))
    assert ">5000</td>" in one("many.txt", lines="3")
    for gone in ("../beta/SKILL.md", "no.md", "/etc/passwd", "SKILL.md\0", ".", "skills/alpha/SKILL.md"):
        assert admin_client.get(url, {"file": gone}).status_code == 404


def test_the_head_of_a_file_is_a_table(admin_client, alpha):
    head = "---\nname: alpha\ntags: [a, b]\nhooks:\n  PreToolUse: []\nbad: '<b>\u202e'\n---\nText\n"
    write(folder(alpha), {"SKILL.md": head})
    shown = page(admin_client, place("artifact", "files", alpha.pk), file="SKILL.md")
    assert '<th scope="row">tags</th><td>a, b</td>' in shown
    assert "PreToolUse" in words(shown)
    assert "&lt;b&gt;" in shown
    assert "\u202e" not in shown
    write(folder(alpha), {"SKILL.md": "---\n: [broken\n---\nText\n"})
    assert "<p>Text</p>" in page(admin_client, place("artifact", "files", alpha.pk), file="SKILL.md")


LOADS = """---
name: <img src=http://evil.example/a.png>
---
<img src=http://evil.example/b.png> ![c](http://evil.example/c.png) <style>@import url(http://evil.example/d)</style>

[j](javascript:alert(1)) [d](data:text/html,x) <script src=http://evil.example/e.js></script> <a style="x:y">z</a>
"""


@pytest.mark.parametrize("raw", ["0", "1"])
def test_a_hostile_readme_loads_nothing(admin_client, alpha, raw):
    write(folder(alpha), {"SKILL.md": LOADS})
    for url, query in (
        (place("artifact", "files", alpha.pk), {"file": "SKILL.md", "raw": raw}),
        (place("artifact", "change", alpha.pk), {}),
        (place("artifact", "compare", alpha.pk), {}),
    ):
        answer = admin_client.get(url, query)
        # Below the row's own fields, or the whole of a page of its own.
        below = 'class="sm-part"' if url.endswith("/change/") else 'id="content-main"'
        shown = answer.content.decode().split(below, 1)[1]
        seen = read(shown.split("submit-row")[0].split("</main>")[0])
        assert "alert(1)" in "".join(seen.text) or raw == "0"
        assert not {"img", "script", "style", "iframe", "link", "object"} & set(seen.tags)
        assert not {"src", "style", "onerror", "srcset", "data"} & {name for name, _ in seen.attributes}
        assert {value.partition(":")[0] for name, value in seen.attributes if name == "href" and ":" in value} <= {
            "http",
            "https",
        }
        assert "default-src 'none'" in answer["Content-Security-Policy"]


def test_who_may_not_look_at_deployments_sees_none(client, alpha, roots):
    project = put_project(roots, "secret-project")
    deploy(project, alpha)
    client.force_login(UserFactory(permissions=["collections_app.view_artifact"]))
    assert "secret-project" not in compare(client, alpha)
    copy = Deployment.objects.get()
    assert client.get(place("deployment", "compare", copy.pk)).status_code == 403
    client.force_login(UserFactory(permissions=["collections_app.view_deployment"]))
    said = words(page(client, place("deployment", "compare", copy.pk)))
    assert "secret-project" in said
    assert "Collection" not in said
    for name in ("compare", "files", "history"):
        assert client.get(place("artifact", name, alpha.pk)).status_code == 403
    client.logout()
    assert client.get(place("artifact", "compare", alpha.pk)).status_code == 302


def test_a_deployment_whose_artifact_was_removed(admin_client, alpha, roots):
    deploy(put_project(roots, "web"), alpha)
    Artifact.objects.all().delete()
    copy = Deployment.objects.get()
    assert "There is nothing to compare it with." in words(page(admin_client, place("deployment", "compare", copy.pk)))


def test_hundreds_of_files_are_cut_and_paged(admin_client, alpha):
    write(folder(alpha), {f"more/{n}.md": f"{n}\n" for n in range(300)})
    shown = compare(admin_client, alpha)
    assert "100 more files differ." in words(shown)
    assert "300 files differ." in words(shown)
    assert "page 1 of 12" in words(shown)
    assert len(matrix(shown)) == 200
    assert "299.md" in page(admin_client, place("artifact", "files", alpha.pk))


def test_a_name_that_is_no_text(admin_client, alpha):
    os.mkdir(os.fsencode(folder(alpha)) + b"/d\xff")
    (folder(alpha) / os.fsdecode(b"d\xff") / "x.md").write_text("x")
    for name in ("compare", "files", "change"):
        assert r"d\udcff/x.md" in page(admin_client, place("artifact", name, alpha.pk))
