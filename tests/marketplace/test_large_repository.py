"""More than 800 artifacts through every face: complete, quiet the second time, exact after a commit."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.domain.scan_plan import KnownEntry
from marketplace.models import CatalogEntry, Source
from marketplace.services.catalog_writer import known_entries
from marketplace.services.sources import create_source
from skillmeat_site.core.actor import COMMAND_LINE
from skillmeat_site.core.jobs import runner
from skillmeat_site.core.models import Job
from tests.conftest import skill
from tests.marketplace.answers import BASE, ok
from tests.marketplace.scanning import counters, dump, scan, statuses

PLUGINS = 120


def plugin_files(n: int) -> dict[str, str | None]:
    """A plugin with two skills, a command, an agent, hooks and a server: seven artifacts with itself."""
    base = f"plugins/kit-{n:03}"
    hooks = {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": f"echo {n}"}]}]}}
    return {
        f"{base}/.claude-plugin/plugin.json": json.dumps({"name": f"kit-{n:03}", "version": "1.0.0"}),
        f"{base}/skills/read-{n}/SKILL.md": skill(f"read-{n}", f"Reads {n}"),
        f"{base}/skills/write-{n}/SKILL.md": skill(f"write-{n}", f"Writes {n}"),
        f"{base}/skills/write-{n}/scripts/run.py": f"print({n})\n",
        f"{base}/commands/go-{n}.md": f"---\ndescription: Goes {n}\n---\nGo.\n",
        f"{base}/agents/guide-{n}.md": f"---\nname: guide-{n}\ndescription: Guides {n}\n---\nGuide.\n",
        f"{base}/hooks/hooks.json": json.dumps(hooks),
        f"{base}/.mcp.json": json.dumps({"mcpServers": {f"server-{n}": {"command": f"serve-{n}"}}}),
        f"{base}/README.md": f"Kit {n}\n",
    }


FILES = {path: text for n in range(PLUGINS) for path, text in plugin_files(n).items()}
ARTIFACTS = 7 * PLUGINS

TOUCHED = {
    "plugins/kit-003/skills/write-3/scripts/run.py": "print('changed')\n",
    "plugins/kit-050/commands/go-50.md": "---\ndescription: Goes elsewhere\n---\nGo.\n",
    "plugins/kit-077/README.md": "Changed\n",
}
UPDATED = {
    "plugins/kit-003",
    "plugins/kit-003/skills/write-3",
    "plugins/kit-050",
    "plugins/kit-050/commands/go-50.md",
    "plugins/kit-077",
}


@pytest.fixture
def large(db, make_repository):
    repository = make_repository("large", FILES)
    return repository, create_source(url=repository.url, actor=COMMAND_LINE)


def over_rest(source: Source, api) -> dict:
    return ok(api.post(f"{BASE}/sources/{source.pk}/rescan", {}, format="json"))


def by_command(source: Source, api) -> dict:
    out = io.StringIO()
    call_command("rescan", str(source.pk), "--json", stdout=out)
    return json.loads(out.getvalue())["results"][0]


def by_a_worker(source: Source, api) -> dict:
    """What the admin's action and an asynchronous request do: a queued job, delivered to a worker."""
    job = ok(
        api.post(f"{BASE}/sources/{source.pk}/rescan", {}, format="json", headers={"Prefer": "respond-async"}), 202
    )
    runner.deliver(job["id"])
    return Job.objects.get(pk=job["id"]).result


@pytest.mark.parametrize("face", [over_rest, by_command, by_a_worker])
def test_a_large_repository(large, api, face):
    repository, source = large
    assert counters(face(source, api)) == {"new": ARTIFACTS}
    assert CatalogEntry.objects.filter(plugin__isnull=False).count() == ARTIFACTS - PLUGINS
    before = dump()

    again = face(source, api)
    assert (counters(again), again["short_circuit"]) == ({"unchanged": ARTIFACTS}, "commit")
    assert dump() == before

    repository.commit(TOUCHED)
    assert counters(face(source, api)) == {"updated": len(UPDATED), "unchanged": ARTIFACTS - len(UPDATED)}
    assert {path for path, status in statuses(source).items() if status == "updated"} == UPDATED
    after = {row[0]: row for row in dump()}
    touched = set(CatalogEntry.objects.filter(path__in=UPDATED).values_list("pk", flat=True))
    assert {row[0] for row in before if after[row[0]] != row} == touched


# ---- whatever happens upstream, the catalog is what a fresh one would be


NAMES = ["a", "b", "c", "d"]
CONTENTS = ["one", "two", "three"]
trees = st.dictionaries(
    st.sampled_from([f"{folder}/{name}" for folder in ("skills", "more/skills") for name in NAMES]),
    st.sampled_from(CONTENTS),
    max_size=6,
)


def found(source: Source) -> set[tuple]:
    """What is present, without a row's own history."""
    columns = ("type", "path", "name", "content_oid", "fingerprint", "duplicate_of__path")
    return set(source.entries.present().values_list(*columns))


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(trees, min_size=2, max_size=4))
@pytest.mark.django_db
def test_after_any_history_the_catalog_equals_a_fresh_one(make_repository, history):
    """Scanned after every commit, or once at the end: the same entries, links and fingerprints."""
    number = Source.objects.count()
    repository = make_repository(f"history-{number}", {"README.md": "x"})
    followed = create_source(url=repository.url, actor=COMMAND_LINE)
    before: dict[str, str] = {}
    for tree in history:
        gone = {f"{path}/SKILL.md": None for path in before.keys() - tree.keys()}
        repository.commit(gone | {f"{path}/SKILL.md": skill("x", content) for path, content in tree.items()})
        before = tree
        result = scan(followed, allow_removals=True)
        rows: list[KnownEntry] = known_entries(followed)
        assert len({row.key for row in rows}) == len(rows)
        assert result.counters.total == len(tree)
    fresh = create_source(url=repository.url, ref="main", actor=COMMAND_LINE)
    scan(fresh)
    assert found(followed) == found(fresh)
    Source.objects.filter(pk__in=[followed.pk, fresh.pk]).update(enabled=False)
