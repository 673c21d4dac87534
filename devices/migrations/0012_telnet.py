import devices.domain.platforms
from django.db import migrations, models

from devices.models.integrity import NoTenantTriggers, TenantTriggers

#: Their rows refer to the tables that are changed.
APPS = ("devices", "templates_app", "approvals", "jobs")


class Migration(migrations.Migration):

    dependencies = [
        ('devices', '0011_searching'),
    ]

    operations = [
        *(NoTenantTriggers(app) for app in APPS),
        migrations.AddField(
            model_name='device',
            name='protocol',
            field=models.CharField(choices=[('ssh', 'SSH'), ('telnet', 'Telnet (clear text)')], default='ssh', help_text="Telnet sends the password and everything else in clear text; the customer's settings must allow it.", max_length=6),
        ),
        migrations.AddField(
            model_name='tenant',
            name='allow_telnet',
            field=models.BooleanField(default=False, help_text='Let devices be reached by Telnet, which sends passwords in clear text.'),
        ),
        migrations.AlterField(
            model_name='device',
            name='platform',
            field=models.CharField(choices=devices.domain.platforms.choices, max_length=40),
        ),
        *(TenantTriggers(app) for app in APPS),
    ]
