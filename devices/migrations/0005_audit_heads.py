"""The heads of audit trails know how many events there are, and are sealed."""

from django.db import migrations, models

from config.sealed_text import seal_text


def seal_heads(apps, schema_editor):
    """Seal each head as it stands; whether the trail before it is whole, `verify_audit` says."""
    AuditEvent = apps.get_model("devices", "AuditEvent")
    for head in apps.get_model("devices", "AuditHead").objects.order_by("pk"):
        head.count = AuditEvent.objects.filter(tenant_id=head.tenant_id).count()
        place = f"{head.tenant_id}|AuditHead:{head.tenant_id}|head"
        head.head_sealed = seal_text(f"{head.count} {head.hash}", place)
        head.save(update_fields=["count", "head_sealed"])


class Migration(migrations.Migration):
    dependencies = [("devices", "0004_guesses")]

    operations = [
        migrations.AddField("audithead", "count", models.PositiveBigIntegerField(default=0)),
        migrations.AddField("audithead", "head_sealed", models.TextField(default="", editable=False)),
        migrations.RunPython(seal_heads, migrations.RunPython.noop),
    ]
