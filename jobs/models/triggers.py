"""Triggers: when a job is to run, and the filters that remove timings. The dispatcher looks at `next_run_at` alone."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from devices.models import TenantOwned
from devices.models.texts import OneLine
from jobs.domain.misfire import LABELS, MisfirePolicy
from jobs.domain.spec import TRIGGER_CHOICES, TriggerCause
from jobs.models.jobs import ServiceJob


class ScheduleFilter(TenantOwned):
    """A named filter: timings that match are removed from a trigger. `rules` as `jobs.domain.filters` reads them.

    Tenants below may use it.
    """

    name = OneLine(max_length=120)
    time_zone = models.CharField(max_length=60, default="UTC")
    rules = models.JSONField(default=list)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint("tenant", Lower("name"), name="schedule_filter_name_once_per_tenant")]

    def __str__(self) -> str:
        return self.name


class Trigger(TenantOwned):
    """One trigger of a job. `rule` is its schedule as JSON; `next_run_at` is None when nothing more is to come.

    One that an edit replaced after it had fired stays, `retired`, because runs point at it. `cause` says why it is
    there (`TriggerCause`); its name is only for people.
    """

    tenant_rules = {"schedule_filter": "ancestors"}

    job = models.ForeignKey(ServiceJob, on_delete=models.CASCADE, related_name="triggers")
    name = OneLine(max_length=80, blank=True)
    kind = models.CharField(max_length=10, choices=TRIGGER_CHOICES)
    rule = models.JSONField(default=dict)
    schedule_filter = models.ForeignKey(ScheduleFilter, null=True, on_delete=models.PROTECT, related_name="triggers")
    missed = models.CharField(
        max_length=10, default=MisfirePolicy.ONCE.value, choices=[(p.value, LABELS[p]) for p in MisfirePolicy]
    )
    grace_minutes = models.PositiveIntegerField(default=15)
    catch_up = models.PositiveIntegerField(default=1)
    enabled = models.BooleanField(default=True)
    retired = models.BooleanField(default=False)
    cause = models.CharField(max_length=10, default=TriggerCause.JOB.value)
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


class Pulse(models.Model):
    """One row: when beat last made the scheduler tick, and when anybody last did."""

    beat_at = models.DateTimeField()
    tick_at = models.DateTimeField()
