
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('devices', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ApprovalDelegate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('first', models.DateField()),
                ('last', models.DateField()),
                ('delegate', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
            ],
            options={
                'ordering': ['-last'],
            },
        ),
        migrations.CreateModel(
            name='ApprovalSubject',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='ApprovalRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.CharField(max_length=200)),
                ('summary', models.CharField(blank=True, max_length=500)),
                ('url', models.CharField(max_length=200)),
                ('digest', models.CharField(max_length=64)),
                ('content_z', models.BinaryField(default=b'')),
                ('status', models.CharField(choices=[('not_requested', 'Not Requested'), ('requested', 'Requested'), ('approved', 'Approved'), ('rejected', 'Rejected'), ('closed', 'Closed')], default='requested', max_length=20)),
                ('steps', models.JSONField(default=list)),
                ('step', models.PositiveSmallIntegerField(default=0)),
                ('series', models.BooleanField(default=False)),
                ('series_until', models.DateTimeField(null=True)),
                ('series_runs', models.PositiveIntegerField(null=True)),
                ('used', models.PositiveIntegerField(default=0)),
                ('due_at', models.DateTimeField(null=True)),
                ('late', models.CharField(blank=True, choices=[('now', 'now'), ('next', 'next'), ('none', 'none')], max_length=6)),
                ('barred', models.JSONField(default=list)),
                ('notify', models.JSONField(default=list)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField(null=True)),
                ('remind_at', models.DateTimeField(null=True)),
                ('remind_after_days', models.PositiveSmallIntegerField(default=0)),
                ('version', models.PositiveIntegerField(default=0)),
                ('previous', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='approvals.approvalrequest')),
                ('requested_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
                ('subject', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='requests', to='approvals.approvalsubject')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='ApprovalPolicy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('applies_to', models.CharField(blank=True, default='', max_length=60)),
                ('steps', models.JSONField(default=list)),
                ('expires_after_days', models.PositiveSmallIntegerField(default=5)),
                ('remind_after_days', models.PositiveSmallIntegerField(default=2)),
                ('bar_authors', models.BooleanField(default=False)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
            ],
            options={
                'verbose_name_plural': 'approval policies',
                'ordering': ['applies_to'],
                'constraints': [models.UniqueConstraint(models.F('tenant'), models.F('applies_to'), name='one_approval_policy_per_tenant_and_kind')],
            },
        ),
        migrations.CreateModel(
            name='ApprovalEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('action', models.CharField(choices=[('requested', 'Requested'), ('commented', 'Commented'), ('approved', 'Approved'), ('rejected', 'Rejected'), ('withdrawn', 'Withdrawn'), ('executed', 'Executed'), ('voided', 'Voided'), ('expired', 'Expired'), ('reminded', 'Reminded'), ('closed', 'Closed')], max_length=20)),
                ('step', models.PositiveSmallIntegerField(default=0)),
                ('message', models.CharField(blank=True, max_length=1000)),
                ('at', models.DateTimeField()),
                ('actor', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('on_behalf_of', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
                ('request', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='events', to='approvals.approvalrequest')),
            ],
            options={
                'ordering': ['id'],
                'constraints': [models.UniqueConstraint(models.F('request'), models.F('actor'), condition=models.Q(('action__in', ['approved', 'rejected'])), name='one_vote_per_person')],
            },
        ),
        migrations.AddIndex(
            model_name='approvalrequest',
            index=models.Index(fields=['tenant', 'status'], name='approvals_a_tenant__9a6dd2_idx'),
        ),
        migrations.AddConstraint(
            model_name='approvalrequest',
            constraint=models.UniqueConstraint(models.F('subject'), condition=models.Q(('status__in', ['approved', 'requested'])), name='one_open_request_per_subject'),
        ),
    ]
