"""Migrations: complete, named, and reversible on the database that the tests run on."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

ROOT = Path(__file__).resolve().parents[2]
WITH_TABLES = sorted(
    config.label
    for config in apps.get_app_configs()
    if (ROOT / config.name.replace(".", "/")).is_dir() and list(config.get_models())
)


@pytest.mark.django_db
def test_no_model_is_ahead_of_its_migrations():
    out = StringIO()
    call_command("makemigrations", check=True, dry_run=True, stdout=out)


def test_the_apps_are_known():
    assert {"core", "marketplace"} <= set(WITH_TABLES)


@pytest.mark.parametrize("label", WITH_TABLES)
def test_each_app_has_one_line_of_named_migrations(label):
    loader = MigrationLoader(None)
    names = sorted(name for app, name in loader.disk_migrations if app == label)
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
    assert len(loader.graph.leaf_nodes(label)) == 1
    assert not [name for name in names if re.search(r"_auto_|\d{8}", name)]


def tables():
    return {
        name for name in connection.introspection.table_names() if name.startswith(tuple(f"{x}_" for x in WITH_TABLES))
    }


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_back_to_nothing_and_forward_again():
    before = tables()
    assert len(before) >= 8
    try:
        for label in reversed(WITH_TABLES):
            call_command("migrate", label, "zero", verbosity=0)
        assert tables() == set()
    finally:
        call_command("migrate", verbosity=0)
    assert tables() == before
