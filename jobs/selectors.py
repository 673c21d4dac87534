"""Tenant-scoped reads of jobs and runs; every list and page starts here."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Count, OuterRef, Prefetch, Q, QuerySet, Subquery

from devices import access as tenants
from devices.models import Tenant
from devices.selectors import how_many
from jobs import access
from jobs.domain.spec import TriggerKind
from jobs.domain.states import OPEN, RunStatus
from jobs.models import DeviceRun, JobRun, ScheduleFilter, ServiceJob, StepResult, Trigger

Run = TypeVar("Run", JobRun, DeviceRun)


def visible_jobs(user: tenants.Viewer) -> QuerySet[ServiceJob]:
    """Jobs of Job Management, the user's own drafts included, copies under edit and deleted ones not."""
    rows = ServiceJob.objects.filter(deleted_at=None, draft_of=None)
    rows = rows.select_related("tenant", "template", "version", "created_by", "approval", "agent")
    soonest = Trigger.objects.filter(job=OuterRef("pk"), enabled=True, next_run_at__isnull=False).order_by(
        "next_run_at"
    )
    return access.jobs_of(user, rows).annotate(next_run_at=Subquery(soonest.values("next_run_at")[:1]))


def own_drafts(user: User) -> QuerySet[ServiceJob]:
    """The user's drafts of new jobs."""
    return visible_jobs(user).filter(status=ServiceJob.Status.DRAFT, created_by=user)


def visible_triggers(user: User) -> QuerySet[Trigger]:
    """The triggers of the saved jobs that the user sees."""
    rows = Trigger.objects.filter(retired=False).exclude(kind=TriggerKind.NOW)
    return access.triggers_of(user, rows.select_related("job__tenant", "tenant", "schedule_filter")).order_by("pk")


def editable_job(user: User, pk: UUID | str) -> ServiceJob:
    """Return the user's own draft (or copy under edit); NotFound for anything else."""
    rows = ServiceJob.objects.filter(deleted_at=None, status=ServiceJob.Status.DRAFT, created_by=user)
    rows = rows.select_related("tenant", "template", "version", "agent", "account", "credential", "draft_of")
    return tenants.get_visible(user, rows, pk=pk)


def visible_filters(user: User) -> QuerySet[ScheduleFilter]:
    """Schedule filters of the tenants the user sees."""
    return tenants.scoped(user, ScheduleFilter.objects.select_related("tenant"))


def visible_runs(user: User) -> QuerySet[JobRun]:
    """Runs of Job History with their counts by outcome."""
    rows = JobRun.objects.select_related("tenant", "executed_by", "job", "agent")
    return access.runs_of(user, rows)


def with_counts(rows: QuerySet[JobRun]) -> QuerySet[JobRun]:
    """Add how many device runs have ended, and how many of them succeeded."""
    inside = DeviceRun.objects.filter(run=OuterRef("pk")).order_by()
    return rows.annotate(
        ended_count=how_many(inside.exclude(status__in=OPEN), "run"),
        ok_count=how_many(inside.filter(status=RunStatus.SUCCEEDED), "run"),
    )


def with_warning(rows: QuerySet[Run], wanted: bool = True) -> QuerySet[Run]:
    """Narrow runs, or device runs, to those that succeeded with a warning, as `jobs.domain.endings` says it; or to all
    others."""
    text = "message" if rows.model is DeviceRun else "reason"
    warned = Q(status=RunStatus.SUCCEEDED) & ~Q(**{text: ""})
    return rows.filter(warned) if wanted else rows.exclude(warned)


def visible_device_runs(user: User) -> QuerySet[DeviceRun]:
    """Device runs the user sees."""
    return access.device_runs_of(user, DeviceRun.objects.select_related("run", "device"))


def script_device_runs(user: User, tenant: Tenant, script: int) -> QuerySet[DeviceRun]:
    """What a script (id) of the library gave on the devices of a tenant's jobs, the newest first, with output."""
    rows = visible_device_runs(user).filter(run__tenant=tenant, run__job__template__script=script)
    rows = rows.select_related("run__executed_by", "run__trigger", "device__tenant").defer("plan_data")
    return rows.prefetch_related("steps").order_by("-pk")


def board(run: JobRun) -> QuerySet[DeviceRun]:
    """The device runs of a run with their steps, without output."""
    steps = StepResult.objects.defer("exchanges_sealed")
    return run.device_runs.defer("plan_data").prefetch_related(Prefetch("steps", queryset=steps))


def counts(run: JobRun) -> dict[str, int]:
    """How many device runs of a run are in each status."""
    return dict(run.device_runs.values_list("status").annotate(n=Count("pk")).order_by())


def count_with_warning(run: JobRun) -> int:
    """How many device runs of a run succeeded with a warning."""
    return with_warning(DeviceRun.objects.filter(run=run)).count()


def holders(user: User, device_runs: list[int]) -> dict[int, str]:
    """Name the runs to which device runs (ids) belong, as far as the user sees them."""
    rows = visible_device_runs(user).filter(pk__in=device_runs) if device_runs else []
    return {row.pk: f"run {row.run_id} of {row.run.job_name}" for row in rows}


def is_quarantined(device_run: DeviceRun) -> bool:
    """Say whether its device stays held because nobody knows whether its worker has stopped."""
    return device_run.locks.filter(quarantined_at__isnull=False).exists()
