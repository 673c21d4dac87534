
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('approvals', '0002_tenant_triggers'),
        ('auth', '0012_alter_user_first_name_max_length'),
        ('devices', '0002_tenant_triggers'),
        ('templates_app', '0002_tenant_triggers'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Pulse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('beat_at', models.DateTimeField()),
                ('tick_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='JobDevice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('device', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='devices.device')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='JobRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scheduled_for', models.DateTimeField()),
                ('job_name', models.CharField(max_length=160)),
                ('job_type', models.CharField(max_length=40)),
                ('network_names', models.CharField(blank=True, max_length=300)),
                ('template_name', models.CharField(max_length=120)),
                ('template_version', models.PositiveIntegerField()),
                ('bypass', models.CharField(blank=True, choices=[('by_right', 'ran without approval by right'), ('again', 'ran again by right')], max_length=10)),
                ('digest', models.CharField(blank=True, max_length=64)),
                ('max_parallel', models.PositiveIntegerField(default=25)),
                ('planned_steps', models.JSONField(null=True)),
                ('rollout', models.JSONField(default=dict)),
                ('wave', models.PositiveIntegerField(default=0)),
                ('next_wave_at', models.DateTimeField(null=True)),
                ('paused_at', models.DateTimeField(null=True)),
                ('stopped_at', models.DateTimeField(null=True)),
                ('pause_reason', models.CharField(blank=True, max_length=300)),
                ('resumed_at', models.DateTimeField(null=True)),
                ('proven', models.JSONField(null=True)),
                ('only', models.JSONField(null=True)),
                ('resumes', models.JSONField(null=True)),
                ('in_queue', models.BooleanField(default=False)),
                ('status', models.CharField(choices=[('queued', 'Queued'), ('waiting', 'Waiting'), ('running', 'Running'), ('succeeded', 'Succeeded'), ('partial', 'Partial'), ('failed', 'Failed'), ('errored', 'Errored'), ('cancelled', 'Cancelled'), ('skipped', 'Skipped'), ('interrupted', 'Interrupted')], default='queued', max_length=12)),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('device_count', models.PositiveIntegerField(default=0)),
                ('cancel_requested_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('planned_at', models.DateTimeField(null=True)),
                ('started_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('agent', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='devices.agent')),
                ('approval', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='approvals.approvalrequest')),
                ('cancelled_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('executed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('parent', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reruns', to='jobs.jobrun')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='DeviceRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('device_name', models.CharField(max_length=120)),
                ('address', models.CharField(max_length=64)),
                ('platform', models.CharField(max_length=40)),
                ('credential_name', models.CharField(blank=True, max_length=160)),
                ('credential_key', models.CharField(blank=True, max_length=40)),
                ('endpoint', models.CharField(blank=True, max_length=280)),
                ('exclusive', models.BooleanField(default=True)),
                ('wave', models.PositiveIntegerField(default=0)),
                ('plan_data', models.JSONField()),
                ('status', models.CharField(choices=[('queued', 'Queued'), ('waiting', 'Waiting'), ('running', 'Running'), ('succeeded', 'Succeeded'), ('partial', 'Partial'), ('failed', 'Failed'), ('errored', 'Errored'), ('cancelled', 'Cancelled'), ('skipped', 'Skipped'), ('interrupted', 'Interrupted')], default='queued', max_length=12)),
                ('reason', models.CharField(blank=True, max_length=40)),
                ('message', models.TextField(blank=True)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('not_before', models.DateTimeField(null=True)),
                ('waiting_since', models.DateTimeField(null=True)),
                ('waits_for', models.BigIntegerField(null=True)),
                ('cancel_requested_at', models.DateTimeField(null=True)),
                ('token', models.PositiveIntegerField(default=0)),
                ('lease_expires_at', models.DateTimeField(null=True)),
                ('intended', models.PositiveIntegerField(default=0)),
                ('confirmed', models.PositiveIntegerField(default=0)),
                ('started_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('device', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='runs', to='devices.device')),
                ('snapshot_after', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='devices.configsnapshot')),
                ('snapshot_before', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='devices.configsnapshot')),
                ('startup_after', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='devices.configsnapshot')),
                ('startup_before', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='devices.configsnapshot')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
                ('worker', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='devices.worker')),
                ('run', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='device_runs', to='jobs.jobrun')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='JobTag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tag', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='devices.assettag')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='KeptConfiguration',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('changed', models.BooleanField(default=False)),
                ('device_run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='kept_configurations', to='jobs.devicerun')),
                ('snapshot', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='devices.configsnapshot')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='ScheduleFilter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120)),
                ('time_zone', models.CharField(default='UTC', max_length=60)),
                ('rules', models.JSONField(default=list)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='ServiceJob',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('status', models.CharField(choices=[('draft', 'Draft'), ('saved', 'Saved')], default='draft', max_length=10)),
                ('name', models.CharField(blank=True, max_length=160)),
                ('description', models.CharField(blank=True, max_length=1000)),
                ('job_type', models.CharField(max_length=40)),
                ('enabled', models.BooleanField(default=True)),
                ('snapshots', models.BooleanField(default=True)),
                ('wants_approval', models.BooleanField(default=False)),
                ('visibility', models.CharField(default='public', max_length=10)),
                ('selection_mode', models.CharField(choices=[('static', 'Static list'), ('search', 'Search'), ('all', 'All devices')], default='static', max_length=10)),
                ('search', models.JSONField(default=dict)),
                ('variables', models.JSONField(default=dict)),
                ('sealed_variables', models.JSONField(default=dict)),
                ('overlap', models.CharField(default='queue', max_length=10)),
                ('in_queue', models.BooleanField(default=False)),
                ('max_parallel', models.PositiveIntegerField(default=25)),
                ('rollout', models.JSONField(default=dict)),
                ('compat', models.JSONField(default=dict)),
                ('editors', models.JSONField(default=list)),
                ('revision', models.PositiveIntegerField(default=0)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('changed_at', models.DateTimeField(auto_now=True)),
                ('deleted_at', models.DateTimeField(blank=True, null=True)),
                ('account', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='account_of', to='devices.credential')),
                ('agent', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='jobs', to='devices.agent')),
                ('approval', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='approvals.approvalrequest')),
                ('approval_subject', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='approvals.approvalsubject')),
                ('changed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('credential', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='jobs', to='devices.credential')),
                ('devices', models.ManyToManyField(related_name='jobs', through='jobs.JobDevice', to='devices.device')),
                ('draft_of', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='drafts', to='jobs.servicejob')),
                ('notify_groups', models.ManyToManyField(related_name='+', to='auth.group')),
                ('notify_users', models.ManyToManyField(related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tags', models.ManyToManyField(related_name='jobs', through='jobs.JobTag', to='devices.assettag')),
                ('template', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='jobs', to='templates_app.servicetemplate')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='jobs', to='templates_app.templateversion')),
                ('window', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='jobs.schedulefilter')),
            ],
            options={
                'ordering': ['-changed_at'],
            },
        ),
        migrations.CreateModel(
            name='JobTask',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('step', models.PositiveIntegerField()),
                ('all_devices', models.BooleanField(default=True)),
                ('connection_protocol', models.CharField(default='ssh', max_length=10)),
                ('transfer_protocol', models.CharField(default='terminal', max_length=10)),
                ('credential', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='devices.credential')),
                ('profile', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='templates_app.configurationprofile')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
                ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tasks', to='jobs.servicejob')),
            ],
            options={
                'ordering': ['step'],
            },
        ),
        migrations.AddField(
            model_name='jobtag',
            name='job',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='jobs.servicejob'),
        ),
        migrations.AddField(
            model_name='jobrun',
            name='job',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='runs', to='jobs.servicejob'),
        ),
        migrations.AddField(
            model_name='jobdevice',
            name='job',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='jobs.servicejob'),
        ),
        migrations.CreateModel(
            name='StepResult',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveIntegerField()),
                ('name', models.CharField(max_length=120)),
                ('kind', models.CharField(max_length=10)),
                ('status', models.CharField(choices=[('queued', 'Queued'), ('waiting', 'Waiting'), ('running', 'Running'), ('succeeded', 'Succeeded'), ('partial', 'Partial'), ('failed', 'Failed'), ('errored', 'Errored'), ('cancelled', 'Cancelled'), ('skipped', 'Skipped'), ('interrupted', 'Interrupted')], default='running', max_length=12)),
                ('message', models.TextField(blank=True)),
                ('verdict', models.CharField(blank=True, max_length=4)),
                ('exchanges_z', models.BinaryField(default=b'')),
                ('output_size', models.PositiveIntegerField(default=0)),
                ('started_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('device_run', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='steps', to='jobs.devicerun')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
            ],
            options={
                'ordering': ['position'],
            },
        ),
        migrations.CreateModel(
            name='TaskDevice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('device', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='devices.device')),
                ('task', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='jobs.jobtask')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
            ],
        ),
        migrations.AddField(
            model_name='jobtask',
            name='devices',
            field=models.ManyToManyField(related_name='+', through='jobs.TaskDevice', to='devices.device'),
        ),
        migrations.CreateModel(
            name='Trigger',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(blank=True, max_length=80)),
                ('kind', models.CharField(choices=[('now', 'Now'), ('once', 'Once'), ('every', 'Every'), ('daily', 'Daily'), ('weekly', 'Weekly'), ('monthly', 'Monthly'), ('cron', 'Cron')], max_length=10)),
                ('rule', models.JSONField(default=dict)),
                ('missed', models.CharField(choices=[('skip', 'Skip it'), ('once', 'Run the last one once, if it is not older than the grace time'), ('catch_up', 'Catch up with the last ones')], default='once', max_length=10)),
                ('grace_minutes', models.PositiveIntegerField(default=15)),
                ('catch_up', models.PositiveIntegerField(default=1)),
                ('enabled', models.BooleanField(default=True)),
                ('retired', models.BooleanField(default=False)),
                ('cause', models.CharField(default='job', max_length=10)),
                ('next_run_at', models.DateTimeField(null=True)),
                ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='triggers', to='jobs.servicejob')),
                ('schedule_filter', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='triggers', to='jobs.schedulefilter')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.AddField(
            model_name='jobrun',
            name='trigger',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='runs', to='jobs.trigger'),
        ),
        migrations.CreateModel(
            name='DeviceLock',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=280)),
                ('slot', models.PositiveSmallIntegerField()),
                ('quarantined_at', models.DateTimeField(null=True)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
                ('device_run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='locks', to='jobs.devicerun')),
            ],
            options={
                'constraints': [models.UniqueConstraint(models.F('key'), models.F('slot'), name='a_slot_once')],
            },
        ),
        migrations.AddIndex(
            model_name='devicerun',
            index=models.Index(fields=['run', 'status', 'id'], name='jobs_device_run_id_5fafc9_idx'),
        ),
        migrations.AddIndex(
            model_name='devicerun',
            index=models.Index(fields=['status', 'id'], name='jobs_device_status_5e6a33_idx'),
        ),
        migrations.AddIndex(
            model_name='devicerun',
            index=models.Index(condition=models.Q(('status', 'running')), fields=['lease_expires_at'], name='running_leases'),
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
            index=models.Index(condition=models.Q(('snapshot_before__isnull', False)), fields=['snapshot_before'], name='snapshot_before'),
        ),
        migrations.AddIndex(
            model_name='devicerun',
            index=models.Index(condition=models.Q(('snapshot_after__isnull', False)), fields=['snapshot_after'], name='snapshot_after'),
        ),
        migrations.AddIndex(
            model_name='devicerun',
            index=models.Index(condition=models.Q(('startup_before__isnull', False)), fields=['startup_before'], name='startup_before'),
        ),
        migrations.AddIndex(
            model_name='devicerun',
            index=models.Index(condition=models.Q(('startup_after__isnull', False)), fields=['startup_after'], name='startup_after'),
        ),
        migrations.AddIndex(
            model_name='devicerun',
            index=models.Index(condition=models.Q(('status', 'running')), fields=['worker'], name='work_of'),
        ),
        migrations.AddConstraint(
            model_name='devicerun',
            constraint=models.UniqueConstraint(models.F('run'), models.F('device'), name='device_once_per_run'),
        ),
        migrations.AddConstraint(
            model_name='schedulefilter',
            constraint=models.UniqueConstraint(models.F('tenant'), django.db.models.functions.text.Lower('name'), name='schedule_filter_name_once_per_tenant'),
        ),
        migrations.AddIndex(
            model_name='servicejob',
            index=models.Index(fields=['tenant', '-changed_at'], name='jobs_servic_tenant__4e0e9c_idx'),
        ),
        migrations.AddConstraint(
            model_name='servicejob',
            constraint=models.UniqueConstraint(models.F('tenant'), django.db.models.functions.text.Lower('name'), condition=models.Q(('deleted_at', None), ('draft_of', None), models.Q(('name', ''), _negated=True)), name='job_name_once_per_tenant'),
        ),
        migrations.AddConstraint(
            model_name='jobtag',
            constraint=models.UniqueConstraint(models.F('job'), models.F('tag'), name='job_tag_once'),
        ),
        migrations.AddConstraint(
            model_name='jobdevice',
            constraint=models.UniqueConstraint(models.F('job'), models.F('device'), name='job_device_once'),
        ),
        migrations.AddConstraint(
            model_name='stepresult',
            constraint=models.UniqueConstraint(models.F('device_run'), models.F('position'), name='step_once_per_device_run'),
        ),
        migrations.AddConstraint(
            model_name='taskdevice',
            constraint=models.UniqueConstraint(models.F('task'), models.F('device'), name='task_device_once'),
        ),
        migrations.AddConstraint(
            model_name='jobtask',
            constraint=models.UniqueConstraint(models.F('job'), models.F('step'), name='job_task_step_once'),
        ),
        migrations.AddIndex(
            model_name='trigger',
            index=models.Index(condition=models.Q(('enabled', True), ('next_run_at__isnull', False)), fields=['next_run_at'], name='due_triggers'),
        ),
        migrations.AddIndex(
            model_name='jobrun',
            index=models.Index(fields=['tenant', '-id'], name='jobs_jobrun_tenant__9037d3_idx'),
        ),
        migrations.AddIndex(
            model_name='jobrun',
            index=models.Index(condition=models.Q(('parent__isnull', False)), fields=['parent'], name='reruns'),
        ),
        migrations.AddIndex(
            model_name='jobrun',
            index=models.Index(condition=models.Q(('status__in', ['queued', 'running', 'waiting'])), fields=['status'], name='open_runs'),
        ),
        migrations.AddIndex(
            model_name='jobrun',
            index=models.Index(condition=models.Q(('planned_at', None), ('status', 'queued')), fields=['id'], name='unplanned_runs'),
        ),
        migrations.AddConstraint(
            model_name='jobrun',
            constraint=models.UniqueConstraint(models.F('trigger'), models.F('scheduled_for'), name='one_run_per_occurrence'),
        ),
    ]
