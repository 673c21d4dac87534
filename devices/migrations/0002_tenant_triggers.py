"""Same-tenant references and the append-only trail, held by the database; indexes of parts of words."""

from django.db import migrations

from devices.models.integrity import AppendOnly, TenantTriggers
from devices.models.searching import ADDRESS, TEXT, SearchIndex


class Migration(migrations.Migration):
    dependencies = [("devices", "0001_initial")]

    operations = [
        TenantTriggers("devices"),
        AppendOnly("devices_auditevent"),
        SearchIndex("devices_device", [("name", TEXT), ("address", ADDRESS)]),
    ]
