"""Jump hosts, second factors, keys with passphrase and certificate, console ports."""

import django.db.models.deletion
import django.db.models.functions.text
import uuid
from django.db import migrations, models

from devices.models.integrity import NoTenantTriggers, TenantTriggers


class Migration(migrations.Migration):

    dependencies = [
        ('devices', '0007_demo_accounts'),
    ]

    operations = [
        NoTenantTriggers('devices'),
        NoTenantTriggers('jobs'),
        migrations.CreateModel(
            name='UsedCode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('account', models.CharField(max_length=64, unique=True)),
                ('step', models.BigIntegerField()),
            ],
        ),
        migrations.AddField(
            model_name='credential',
            name='certificate',
            field=models.TextField(blank=True, help_text="OpenSSH user certificate of the SSH key's public part.", verbose_name='SSH certificate'),
        ),
        migrations.AddField(
            model_name='credential',
            name='passphrase_sealed',
            field=models.TextField(blank=True, editable=False),
        ),
        migrations.AddField(
            model_name='credential',
            name='totp_algorithm',
            field=models.CharField(choices=[('sha1', 'SHA-1'), ('sha256', 'SHA-256'), ('sha512', 'SHA-512')], default='sha1', max_length=6, verbose_name='hash of the codes'),
        ),
        migrations.AddField(
            model_name='credential',
            name='totp_digits',
            field=models.PositiveSmallIntegerField(choices=[(6, '6'), (8, '8')], default=6, verbose_name='digits of a code'),
        ),
        migrations.AddField(
            model_name='credential',
            name='totp_secret_sealed',
            field=models.TextField(blank=True, editable=False),
        ),
        migrations.AddField(
            model_name='device',
            name='console',
            field=models.BooleanField(default=False, help_text='SSH leads to its serial line on a console server: log in on the line, and log out at the end.', verbose_name='console port'),
        ),
        migrations.AddField(
            model_name='device',
            name='direct',
            field=models.BooleanField(default=False, help_text='Connect directly, whatever its network says.', verbose_name='without jump host'),
        ),
        migrations.CreateModel(
            name='JumpHost',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=120)),
                ('host', models.CharField(help_text='Its address or name, as the one before it on the way knows it.', max_length=255)),
                ('port', models.PositiveIntegerField(default=22)),
                ('host_key', models.CharField(blank=True, editable=False, help_text='SHA-256 of the pinned host key.', max_length=100)),
                ('credential', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='jump_hosts', to='devices.credential')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
                ('through', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='leads_to', to='devices.jumphost')),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.AddField(
            model_name='device',
            name='jump_host',
            field=models.ForeignKey(blank=True, help_text='From where it is reached, when not as its network says.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='devices', to='devices.jumphost'),
        ),
        migrations.AddField(
            model_name='network',
            name='jump_host',
            field=models.ForeignKey(blank=True, help_text="From where its devices are reached; none means from the agent's worker.", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='networks', to='devices.jumphost'),
        ),
        migrations.AddConstraint(
            model_name='jumphost',
            constraint=models.UniqueConstraint(models.F('tenant'), django.db.models.functions.text.Lower('name'), name='jump_host_name_once_per_tenant'),
        ),
        TenantTriggers('devices'),
        TenantTriggers('jobs'),
    ]
