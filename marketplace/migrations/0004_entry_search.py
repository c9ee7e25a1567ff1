"""Words of entries, and an index of them."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

from marketplace.domain.search import entry_words
from marketplace.search_index import create_index, drop_index
from skillmeat_site.core.bulk import ROWS_PER_STATEMENT, update_rows

TOLD = ("pk", "name", "namespace", "path", "title", "description", "tags")


def fill(apps: Any, schema_editor: Any) -> None:
    """Some thousand rows at a time, by primary key."""
    entries = apps.get_model("marketplace", "CatalogEntry")
    last = 0
    while rows := list(entries.objects.filter(pk__gt=last).order_by("pk").values(*TOLD)[:ROWS_PER_STATEMENT]):
        update_rows(entries, [{"pk": row["pk"], "search_text": entry_words(row)} for row in rows], ["search_text"])
        last = rows[-1]["pk"]


def index(apps: Any, schema_editor: Any) -> None:
    create_index(schema_editor.connection)


def unindex(apps: Any, schema_editor: Any) -> None:
    drop_index(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0003_source_tags")]

    operations = [
        migrations.AddField("catalogentry", "search_text", models.TextField(blank=True, default="", editable=False)),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunPython(index, unindex),
    ]
