"""By what a device was known when it last accepted a login."""

from django.db import models

from devices.domain.boxes import Seen
from devices.models.inventory import Device
from devices.models.tenants import TenantOwned


class Sighting(TenantOwned):
    """What a device showed, at `endpoint` (`host:port`), when it last accepted a login (`devices.domain.boxes.Seen`).

    It says something as long as the device is reached there, and its pinned host key is this one.
    """

    device = models.OneToOneField(Device, on_delete=models.CASCADE, related_name="sighting")
    host_key = models.CharField(max_length=100, blank=True, db_index=True)
    called = models.CharField(max_length=120, blank=True)
    reached = models.CharField(max_length=64, blank=True)
    endpoint = models.CharField(max_length=280)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.device} as it was seen"

    @property
    def seen(self) -> Seen:
        """What was seen."""
        return Seen(self.host_key, self.called, self.reached)
