from django.db import migrations, models

from devices.models.integrity import NoTenantTriggers, TenantTriggers


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0005_engine'),
    ]

    operations = [
        NoTenantTriggers("jobs"),
        migrations.AddField(
            model_name='servicejob',
            name='compat',
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name='stepresult',
            name='verdict',
            field=models.CharField(blank=True, max_length=4),
        ),
        migrations.AlterField(
            model_name='servicejob',
            name='job_type',
            field=models.CharField(choices=[('regular', 'Regular Job'), ('config_backup', 'Network configuration backup'), ('ad_check_list', 'AD check list'), ('app_install', 'Application install'), ('custom_script', 'Custom script')], default='regular', max_length=20),
        ),
        TenantTriggers("jobs"),
    ]
