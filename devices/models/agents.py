"""Agents: the execution engines, each a named Celery queue that worker processes subscribe to."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models.functions import Lower

from devices.models.tenants import TenantOwned

SILENT_AFTER = timedelta(seconds=45)


class Agent(TenantOwned):
    """One agent. `heartbeat_at` is when a worker last answered on its queue; None means never."""

    name = models.CharField(max_length=60)
    queue = models.CharField(max_length=160, unique=True, editable=False)
    heartbeat_at = models.DateTimeField(null=True, blank=True, editable=False)
    worker = models.CharField(max_length=200, blank=True, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint("tenant", Lower("name"), name="agent_name_once_per_tenant")]

    def __str__(self) -> str:
        return self.name

    def is_online(self, now: datetime) -> bool:
        """Say whether a worker answered on its queue lately."""
        return self.heartbeat_at is not None and now - self.heartbeat_at < SILENT_AFTER
