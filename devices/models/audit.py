"""The audit trail: append-only rows, chained by hash per tenant."""

from django.conf import settings
from django.db import models

from devices.models.tenants import Tenant, TenantOwned


class AuditEvent(TenantOwned):
    """Who did what to which thing. The database refuses UPDATE and DELETE on this table."""

    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    actor_name = models.CharField(max_length=150)
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=300)
    details = models.JSONField(default=dict)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["tenant", "-id"])]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_name} {self.action} {self.subject}"


class AuditHead(models.Model):
    """How many events a tenant's chain has, and the hash of the last; the row is locked while an event is appended.

    `head_sealed` holds both once more (`devices.services.audit`): who has the database alone can put no other in.
    """

    tenant = models.OneToOneField(Tenant, primary_key=True, on_delete=models.PROTECT)
    hash = models.CharField(max_length=64, default="0" * 64)
    count = models.PositiveBigIntegerField(default=0)
    head_sealed = models.TextField(default="", editable=False)

    @property
    def sealed_row(self) -> str:
        """What names this row to what is sealed in it."""
        return f"AuditHead:{self.pk}"

    def __str__(self) -> str:
        return f"Audit head of {self.tenant}"
