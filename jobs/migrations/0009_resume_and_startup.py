
import django.db.models.deletion
from django.db import migrations, models

from devices.models.integrity import NoTenantTriggers, TenantTriggers


class Migration(migrations.Migration):

    dependencies = [
        ('devices', '0011_searching'),
        ('jobs', '0008_by_status'),
    ]

    operations = [
        NoTenantTriggers("jobs"),
        migrations.AddField(
            model_name='devicerun',
            name='startup_after',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='devices.configsnapshot'),
        ),
        migrations.AddField(
            model_name='devicerun',
            name='startup_before',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='devices.configsnapshot'),
        ),
        migrations.AddField(
            model_name='jobrun',
            name='resumes',
            field=models.JSONField(null=True),
        ),
        migrations.AddIndex(
            model_name='devicerun',
            index=models.Index(condition=models.Q(('startup_before__isnull', False)), fields=['startup_before'], name='startup_before'),
        ),
        migrations.AddIndex(
            model_name='devicerun',
            index=models.Index(condition=models.Q(('startup_after__isnull', False)), fields=['startup_after'], name='startup_after'),
        ),
        TenantTriggers("jobs"),
    ]
