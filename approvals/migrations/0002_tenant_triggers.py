"""Same-tenant references and moves of a request, held by the database."""

from django.db import migrations

from approvals.domain import STATUS_MOVES
from devices.models.integrity import StatusMoves, TenantTriggers


class Migration(migrations.Migration):
    dependencies = [("approvals", "0001_initial"), ("devices", "0002_tenant_triggers")]

    operations = [TenantTriggers("approvals"), StatusMoves("approvals_approvalrequest", STATUS_MOVES)]
