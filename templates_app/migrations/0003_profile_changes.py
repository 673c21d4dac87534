"""Who last changed a configuration profile, and when."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from devices.models.integrity import NoTenantTriggers, TenantTriggers


class Migration(migrations.Migration):
    dependencies = [
        ("templates_app", "0002_tenant_triggers"),
        ("jobs", "0002_tenant_triggers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        NoTenantTriggers("jobs"),
        NoTenantTriggers("templates_app"),
        migrations.AddField("configurationprofile", "changed_at", models.DateTimeField(editable=False, null=True)),
        migrations.AddField(
            "configurationprofile",
            "changed_by",
            models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        TenantTriggers("templates_app"),
        TenantTriggers("jobs"),
    ]
