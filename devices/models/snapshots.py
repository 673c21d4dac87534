"""Device configurations as they were, compressed and sealed."""

from django.db import models

from config import key_ring
from devices.models.inventory import Device
from devices.models.tenants import TenantOwned


class ConfigSnapshot(TenantOwned):
    """A running or startup configuration at one moment.

    `content_sealed` is its packed text; it is empty where an earlier snapshot of the device, `same_as`, has the same
    one.
    """

    tenant_rules = {"device": "subtree"}

    class Kind(models.TextChoices):
        """Which configuration it is."""

        RUNNING = "running", "Running"
        STARTUP = "startup", "Startup"

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="snapshots")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.RUNNING)
    taken_at = models.DateTimeField()
    sha256 = models.CharField(max_length=64)
    content_sealed = models.BinaryField(default=b"")
    same_as = models.ForeignKey("self", null=True, on_delete=models.RESTRICT, related_name="+", db_index=False)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-taken_at"]
        indexes = [
            models.Index(fields=["device", "-taken_at"]),
            models.Index(fields=["device", "sha256"], name="same_configurations"),
            models.Index(fields=["same_as"], name="copies", condition=models.Q(same_as__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} configuration of {self.device} at {self.taken_at:%Y-%m-%d %H:%M}"

    @property
    def sealed_row(self) -> str:
        """It is sealed before it has an id."""
        return f"{self.device_id}:{self.sha256}"

    @property
    def unsealed(self) -> str:
        """The configuration's text, secrets and all: to be compared, never shown (`devices.services.snapshots`)."""
        row = self.same_as or self
        return key_ring.unpack(bytes(row.content_sealed), row.bound_to("content_sealed")).decode()

    def take(self, text: str) -> None:
        """Hold the configuration's text; the row says already whose it is."""
        self.content_sealed = key_ring.pack(text.encode(), self.bound_to("content_sealed"))
