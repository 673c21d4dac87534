import django.db.models.deletion
from django.db import migrations, models

from devices.models.integrity import NoTenantTriggers, TenantTriggers


class Migration(migrations.Migration):

    dependencies = [
        ('devices', '0005_engine'),
        ('jobs', '0005_engine'),
    ]

    operations = [
        NoTenantTriggers("devices"),
        NoTenantTriggers("jobs"),
        migrations.AddField(
            model_name='configsnapshot',
            name='same_as',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.RESTRICT, related_name='+', to='devices.configsnapshot'),
        ),
        migrations.AlterField(
            model_name='configsnapshot',
            name='content_z',
            field=models.BinaryField(default=b''),
        ),
        migrations.AddIndex(
            model_name='configsnapshot',
            index=models.Index(fields=['device', 'sha256'], name='same_configurations'),
        ),
        migrations.AddIndex(
            model_name='configsnapshot',
            index=models.Index(condition=models.Q(('same_as__isnull', False)), fields=['same_as'], name='copies'),
        ),
        TenantTriggers("devices"),
        TenantTriggers("jobs"),
    ]
