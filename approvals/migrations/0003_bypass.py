"""Changes that were allowed without approval, and when a request was approved."""

from django.db import migrations, models

from approvals.domain import ACTION_LABELS, STATUS_MOVES, Action
from devices.models.integrity import NoTenantTriggers, StatusMoves, TenantTriggers


class Migration(migrations.Migration):
    dependencies = [("approvals", "0002_tenant_triggers"), ("jobs", "0002_tenant_triggers")]

    operations = [
        NoTenantTriggers("jobs"),
        NoTenantTriggers("approvals"),
        migrations.AddField("approvalrequest", "approved_at", models.DateTimeField(null=True)),
        migrations.AddField("approvalrequest", "bypass", models.BooleanField(default=False)),
        migrations.AlterField(
            "approvalevent",
            "action",
            models.CharField(max_length=20, choices=[(action.value, ACTION_LABELS[action]) for action in Action]),
        ),
        TenantTriggers("approvals"),
        TenantTriggers("jobs"),
        StatusMoves("approvals_approvalrequest", STATUS_MOVES),
    ]
