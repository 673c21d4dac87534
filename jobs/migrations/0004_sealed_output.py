"""Transcripts are sealed, and the secret variables of jobs are known, so that they are hidden in output from now on."""

from django.db import migrations

from config import key_ring
from config.sealed_text import open_text, seal_text
from devices.models.integrity import NoTenantTriggers, TenantTriggers

ROWS = 500


def seal_transcripts(apps, schema_editor):
    """Seal what is stored compressed."""
    rows = apps.get_model("jobs", "StepResult").objects.exclude(exchanges_sealed=b"")
    batch = []
    for row in rows.only("tenant_id", "device_run_id", "position", "exchanges_sealed").order_by("pk").iterator(ROWS):
        place = f"{row.tenant_id}|stepresult|{row.device_run_id}:{row.position}|exchanges_sealed"
        row.exchanges_sealed = key_ring.encrypt(bytes(row.exchanges_sealed), place)
        batch.append(row)
        if len(batch) == ROWS:
            rows.model.objects.bulk_update(batch, ["exchanges_sealed"])
            batch = []
    rows.model.objects.bulk_update(batch, ["exchanges_sealed"])


def know_secrets(apps, schema_editor):
    """Remember each value that is stored as a secret; one whose key is missing is not known."""
    found = {
        (job.tenant_id, opened(text, f"{job.tenant_id}|{job.pk}|{name}"))
        for job in apps.get_model("jobs", "ServiceJob").objects.exclude(sealed_variables={}).order_by("pk")
        for name, text in job.sealed_variables.items()
    }
    Known = apps.get_model("devices", "KnownSecret")
    for tenant_id, plain in found:
        if plain:
            Known.objects.create(tenant_id=tenant_id, value_sealed=seal_text(plain, f"{tenant_id}|known|value"))


def opened(text, place):
    """Return a secret; empty where there is none, or it cannot be opened any more."""
    try:
        return open_text(text, place) if text else ""
    except key_ring.KeyMissing:
        return ""


class Migration(migrations.Migration):
    dependencies = [("jobs", "0003_edits"), ("devices", "0003_sealed_output")]

    operations = [
        NoTenantTriggers("jobs"),
        migrations.RenameField("stepresult", "exchanges_z", "exchanges_sealed"),
        migrations.RunPython(seal_transcripts, migrations.RunPython.noop),
        migrations.RunPython(know_secrets, migrations.RunPython.noop),
        TenantTriggers("jobs"),
    ]
