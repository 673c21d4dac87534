"""What devices showed when they last accepted a login."""

import django.db.models.deletion
from django.db import migrations, models

from devices.models.integrity import TenantTriggers


class Migration(migrations.Migration):
    dependencies = [("devices", "0005_audit_heads")]

    operations = [
        migrations.CreateModel(
            name="Sighting",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("host_key", models.CharField(blank=True, db_index=True, max_length=100)),
                ("called", models.CharField(blank=True, max_length=120)),
                ("reached", models.CharField(blank=True, max_length=64)),
                ("endpoint", models.CharField(max_length=280)),
                ("at", models.DateTimeField()),
                (
                    "device",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="sighting", to="devices.device"
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="devices.tenant"
                    ),
                ),
            ],
            options={"abstract": False},
        ),
        TenantTriggers("devices"),
    ]
