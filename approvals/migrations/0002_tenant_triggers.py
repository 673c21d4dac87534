"""Same-tenant references, held by the database."""

from django.db import migrations

from devices.models.integrity import TenantTriggers


class Migration(migrations.Migration):
    dependencies = [("approvals", "0001_initial"), ("devices", "0002_tenant_triggers")]

    operations = [TenantTriggers("approvals")]
