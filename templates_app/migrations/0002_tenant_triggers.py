"""Same-tenant references, held by the database."""

from django.db import migrations

from devices.models.integrity import TenantTriggers


class Migration(migrations.Migration):
    dependencies = [("templates_app", "0001_initial"), ("devices", "0002_tenant_triggers")]

    operations = [TenantTriggers("templates_app")]
