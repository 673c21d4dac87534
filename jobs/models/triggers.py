"""Triggers: when a job is to run. `next_run_at` is the one column the dispatcher looks at."""

from django.db import models
from django.db.models import Q

from devices.models import TenantOwned
from jobs.domain.spec import TriggerKind
from jobs.models.jobs import ServiceJob


class Trigger(TenantOwned):
    """One trigger of a job. `next_run_at` is None when nothing more is to come."""

    job = models.ForeignKey(ServiceJob, on_delete=models.CASCADE, related_name="triggers")
    name = models.CharField(max_length=80, blank=True)
    kind = models.CharField(max_length=10, choices=[(k.value, k.value.title()) for k in TriggerKind])
    at = models.DateTimeField(null=True)
    time_zone = models.CharField(max_length=60, default="UTC")
    enabled = models.BooleanField(default=True)
    next_run_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(
                fields=["next_run_at"], condition=Q(enabled=True, next_run_at__isnull=False), name="due_triggers"
            )
        ]

    def __str__(self) -> str:
        return self.name or self.get_kind_display()
