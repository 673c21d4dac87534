"""Device configurations as they were, compressed."""

import zlib

from django.db import models

from devices.models.inventory import Device
from devices.models.tenants import TenantOwned


class ConfigSnapshot(TenantOwned):
    """A running or startup configuration at one moment.

    `content_z` is zlib-compressed UTF-8; it is empty where an earlier snapshot of the device, `same_as`, has the same
    text.
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
    content_z = models.BinaryField(default=b"")
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
    def content(self) -> str:
        """The configuration's text."""
        stored = self.same_as.content_z if self.same_as else self.content_z
        return zlib.decompress(bytes(stored)).decode()
