import django.db.models.deletion
from django.db import migrations, models

from devices.models.integrity import NoTenantTriggers, TenantTriggers


def leave_room(apps, schema_editor):
    """Leave room in each page for rows that change: what has none is written elsewhere, and into every index again."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE jobs_devicerun SET (fillfactor = 60)")


class Migration(migrations.Migration):

    dependencies = [
        ('devices', '0012_telnet'),
        ('jobs', '0009_resume_and_startup'),
    ]

    operations = [
        NoTenantTriggers("jobs"),
        migrations.AlterField(
            model_name='devicerun',
            name='run',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='device_runs', to='jobs.jobrun'),
        ),
        migrations.AlterField(
            model_name='devicerun',
            name='snapshot_after',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='devices.configsnapshot'),
        ),
        migrations.AlterField(
            model_name='devicerun',
            name='snapshot_before',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='devices.configsnapshot'),
        ),
        migrations.AlterField(
            model_name='stepresult',
            name='device_run',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='steps', to='jobs.devicerun'),
        ),
        migrations.AddIndex(
            model_name='devicerun',
            index=models.Index(condition=models.Q(('snapshot_before__isnull', False)), fields=['snapshot_before'], name='snapshot_before'),
        ),
        migrations.AddIndex(
            model_name='devicerun',
            index=models.Index(condition=models.Q(('snapshot_after__isnull', False)), fields=['snapshot_after'], name='snapshot_after'),
        ),
        TenantTriggers("jobs"),
        migrations.RunPython(leave_room, migrations.RunPython.noop),
    ]
