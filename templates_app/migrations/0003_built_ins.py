import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from devices.models.integrity import NoTenantTriggers, TenantTriggers


class Migration(migrations.Migration):

    dependencies = [
        ('devices', '0007_windows'),
        ('jobs', '0005_engine'),
        ('templates_app', '0002_tenant_triggers'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        NoTenantTriggers("templates_app"),
        NoTenantTriggers("jobs"),
        migrations.AddField(
            model_name='script',
            name='category',
            field=models.CharField(blank=True, max_length=120),
        ),
        migrations.AddField(
            model_name='script',
            name='changed_at',
            field=models.DateTimeField(auto_now=True),
        ),
        migrations.AddField(
            model_name='script',
            name='changed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='script',
            name='number',
            field=models.PositiveIntegerField(default=1),
        ),
        migrations.AddField(
            model_name='scriptparameter',
            name='default',
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name='scriptparameter',
            name='description',
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddField(
            model_name='servicetemplate',
            name='built_in',
            field=models.CharField(blank=True, editable=False, max_length=60),
        ),
        migrations.AddConstraint(
            model_name='servicetemplate',
            constraint=models.UniqueConstraint(models.F('tenant'), models.F('built_in'), condition=models.Q(('built_in', ''), _negated=True), name='built_in_once_per_tenant'),
        ),
        TenantTriggers("templates_app"),
        TenantTriggers("jobs"),
    ]
