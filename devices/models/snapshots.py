"""Device configurations as they were, compressed."""

import zlib

from django.db import models

from devices.models.inventory import Device
from devices.models.tenants import TenantOwned


class ConfigSnapshot(TenantOwned):
    """A running or startup configuration at one moment. `content_z` is zlib-compressed UTF-8."""

    tenant_rules = {"device": "subtree"}

    class Kind(models.TextChoices):
        """Which configuration it is."""

        RUNNING = "running", "Running"
        STARTUP = "startup", "Startup"

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="snapshots")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.RUNNING)
    taken_at = models.DateTimeField()
    sha256 = models.CharField(max_length=64)
    content_z = models.BinaryField()
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-taken_at"]
        indexes = [models.Index(fields=["device", "-taken_at"])]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} configuration of {self.device} at {self.taken_at:%Y-%m-%d %H:%M}"

    @property
    def content(self) -> str:
        """The configuration's text."""
        return zlib.decompress(bytes(self.content_z)).decode()
