"""When each person last changed a job, instead of who ever did."""

from django.db import migrations, models

from devices.models.integrity import NoTenantTriggers, TenantTriggers


def carry(apps, schema_editor):
    """Whoever has changed a job did so no later than its last change."""
    for job in apps.get_model("jobs", "ServiceJob").objects.exclude(editors=[]).iterator():
        job.edits = {str(pk): job.changed_at.isoformat() for pk in job.editors}
        job.save(update_fields=["edits"])


class Migration(migrations.Migration):
    dependencies = [("jobs", "0002_tenant_triggers"), ("approvals", "0003_bypass")]

    operations = [
        NoTenantTriggers("jobs"),
        migrations.AddField("servicejob", "edits", models.JSONField(default=dict)),
        migrations.RunPython(carry, migrations.RunPython.noop),
        migrations.RemoveField("servicejob", "editors"),
        TenantTriggers("jobs"),
    ]
