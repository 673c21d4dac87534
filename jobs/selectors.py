"""Tenant-scoped reads of jobs and runs; every list and page starts here."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Min, Prefetch, Q, QuerySet

from devices import access as tenants
from devices.models import Tenant
from jobs import access
from jobs.domain.states import OPEN, RunStatus
from jobs.models import DeviceRun, JobRun, ScheduleFilter, ServiceJob, StepResult


def visible_jobs(user: Any) -> QuerySet[ServiceJob]:
    """Jobs of Job Management, the user's own drafts included, copies under edit and deleted ones not."""
    rows = ServiceJob.objects.filter(deleted_at=None, draft_of=None)
    rows = rows.select_related("tenant", "template", "version", "created_by", "approval", "agent")
    return access.jobs_of(user, rows).annotate(
        next_run_at=Min("triggers__next_run_at", filter=Q(triggers__enabled=True))
    )


def editable_job(user: Any, pk: Any) -> ServiceJob:
    """Return the user's own draft (or copy under edit); NotFound for anything else."""
    rows = ServiceJob.objects.filter(deleted_at=None, status=ServiceJob.Status.DRAFT, created_by=user)
    rows = rows.select_related("tenant", "template", "version", "agent", "account", "credential", "draft_of")
    return tenants.get_visible(user, rows, pk=pk)


def visible_filters(user: Any) -> QuerySet[ScheduleFilter]:
    """Schedule filters of the tenants the user sees."""
    return tenants.scoped(user, ScheduleFilter.objects.select_related("tenant"))


def visible_runs(user: Any) -> QuerySet[JobRun]:
    """Runs of Job History with their counts by outcome."""
    rows = JobRun.objects.select_related("tenant", "executed_by", "job", "agent")
    return access.runs_of(user, rows)


def with_counts(rows: QuerySet[JobRun]) -> QuerySet[JobRun]:
    """Add how many device runs have ended, and how many of them succeeded."""
    ended = ~Q(device_runs__status__in=OPEN)
    return rows.annotate(
        ended_count=Count("device_runs", filter=ended & Q(device_runs__isnull=False)),
        ok_count=Count("device_runs", filter=Q(device_runs__status=RunStatus.SUCCEEDED)),
    )


def visible_device_runs(user: Any) -> QuerySet[DeviceRun]:
    """Device runs the user sees."""
    return access.device_runs_of(user, DeviceRun.objects.select_related("run", "device"))


def script_device_runs(user: Any, tenant: Tenant, script: int) -> QuerySet[DeviceRun]:
    """What a script (id) of the library gave on the devices of a tenant's jobs, the newest first, with output."""
    keys = [f"script:{script}", f"script:{script}:system"]
    rows = visible_device_runs(user).filter(run__tenant=tenant, run__job__template__built_in__in=keys)
    rows = rows.select_related("run__executed_by", "run__trigger", "device__tenant").defer("plan_data")
    return rows.prefetch_related("steps").order_by("-pk")


def board(run: JobRun) -> QuerySet[DeviceRun]:
    """The device runs of a run with their steps, without output."""
    steps = StepResult.objects.defer("exchanges_z")
    return run.device_runs.defer("plan_data").prefetch_related(Prefetch("steps", queryset=steps))


def counts(run: JobRun) -> dict[str, int]:
    """How many device runs of a run are in each status."""
    return dict(run.device_runs.values_list("status").annotate(n=Count("pk")).order_by())


def holders(user: Any, device_runs: list[int]) -> dict[int, str]:
    """Name the runs to which device runs (ids) belong, as far as the user sees them."""
    rows = visible_device_runs(user).filter(pk__in=device_runs) if device_runs else []
    return {row.pk: f"run {row.run_id} of {row.run.job_name}" for row in rows}


def is_quarantined(device_run: DeviceRun) -> bool:
    """Say whether its device stays held because nobody knows whether its worker has stopped."""
    return device_run.holds.filter(quarantined_at__isnull=False).exists()
