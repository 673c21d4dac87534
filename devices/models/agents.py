"""Agents: the execution engines, each a named Celery queue that worker processes subscribe to."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models.functions import Lower

from devices.models.tenants import TenantOwned
from devices.models.texts import OneLine

SILENT_AFTER = timedelta(seconds=45)


class Agent(TenantOwned):
    """One agent. `heartbeat_at` is when a worker last answered on its queue; None means never."""

    name = OneLine(max_length=60)
    queue = models.CharField(max_length=160, unique=True, editable=False)
    heartbeat_at = models.DateTimeField(null=True, blank=True, editable=False)
    worker = models.CharField(max_length=200, blank=True, editable=False)
    draining = models.BooleanField(
        default=False, help_text="Its workers finish what they began and start no further device."
    )
    max_parallel = models.PositiveIntegerField(
        null=True, blank=True, help_text="How many devices it runs on at once; empty means no limit of its own."
    )

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint("tenant", Lower("name"), name="agent_name_once_per_tenant")]

    def __str__(self) -> str:
        return self.name

    def is_online(self, now: datetime) -> bool:
        """Say whether a worker answered on its queue lately."""
        return self.heartbeat_at is not None and now - self.heartbeat_at < SILENT_AFTER


class Worker(models.Model):
    """One worker process, as it last said of itself. It belongs to no tenant: it may serve the agents of several.

    `host` is host name, boot and PID namespace: within one, `pid` and `started` (clock ticks since boot) name a
    process.
    """

    name = models.CharField(max_length=160)
    host = models.CharField(max_length=160)
    pid = models.PositiveIntegerField()
    started = models.BigIntegerField()
    version = models.CharField(max_length=40)
    queues = models.JSONField(default=list)
    active = models.PositiveIntegerField(default=0)
    begun_at = models.DateTimeField()
    beat_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-beat_at"]
        indexes = [models.Index(fields=["-beat_at"])]

    def __str__(self) -> str:
        return self.name
