
import devices.drivers.platforms
import django.db.models.deletion
import django.db.models.functions.text
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Tenant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(help_text='The name in URLs and in the API, for example acme.', max_length=60, unique=True)),
                ('name', models.CharField(max_length=120)),
                ('kind', models.CharField(choices=[('msp', 'MSP'), ('customer', 'Customer'), ('entity', 'Entity')], default='customer', max_length=10)),
                ('path', models.CharField(editable=False, max_length=200, unique=True)),
                ('time_zone', models.CharField(default='UTC', max_length=60)),
                ('enabled', models.BooleanField(default=True)),
                ('allow_telnet', models.BooleanField(default=False, help_text='Let devices be reached by Telnet, which sends passwords in clear text.')),
                ('max_parallel', models.PositiveIntegerField(blank=True, help_text='How many of its devices are worked on at once; empty means no limit.', null=True)),
                ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='devices.tenant')),
            ],
            options={
                'ordering': ['name'],
                'permissions': [('run_jobs', 'Create, edit and run jobs'), ('approve_jobs', 'Approve a job execution'), ('run_without_approval', 'Run a job without approval'), ('author_templates', 'Write service templates'), ('administer_tenant', 'Administer devices, credentials, agents and settings')],
            },
        ),
        migrations.CreateModel(
            name='AuditHead',
            fields=[
                ('tenant', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, serialize=False, to='devices.tenant')),
                ('hash', models.CharField(default='0000000000000000000000000000000000000000000000000000000000000000', max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name='AssetTag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='ApiToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('purpose', models.CharField(choices=[('api', 'API'), ('calendar', 'Calendar feed')], default='api', max_length=10)),
                ('name', models.CharField(max_length=80)),
                ('verbs', models.JSONField(blank=True, default=list)),
                ('digest', models.CharField(editable=False, max_length=64, unique=True)),
                ('for_demo', models.BooleanField(default=False, editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('last_used_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='api_tokens', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='devices.tenant')),
            ],
            options={
                'ordering': ['-created_at'],
            },
        ),
        migrations.CreateModel(
            name='Agent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60)),
                ('queue', models.CharField(editable=False, max_length=160, unique=True)),
                ('heartbeat_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('worker', models.CharField(blank=True, editable=False, max_length=200)),
                ('draining', models.BooleanField(default=False, help_text='Its workers finish what they began and start no further device.')),
                ('max_parallel', models.PositiveIntegerField(blank=True, help_text='How many devices it runs on at once; empty means no limit of its own.', null=True)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Credential',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(blank=True, max_length=120)),
                ('username', models.CharField(blank=True, max_length=120)),
                ('password_sealed', models.TextField(blank=True, editable=False)),
                ('enable_password_sealed', models.TextField(blank=True, editable=False)),
                ('private_key_sealed', models.TextField(blank=True, editable=False)),
                ('is_default', models.BooleanField(default=False, verbose_name='default of the tenant')),
                ('changed_at', models.DateTimeField(auto_now=True)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Device',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=120, verbose_name='host name')),
                ('address', models.GenericIPAddressField(help_text='The address that identifies it.', unpack_ipv4=True, verbose_name='IP address')),
                ('connect_host', models.CharField(blank=True, help_text='Where to connect, when not to the IP address.', max_length=255)),
                ('connect_port', models.PositiveIntegerField(default=22)),
                ('platform', models.CharField(choices=devices.drivers.platforms.choices, max_length=40)),
                ('host_key', models.CharField(blank=True, editable=False, help_text='SHA-256 of the pinned host key.', max_length=100)),
                ('legacy_ssh', models.BooleanField(default=False, help_text='Allow SHA-1 key exchange and ssh-rsa keys.', verbose_name='legacy SSH')),
                ('protocol', models.CharField(choices=[('ssh', 'SSH'), ('telnet', 'Telnet (clear text)')], default='ssh', help_text="Telnet sends the password and everything else in clear text; the customer's settings must allow it.", max_length=6)),
                ('enabled', models.BooleanField(default=True, help_text='A device that is switched off is in no job.')),
                ('agent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='devices', to='devices.agent')),
                ('credential', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='devices', to='devices.credential')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='ConfigSnapshot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('running', 'Running'), ('startup', 'Startup')], default='running', max_length=10)),
                ('taken_at', models.DateTimeField()),
                ('sha256', models.CharField(max_length=64)),
                ('content_z', models.BinaryField(default=b'')),
                ('reason', models.CharField(blank=True, max_length=200)),
                ('same_as', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.RESTRICT, related_name='+', to='devices.configsnapshot')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
                ('device', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='snapshots', to='devices.device')),
            ],
            options={
                'ordering': ['-taken_at'],
            },
        ),
        migrations.CreateModel(
            name='DeviceTag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('device', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='devices.device')),
                ('tag', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='devices.assettag')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
            ],
        ),
        migrations.AddField(
            model_name='device',
            name='tags',
            field=models.ManyToManyField(related_name='devices', through='devices.DeviceTag', to='devices.assettag'),
        ),
        migrations.CreateModel(
            name='IdempotentAnswer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=120)),
                ('digest', models.CharField(max_length=64)),
                ('status', models.PositiveSmallIntegerField(default=0)),
                ('body', models.TextField(default='')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='MailServer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('host', models.CharField(max_length=255)),
                ('port', models.PositiveIntegerField(default=587)),
                ('security', models.CharField(choices=[('starttls', 'STARTTLS'), ('tls', 'TLS'), ('none', 'None')], default='starttls', max_length=10)),
                ('username', models.CharField(blank=True, max_length=200)),
                ('password_sealed', models.TextField(blank=True, editable=False)),
                ('sender', models.EmailField(max_length=254)),
                ('enabled', models.BooleanField(default=True)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='Network',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120)),
                ('description', models.CharField(blank=True, max_length=300)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.AddField(
            model_name='device',
            name='network',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='devices', to='devices.network'),
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=120)),
                ('text', models.CharField(max_length=300)),
                ('url', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField()),
                ('read_at', models.DateTimeField(blank=True, null=True)),
                ('recipient', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notices', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='OutboxMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event', models.CharField(max_length=20)),
                ('key', models.CharField(max_length=160)),
                ('channel', models.CharField(max_length=20)),
                ('target', models.CharField(max_length=254)),
                ('actor', models.CharField(blank=True, max_length=150)),
                ('subject', models.CharField(max_length=300)),
                ('text', models.TextField(blank=True)),
                ('details', models.TextField(blank=True)),
                ('url', models.CharField(blank=True, max_length=300)),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('sent', 'Sent'), ('failed', 'Given up')], default='waiting', max_length=10)),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('error', models.CharField(blank=True, max_length=300)),
                ('created_at', models.DateTimeField()),
                ('next_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(null=True)),
                ('recipient', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Role',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=60)),
                ('name', models.CharField(max_length=80)),
                ('group', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='role', to='auth.group')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
            ],
            options={
                'ordering': ['key'],
            },
        ),
        migrations.CreateModel(
            name='TrapReceiver',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120)),
                ('host', models.CharField(max_length=255)),
                ('port', models.PositiveIntegerField(default=162)),
                ('version', models.CharField(choices=[('v2c', 'v2c'), ('v3', 'v3')], default='v3', max_length=3)),
                ('username', models.CharField(blank=True, max_length=32)),
                ('auth', models.CharField(choices=[('none', 'None'), ('sha', 'SHA'), ('sha256', 'SHA-256'), ('sha512', 'SHA-512')], default='sha', max_length=8)),
                ('priv', models.CharField(choices=[('none', 'None'), ('aes', 'AES-128'), ('aes256', 'AES-256')], default='aes', max_length=8)),
                ('community_sealed', models.TextField(blank=True, editable=False)),
                ('auth_key_sealed', models.TextField(blank=True, editable=False)),
                ('priv_key_sealed', models.TextField(blank=True, editable=False)),
                ('enabled', models.BooleanField(default=True)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Webhook',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120)),
                ('url', models.URLField(max_length=500)),
                ('secret_sealed', models.TextField(blank=True, editable=False)),
                ('enabled', models.BooleanField(default=True)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
            ],
            options={
                'ordering': ['name'],
            },
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
        migrations.CreateModel(
            name='AuditEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('actor_name', models.CharField(max_length=150)),
                ('action', models.CharField(max_length=60)),
                ('subject', models.CharField(max_length=300)),
                ('details', models.JSONField(default=dict)),
                ('previous_hash', models.CharField(max_length=64)),
                ('hash', models.CharField(max_length=64)),
                ('actor', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='devices.tenant')),
            ],
            options={
                'ordering': ['-id'],
                'indexes': [models.Index(fields=['tenant', '-id'], name='devices_aud_tenant__fa1bab_idx')],
            },
        ),
        migrations.AddConstraint(
            model_name='assettag',
            constraint=models.UniqueConstraint(models.F('tenant'), django.db.models.functions.text.Lower('name'), name='asset_tag_name_once_per_tenant'),
        ),
        migrations.AddConstraint(
            model_name='agent',
            constraint=models.UniqueConstraint(models.F('tenant'), django.db.models.functions.text.Lower('name'), name='agent_name_once_per_tenant'),
        ),
        migrations.AddConstraint(
            model_name='credential',
            constraint=models.UniqueConstraint(models.F('tenant'), django.db.models.functions.text.Lower('name'), condition=models.Q(('name', ''), _negated=True), name='credential_name_once_per_tenant'),
        ),
        migrations.AddConstraint(
            model_name='credential',
            constraint=models.UniqueConstraint(models.F('tenant'), condition=models.Q(('is_default', True)), name='one_default_credential_per_tenant'),
        ),
        migrations.AddIndex(
            model_name='configsnapshot',
            index=models.Index(fields=['device', '-taken_at'], name='devices_con_device__1a79a1_idx'),
        ),
        migrations.AddIndex(
            model_name='configsnapshot',
            index=models.Index(fields=['device', 'sha256'], name='same_configurations'),
        ),
        migrations.AddIndex(
            model_name='configsnapshot',
            index=models.Index(condition=models.Q(('same_as__isnull', False)), fields=['same_as'], name='copies'),
        ),
        migrations.AddConstraint(
            model_name='devicetag',
            constraint=models.UniqueConstraint(models.F('device'), models.F('tag'), name='device_tag_once'),
        ),
        migrations.AddConstraint(
            model_name='idempotentanswer',
            constraint=models.UniqueConstraint(models.F('user'), models.F('key'), name='idempotency_key_once_per_user'),
        ),
        migrations.AddConstraint(
            model_name='mailserver',
            constraint=models.UniqueConstraint(models.F('tenant'), name='one_mail_server_per_tenant'),
        ),
        migrations.AddConstraint(
            model_name='network',
            constraint=models.UniqueConstraint(models.F('tenant'), django.db.models.functions.text.Lower('name'), name='network_name_once_per_tenant'),
        ),
        migrations.AddIndex(
            model_name='device',
            index=models.Index(fields=['tenant', 'platform'], name='devices_dev_tenant__99f76b_idx'),
        ),
        migrations.AddIndex(
            model_name='device',
            index=models.Index(fields=['address'], name='devices_dev_address_ff0798_idx'),
        ),
        migrations.AddIndex(
            model_name='device',
            index=models.Index(fields=['name', 'id'], name='devices_dev_name_0d9782_idx'),
        ),
        migrations.AddIndex(
            model_name='device',
            index=models.Index(fields=['platform', 'id'], name='devices_dev_platfor_a4a9d3_idx'),
        ),
        migrations.AddConstraint(
            model_name='device',
            constraint=models.UniqueConstraint(models.F('network'), models.F('address'), name='device_address_once_per_network'),
        ),
        migrations.AddConstraint(
            model_name='device',
            constraint=models.UniqueConstraint(models.F('tenant'), django.db.models.functions.text.Lower('name'), name='device_name_once_per_tenant'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.UniqueConstraint(models.F('recipient'), models.F('key'), name='notice_once_per_recipient'),
        ),
        migrations.AddIndex(
            model_name='outboxmessage',
            index=models.Index(condition=models.Q(('status', 'waiting')), fields=['next_at'], name='waiting_messages'),
        ),
        migrations.AddConstraint(
            model_name='outboxmessage',
            constraint=models.UniqueConstraint(models.F('key'), models.F('channel'), models.F('target'), name='one_message_per_event_and_receiver'),
        ),
        migrations.AddConstraint(
            model_name='role',
            constraint=models.UniqueConstraint(models.F('tenant'), models.F('key'), name='one_role_per_tenant_and_key'),
        ),
        migrations.AddConstraint(
            model_name='trapreceiver',
            constraint=models.UniqueConstraint(models.F('tenant'), django.db.models.functions.text.Lower('name'), name='trap_receiver_name_once_per_tenant'),
        ),
        migrations.AddConstraint(
            model_name='webhook',
            constraint=models.UniqueConstraint(models.F('tenant'), django.db.models.functions.text.Lower('name'), name='webhook_name_once_per_tenant'),
        ),
    ]
