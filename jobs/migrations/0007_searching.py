from django.db import migrations

from devices.models.searching import TEXT, SearchIndex


class Migration(migrations.Migration):

    dependencies = [
        ('devices', '0011_searching'),
        ('jobs', '0006_job_types'),
    ]

    operations = [
        SearchIndex('jobs_devicerun', [('device_name', TEXT), ('address', TEXT)]),
    ]
