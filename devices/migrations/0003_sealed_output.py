"""Configurations are sealed, and every secret is known, so that it is hidden in output from now on."""

import django.db.models.deletion
from django.db import migrations, models

from config import key_ring
from config.sealed_text import open_text, seal_text
from devices.models.integrity import NoTenantTriggers, TenantTriggers

#: The sealed columns of the first release, and how the rows that hold them were named.
SEALED = {
    "Credential": (("password", "enable_password", "private_key"), "{pk}"),
    "MailServer": (("password",), "MailServer:{pk}"),
    "TrapReceiver": (("community", "auth_key", "priv_key"), "TrapReceiver:{pk}"),
    "Webhook": (("secret",), "Webhook:{pk}"),
}
ROWS = 500


def seal_configurations(apps, schema_editor):
    """Seal what is stored compressed."""
    rows = apps.get_model("devices", "ConfigSnapshot").objects.exclude(content_sealed=b"")
    batch = []
    for row in rows.only("tenant_id", "device_id", "sha256", "content_sealed").order_by("pk").iterator(ROWS):
        place = f"{row.tenant_id}|configsnapshot|{row.device_id}:{row.sha256}|content_sealed"
        row.content_sealed = key_ring.encrypt(bytes(row.content_sealed), place)
        batch.append(row)
        if len(batch) == ROWS:
            rows.model.objects.bulk_update(batch, ["content_sealed"])
            batch = []
    rows.model.objects.bulk_update(batch, ["content_sealed"])


def know_secrets(apps, schema_editor):
    """Remember each value that is stored as a secret; one whose key is missing is not known."""
    found = {
        (row.tenant_id, opened(getattr(row, f"{field}_sealed"), f"{row.tenant_id}|{place.format(pk=row.pk)}|{field}"))
        for name, (fields, place) in SEALED.items()
        for row in apps.get_model("devices", name).objects.order_by("pk")
        for field in fields
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
    dependencies = [("devices", "0002_tenant_triggers")]

    operations = [
        NoTenantTriggers("devices"),
        NoTenantTriggers("jobs"),
        migrations.RenameField("configsnapshot", "content_z", "content_sealed"),
        migrations.RunPython(seal_configurations, migrations.RunPython.noop),
        migrations.CreateModel(
            name="KnownSecret",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("value_sealed", models.TextField(editable=False)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="devices.tenant"
                    ),
                ),
            ],
            options={"abstract": False},
        ),
        migrations.RunPython(know_secrets, migrations.RunPython.noop),
        TenantTriggers("devices"),
        TenantTriggers("jobs"),
    ]
