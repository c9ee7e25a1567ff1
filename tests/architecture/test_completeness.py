"""Walks over what is registered: nothing is without its words, its bounds and its page in the documentation."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.urls import get_resolver

from skillmeat_site.core.errors import REGISTRY
from skillmeat_site.core.jobs import queue, registry, schedules
from skillmeat_site.core.management.base import Command
from skillmeat_site.core.results import ObjectRef
from skillmeat_site.settings.env import env

ROOT = Path(__file__).resolve().parents[2]
OWN = ("skillmeat_site", "marketplace", "collections_app", "cache_app")
get_resolver().url_patterns  # noqa: B018 - loads every module of the faces
import_module("collections_app.errors")

JOBS = [definition for definition in registry.definitions() if not definition.kind.startswith("test.")]
COMMANDS = sorted(name for name, app in get_commands().items() if isinstance(app, str) and app.startswith(OWN))
CODES = {code: error for code, error in REGISTRY.items() if error.__module__.startswith(OWN)}

# Read by the code and not by settings/env.py, each with the reason.
READS_THE_ENVIRONMENT = {
    "skillmeat_site/settings/env.py": "the reader",
    "skillmeat_site/settings/test.py": "a home of its own for the tests",
    "skillmeat_site/upstream/environment.py": "hands PATH, proxies and certificates on to git",
    "skillmeat_site/asgi.py": "names the settings",
    "skillmeat_site/wsgi.py": "names the settings",
    "manage.py": "names the settings",
}
# Defaults that a machine decides.
COMPUTED = {"SECRET_KEY", "DATABASE_URL", "SKILLMEAT_HOME", "SKILLMEAT_LOG_FORMAT"}


def table(page, section=0):
    """The rows of a table in the documentation: first cell without its quotes → the other cells."""
    text = (ROOT / "docs" / page).read_text().split("\n## ")[section]
    rows = [re.split(r"(?<!\\) \| ", line.strip("| ")) for line in text.splitlines() if line.startswith("| `")]
    names = [row[0].strip("`") for row in rows]
    assert len(set(names)) == len(names)
    assert {len(row) for row in rows} == {4}
    return {name: row[1:] for name, row in zip(names, rows, strict=True)}


def test_every_error_code_is_documented_and_no_other():
    assert set(table("errors.md")) == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_an_error(code):
    error = CODES[code]
    status, meaning, action = table("errors.md")[code]
    assert status == str(error.status)
    assert meaning.endswith(".")
    assert action.endswith(".")
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", code)
    assert error.title[0].isupper()


def test_every_variable_is_documented_and_no_other():
    assert set(table("configuration.md")) == set(env.known)


@pytest.mark.parametrize("name", sorted(set(env.known) - COMPUTED))
def test_a_variables_default(name):
    default = env.known[name]
    assert table("configuration.md")[name][0] == (f"`{default}`" if default else "none")


def test_the_environment_is_read_in_one_place():
    readers = {
        str(path.relative_to(ROOT))
        for path in [ROOT / "manage.py", *(p for room in OWN for p in (ROOT / room).rglob("*.py"))]
        if re.search(r"os\.environ|getenv", path.read_text())
    }
    assert readers == set(READS_THE_ENVIRONMENT)


def test_there_are_jobs_and_commands():
    assert len(JOBS) >= 4
    assert {"rescan", "add_source", "reap_jobs", "sync_schedules", "doctor", "demo", "detect", "jobs"} <= set(COMMANDS)


@pytest.mark.parametrize("definition", JOBS, ids=lambda definition: definition.kind)
def test_a_job(definition):
    params = {"source_id": 1, "ids": [1, 2], "excluded": True, "slug": "default", "slugs": ["default", "other"]}
    params |= {"kind": "marketplace.bulk_import", "params": {"ids": [1, 2]}}
    label = definition.name(params, ObjectRef("thing", "1", "acme/tools"))
    assert label
    assert "{" not in label
    assert re.fullmatch(r"[a-z_]+\.[a-z_]+", definition.kind)
    assert definition.queue in settings.SKILLMEAT_QUEUES
    assert 0 < definition.timeout <= queue.cluster_options(definition.queue)["timeout"]
    # and also where each logical queue has a cluster of its own name
    alone = settings.Q_CLUSTER["ALT_CLUSTERS"].get(definition.queue, settings.Q_CLUSTER)
    assert definition.timeout <= alone["timeout"]
    assert definition.max_attempts >= 1
    assert definition.busy.code in CODES


def test_schedules_are_named_by_their_app_and_not_hectic():
    found = {schedule.name: schedule.minutes for schedule in schedules.schedules()}
    assert {"core.reap", "core.prune", "marketplace.rescan_due", "collections.retention", "collections.prune"} <= set(
        found
    )
    assert all(re.fullmatch(r"[a-z_]+\.[a-z_]+", name) and minutes >= 1 for name, minutes in found.items())


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command(name):
    command = load_command_class(get_commands()[name], name)
    assert isinstance(command, Command)
    assert command.help.endswith(".")
    parser = command.create_parser("manage.py", name)
    options = {option for action in parser._actions for option in action.option_strings}
    assert "--json" in options
    assert ("--dry-run" in options) == command.writes


@pytest.mark.parametrize(
    "config", [c for c in apps.get_app_configs() if c.name.startswith(OWN)], ids=lambda c: c.label
)
def test_constraints_and_indexes_are_named_by_hand(config):
    for model in config.get_models():
        assert not model._meta.unique_together
        for part in [*model._meta.constraints, *model._meta.indexes]:
            assert re.fullmatch(r"[a-z]+(_[a-z]+)+", part.name), (model, part.name)


def test_no_file_names_the_place_where_it_was_made():
    """A checkout works anywhere."""
    here = ("/wo" + "rk/", "../sha" + "red")
    found = [
        str(path.relative_to(ROOT))
        for room in (*OWN, "tests", "docs", "templates", "scripts", ".ci")
        for path in (ROOT / room).rglob("*")
        if path.is_file() and path.suffix in ("", ".py", ".md", ".html", ".yaml", ".toml")
        and any(place in path.read_text(errors="replace") for place in here)
    ]  # fmt: skip
    assert found == []
