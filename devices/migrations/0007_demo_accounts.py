"""Accounts that the demo made are marked; those that there are have a token of the demo."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def mark(apps, schema_editor):
    """Mark the owners of the demo's tokens."""
    owners = apps.get_model("devices", "ApiToken").objects.filter(for_demo=True).values_list("user", flat=True)
    model = apps.get_model("devices", "DemoAccount")
    model.objects.bulk_create(model(user_id=pk) for pk in sorted(set(owners)))


class Migration(migrations.Migration):
    dependencies = [("devices", "0006_sightings"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="DemoAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="demo",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.RunPython(mark, migrations.RunPython.noop),
    ]
