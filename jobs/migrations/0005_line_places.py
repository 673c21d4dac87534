"""Who waits for a box stands in line for each key by which it is known."""

import django.db.models.deletion
from django.db import migrations, models

from devices.models.integrity import TenantTriggers


class Migration(migrations.Migration):
    dependencies = [("devices", "0006_sightings"), ("jobs", "0004_sealed_output")]

    operations = [
        migrations.CreateModel(
            name="LinePlace",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(db_index=True, max_length=280)),
                ("rank", models.PositiveIntegerField(default=0)),
                (
                    "device_run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="places", to="jobs.devicerun"
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="devices.tenant"
                    ),
                ),
            ],
            options={"constraints": [models.UniqueConstraint("device_run", "key", name="once_in_each_line")]},
        ),
        TenantTriggers("jobs"),
    ]
