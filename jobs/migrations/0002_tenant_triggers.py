"""Same-tenant references and moves of runs, held by the database; indexes of parts of words; room in the pages of device runs; the pulse's row."""

from django.db import migrations
from django.utils import timezone

from devices.models.integrity import StatusMoves, TenantTriggers
from devices.models.searching import TEXT, SearchIndex
from jobs.domain.states import DEVICE_MOVES, RUN_MOVES


def leave_room(apps, schema_editor):
    """Leave room in each page for rows that change: what has none is written elsewhere, and into every index again."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE jobs_devicerun SET (fillfactor = 60)")


def begin(apps, schema_editor):
    """The pulse has one row, from the beginning."""
    now = timezone.now()
    apps.get_model("jobs", "Pulse").objects.get_or_create(pk=1, defaults={"beat_at": now, "tick_at": now})


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0001_initial"),
        ("templates_app", "0002_tenant_triggers"),
        ("approvals", "0002_tenant_triggers"),
    ]

    operations = [
        TenantTriggers("jobs"),
        StatusMoves("jobs_jobrun", RUN_MOVES),
        StatusMoves("jobs_devicerun", DEVICE_MOVES),
        SearchIndex("jobs_devicerun", [("device_name", TEXT), ("address", TEXT)]),
        migrations.RunPython(leave_room, migrations.RunPython.noop),
        migrations.RunPython(begin, migrations.RunPython.noop),
    ]
