import django.db.models.deletion
from django.db import migrations, models

from devices.models.integrity import NoTenantTriggers, TenantTriggers


def forget_tasks(apps, schema_editor):
    """Workers reap and say that they live by themselves; beat need not ask for it."""
    names = ["jobs.reap", "devices.call_agents"]
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(task__in=names).delete()


class Migration(migrations.Migration):

    dependencies = [
        ('django_celery_beat', '0019_alter_periodictasks_options'),
        ('devices', '0005_engine'),
        ('jobs', '0004_run_approval'),
    ]

    operations = [
        NoTenantTriggers("jobs"),
        migrations.CreateModel(
            name='DeviceHold',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=280)),
                ('slot', models.PositiveSmallIntegerField()),
                ('quarantined_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name='devicerun',
            name='cancel_requested_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='devicerun',
            name='credential_key',
            field=models.CharField(blank=True, max_length=40),
        ),
        migrations.AddField(
            model_name='devicerun',
            name='endpoint',
            field=models.CharField(blank=True, max_length=280),
        ),
        migrations.AddField(
            model_name='devicerun',
            name='exclusive',
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name='devicerun',
            name='not_before',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='devicerun',
            name='tries',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='devicerun',
            name='waiting_since',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='devicerun',
            name='waits_for',
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='devicerun',
            name='wave',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='jobrun',
            name='next_wave_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='jobrun',
            name='pause_reason',
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddField(
            model_name='jobrun',
            name='paused_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='jobrun',
            name='proven',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='jobrun',
            name='only',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='jobrun',
            name='resumed_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='jobrun',
            name='rollout',
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name='jobrun',
            name='wave',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='servicejob',
            name='rollout',
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name='servicejob',
            name='window',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='jobs.schedulefilter'),
        ),
        migrations.RemoveField(
            model_name='devicerun',
            name='worker',
        ),
        migrations.AddField(
            model_name='devicerun',
            name='worker',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='devices.worker'),
        ),
        migrations.AddIndex(
            model_name='devicerun',
            index=models.Index(condition=models.Q(('waiting_since__isnull', False)), fields=['endpoint'], name='device_lines'),
        ),
        migrations.AddIndex(
            model_name='devicerun',
            index=models.Index(condition=models.Q(('waits_for__isnull', False)), fields=['waits_for'], name='waiters'),
        ),
        migrations.AddIndex(
            model_name='devicerun',
            index=models.Index(condition=models.Q(('status', 'running')), fields=['worker'], name='work_of'),
        ),
        migrations.AddField(
            model_name='devicehold',
            name='device_run',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='holds', to='jobs.devicerun'),
        ),
        migrations.AddField(
            model_name='devicehold',
            name='tenant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant'),
        ),
        migrations.AddConstraint(
            model_name='devicehold',
            constraint=models.UniqueConstraint(models.F('key'), models.F('slot'), name='a_slot_once'),
        ),
        migrations.RunPython(forget_tasks, migrations.RunPython.noop),
        TenantTriggers("jobs"),
    ]
