"""Same-tenant references, held by the database."""

from django.db import migrations

from devices.models.integrity import TenantTriggers


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0001_initial"),
        ("templates_app", "0002_tenant_triggers"),
        ("approvals", "0002_tenant_triggers"),
    ]

    operations = [
        TenantTriggers("jobs"),
    ]
