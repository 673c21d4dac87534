"""Transcripts are sealed, and the secret variables of jobs are known, so that they are hidden in output from now on."""

from django.db import migrations

from config import key_ring
from devices.domain.secrets import EMPTY
from devices.models.integrity import NoTenantTriggers, TenantTriggers
from devices.services import vault

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
        (job.tenant_id, opened(text, job.tenant_id, str(job.pk), name))
        for job in apps.get_model("jobs", "ServiceJob").objects.exclude(sealed_variables={}).order_by("pk")
        for name, text in job.sealed_variables.items()
    }
    Known = apps.get_model("devices", "KnownSecret")
    for tenant_id, secret in found:
        if secret:
            Known.objects.create(tenant_id=tenant_id, value_sealed=vault.known_text(secret, tenant_id=tenant_id))


def opened(text, tenant_id, row, field):
    """Return a secret; empty where it cannot be opened any more."""
    try:
        return vault.unseal(text, tenant_id=tenant_id, row=row, field=field)
    except key_ring.KeyMissing:
        return EMPTY


class Migration(migrations.Migration):
    dependencies = [("jobs", "0003_edits"), ("devices", "0003_sealed_output")]

    operations = [
        NoTenantTriggers("jobs"),
        migrations.RenameField("stepresult", "exchanges_z", "exchanges_sealed"),
        migrations.RunPython(seal_transcripts, migrations.RunPython.noop),
        migrations.RunPython(know_secrets, migrations.RunPython.noop),
        TenantTriggers("jobs"),
    ]
