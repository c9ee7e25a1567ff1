"""A house full of names and texts that somebody wrote to do harm. Runs inside its own Django, like furnishing."""

from __future__ import annotations

from pathlib import Path

from collections_app.jobs import bulk_deploy
from collections_app.models import Artifact, Collection, Deployment, Project, Snapshot
from collections_app.services.collections import create_collection
from collections_app.services.projects import register_project
from marketplace.jobs import bulk_import, rescan
from marketplace.models import CatalogEntry, ScanRun, Source, SourceTag
from marketplace.services.sources import create_source
from skillmeat_site.core.models import AuditEvent, Job
from skillmeat_site.core.reporting import SilentReport
from skillmeat_site.upstream.sample import commit, create_repository
from tests.browser.furnishing import BEGAN, LISTS, administrator, run

TAG = "<img src=x onerror=alert(document.domain)>"
SCRIPT = "<script>alert(document.domain)</script>"
TURNED = "invoice-\u202egpj.exe\u2066\u200f"
LONG = "n" * 10_000
BODY = f"""
# {SCRIPT} {TAG}

[click](javascript:alert(document.domain)) <a href="javascript:alert(1)">here</a>
<iframe src="//evil.invalid"></iframe>
![seen](https://evil.invalid/seen.png) <img src="http://evil.invalid/seen.png" style="position:fixed;inset:0">
<style>body {{ display: none }}</style> <form action="https://evil.invalid"><input name=csrfmiddlewaretoken></form>

{LONG}

| {LONG} | {TURNED} |
|---|---|
| {SCRIPT} | `{LONG}` |
"""


def files(word: str) -> dict[str, str | None]:
    """By folder and by what they say of themselves; ``word`` makes the next version differ."""
    names = {"tag": TAG, "turned": TURNED, "long": LONG, "said": "said"}
    made: dict[str, str | None] = {
        f"skills/{TAG}/{name}/SKILL.md": _skill(name, word) for name in ("<b>bold", TURNED, "plain")
    }
    made |= {f"skills/{name}/SKILL.md": _skill(text, word) for name, text in names.items()}
    made |= {f"skills/{LONG}/SKILL.md": _skill("far", word), f"skills/said/{TAG}.md": f"{LONG}\n{SCRIPT}\n{word}\n"}
    made[f".claude/commands/{TAG}.md"] = f"---\ndescription: {SCRIPT}\n---\n\n{BODY}{word}\n"
    return made


def _skill(name: str, word: str) -> str:
    said = f"{SCRIPT} {TURNED} {LONG}"
    return f'---\nname: "{name}"\ndescription: "{said}"\ntags: ["{TAG}", "{LONG}"]\n---\n{BODY}\n{word}\n'


def furnish(repositories: Path, projects: Path) -> None:
    """The way of a repository through the house: source, scan, import, deployment, change, scan."""
    actor = administrator()
    path = repositories / f"{TAG}{TURNED}.git"
    create_repository(path)
    commit(path, files("one"), SCRIPT, time=BEGAN)
    source = create_source(url=str(path), actor=actor)
    run(rescan, actor, source_id=source.pk)
    create_collection("default", name=f"{SCRIPT}{TURNED}", actor=actor, report=SilentReport())
    run(bulk_import, actor, ids=list(CatalogEntry.objects.importable().values_list("pk", flat=True)))
    folder = projects / f"{TAG}{TURNED}"
    folder.mkdir()
    register_project(str(folder), name=f"{SCRIPT}{TURNED}", actor=actor, report=SilentReport())
    run(bulk_deploy, actor, ids=[str(pk) for pk in Artifact.objects.values_list("pk", flat=True)], project=str(folder))
    commit(path, files("two"), LONG, time=BEGAN + 60)
    run(rescan, actor, source_id=source.pk)


def pages() -> dict[str, str]:
    """All lists, all rows of what came about, and what there is below them."""
    made = {"overview": "", **{model: f"{model}/" for model in LISTS}}
    models = (Source, ScanRun, SourceTag, CatalogEntry, Collection, Snapshot, Project, Job, AuditEvent)
    for row in (row for model in (*models, Artifact, Deployment) for row in model._default_manager.all()[:12]):
        place = f"{row._meta.app_label}/{row._meta.model_name}/{row.pk}"
        made[place] = f"{place}/change/"
        if isinstance(row, CatalogEntry | Artifact):
            made[f"{place} files"] = f"{place}/files/"
        if isinstance(row, CatalogEntry | Artifact | Deployment):
            made[f"{place} compared"] = f"{place}/compare/"
            made[f"{place} side by side"] = f"{place}/compare/?view=split"
    return made
