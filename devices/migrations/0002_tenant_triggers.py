"""Same-tenant references, held by the database."""

from django.db import migrations

from devices.models.integrity import AppendOnly, TenantTriggers


class Migration(migrations.Migration):
    dependencies = [
        ("devices", "0001_initial"),
    ]

    operations = [
        TenantTriggers("devices"),
        AppendOnly("devices_auditevent"),
    ]
