import django.utils.timezone
from django.db import migrations, models
from django.db.models.functions import TruncDate

import marketplace.models.scan_run


def fill(apps, schema_editor):
    runs = apps.get_model("marketplace", "ScanRun").objects.using(schema_editor.connection.alias)
    runs.update(day=TruncDate("created_at"))


class Migration(migrations.Migration):
    """The day of a run as a column of its own, which an index can have in order."""

    dependencies = [
        ("marketplace", "0010_entry_tally_covers"),
    ]

    operations = [
        migrations.AddField(
            model_name="scanrun",
            name="day",
            field=models.DateField(default=marketplace.models.scan_run.today, editable=False),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
        migrations.AlterField(
            model_name="scanrun",
            name="created_at",
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False),
        ),
        migrations.RemoveIndex(
            model_name="scanrun",
            name="run_by_time",
        ),
        migrations.AddIndex(
            model_name="scanrun",
            index=models.Index(
                fields=["day", "outcome", "new_count", "updated_count", "removed_count"], name="run_by_day"
            ),
        ),
    ]
