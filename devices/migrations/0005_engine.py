from django.db import migrations, models

from devices.models.integrity import NoTenantTriggers, TenantTriggers


class Migration(migrations.Migration):

    dependencies = [
        ('devices', '0004_channels_and_outbox'),
    ]

    operations = [
        NoTenantTriggers("devices"),
        NoTenantTriggers("templates_app"),
        NoTenantTriggers("approvals"),
        NoTenantTriggers("jobs"),
        migrations.AddField(
            model_name='agent',
            name='draining',
            field=models.BooleanField(default=False, help_text='Its workers finish what they began and start no further device.'),
        ),
        migrations.AddField(
            model_name='agent',
            name='max_parallel',
            field=models.PositiveIntegerField(blank=True, help_text='How many devices it runs on at once; empty means no limit of its own.', null=True),
        ),
        migrations.AddField(
            model_name='tenant',
            name='max_parallel',
            field=models.PositiveIntegerField(blank=True, help_text='How many of its devices are worked on at once; empty means no limit.', null=True),
        ),
        migrations.CreateModel(
            name='Worker',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=160)),
                ('host', models.CharField(max_length=160)),
                ('pid', models.PositiveIntegerField()),
                ('started', models.BigIntegerField()),
                ('version', models.CharField(max_length=40)),
                ('queues', models.JSONField(default=list)),
                ('active', models.PositiveIntegerField(default=0)),
                ('begun_at', models.DateTimeField()),
                ('beat_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['-beat_at'],
                'indexes': [models.Index(fields=['-beat_at'], name='devices_wor_beat_at_0a14dc_idx')],
            },
        ),
        TenantTriggers("devices"),
        TenantTriggers("templates_app"),
        TenantTriggers("approvals"),
        TenantTriggers("jobs"),
    ]
