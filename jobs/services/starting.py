"""Start runs: decide whether one may run now, plan it, fan it out to its devices; or say why not."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from approvals import access as approval_access
from approvals.domain import Late
from approvals.models import ApprovalRequest
from config.errors import Conflict, ServiceError
from config.failpoints import reach
from devices.models import Agent
from devices.services import audit, outbox
from jobs import access, queue
from jobs.domain.plan import DevicePlan, Plan
from jobs.domain.rollout import Rollout
from jobs.domain.spec import TriggerKind
from jobs.domain.states import LABELS, OPEN, RunStatus
from jobs.domain.turns import Ahead, Overlap, Turn, turn
from jobs.models import DeviceRun, JobRun, ServiceJob, Trigger
from jobs.models.due import Due, insert_runs
from jobs.services import approving, planning

log = logging.getLogger(__name__)
#: A run that nobody has decided about for so long has lost its hint.
FORGOTTEN_AFTER = timedelta(seconds=2)


def run_now(*, by: Any, job: ServiceJob, now: datetime) -> JobRun:
    """Start a saved job now. Conflict says why it may not start; nothing is created then."""
    access.check_may_run(by, job.tenant)
    reason = _reason_not_to_run(job, by)
    if reason:
        raise Conflict(reason)
    with transaction.atomic():
        trigger = Trigger.objects.create(tenant=job.tenant, job=job, kind=TriggerKind.NOW, name="Run now")
        return start_now(by=by, job=job, trigger=trigger, now=now)


def start_now(
    *,
    by: Any,
    job: ServiceJob,
    trigger: Trigger,
    now: datetime,
    parent: JobRun | None = None,
    only: set[str] | None = None,
) -> JobRun:
    """Make a run at once and start it in the caller's transaction; `by` is in whose name it runs.

    With a `parent` it runs again on `only` some of that run's devices (ids).
    """
    insert_runs([Due(trigger.pk, job.pk, now)], now)
    run = JobRun.objects.get(trigger=trigger)
    _update(run, executed_by=by, parent=parent, only=sorted(only) if only else None)
    _begin(run, job, by, now)
    return run


def check_may_run_again(job: ServiceJob, by: Any) -> None:
    """Raise Conflict unless devices of an ended run may be run again: an approval is for one run, not for a second one."""
    reason = _reason_not_to_run(job, by)
    if not reason and job.version.content.changes_devices and not approval_access.may_bypass(by, job.tenant):
        reason = (
            "The job changes devices, and its approval was for the run that has ended. Narrow the job to the devices that "
            "are left and request a new approval."
        )
    if reason:
        raise Conflict(reason)


def start_queued(*, now: datetime | None = None) -> int:
    """Start the runs that the tick made, oldest first, until none is left; return how many were decided.

    One transaction each: locks are taken in the order run, job, agent, approval request, audit trail.
    """
    decided = 0
    while True:
        with transaction.atomic():
            rows = JobRun.objects.filter(status=RunStatus.QUEUED, planned_at=None).order_by("pk")
            run = rows.select_for_update(skip_locked=True, of=("self",), no_key=True).first()
            if run is None:
                return decided
            _start(run, now or timezone.now())
        decided += 1


def any_forgotten(*, now: datetime) -> bool:
    """Say whether a run waits to be started that no hint has reached."""
    old = now - FORGOTTEN_AFTER
    return JobRun.objects.filter(status=RunStatus.QUEUED, planned_at=None, created_at__lt=old).exists()


def start_late(*, now: datetime) -> None:
    """Start what was approved after its time with the wish to run it now."""
    rows = ServiceJob.objects.filter(approval__status="approved", approval__late=Late.NOW, deleted_at=None)
    for job in rows.select_related("tenant", "template", "version", "agent", "created_by", "approval"):
        with transaction.atomic():
            # Whoever clears the wish is the one who starts it.
            if ApprovalRequest.objects.filter(pk=job.approval_id, late=Late.NOW).update(late="") != 1:
                continue
            reach("A2")
            trigger = Trigger.objects.create(tenant=job.tenant, job=job, kind=TriggerKind.NOW, name="After approval")
            start_now(by=job.created_by, job=job, trigger=trigger, now=now)


def release_waiting(among: Q | None = None) -> None:
    """Queue the waiting runs again whose turn has come (`among` narrows them, else all are looked at)."""
    waiting = JobRun.objects.filter(among or Q(), status=RunStatus.WAITING).select_related("job").order_by("pk")
    ready = [run.pk for run in waiting[:500] if _turn(run, run.job) == Turn()]
    if ready:
        JobRun.objects.filter(pk__in=ready, status=RunStatus.WAITING).update(status=RunStatus.QUEUED, reason="")
        queue.hint_start(len(ready))


def _start(run: JobRun, now: datetime) -> None:
    """Start one run in a savepoint: what refuses it becomes its reason, a defect of ours ends it alone."""
    job = ServiceJob.objects.select_related("tenant", "template", "version", "agent", "created_by", "approval").get(
        pk=run.job_id
    )
    try:
        with transaction.atomic():
            _begin(run, job, job.created_by, now)
    except ServiceError as error:
        _end(run, RunStatus.SKIPPED, error.message, now)
    except Exception:  # noqa: BLE001 - the edge of the scheduler: one broken job must not hold up the others
        log.exception("Run %s could not be planned.", run.pk)
        _end(run, RunStatus.ERRORED, "Interlock itself failed while planning; the server log has the details.", now)


def _begin(run: JobRun, job: ServiceJob, by: Any, now: datetime) -> None:
    """Decide about a run, plan it and tell its agent."""
    reason = _reason_not_to_run(job, by)
    verdict = Turn() if reason else _turn(run, job, locked=True)
    if verdict.wait:
        _update(run, status=RunStatus.WAITING, reason=verdict.wait)
        return
    reason = reason or verdict.skip
    only = _only(run, job)
    plan = planning.plan_of(job, by, only=only) if not reason else Plan(str(job.template_id), job.version.number, ())
    if not reason and not plan.devices:
        reason = "No device matches the job's device selection."
    note = ""
    if not reason and job.version.content.changes_devices:
        again = run.parent_id is not None
        note, reason = ("bypassed: ran again by right", "") if again else approving.use(job, by, plan, now)
    if reason:
        _end(run, RunStatus.SKIPPED, reason, now)
        return
    rollout = Rollout.from_json(job.rollout)
    rows = [_device_run(run, device, now, rollout.wave_of(position)) for position, device in enumerate(plan.devices)]
    DeviceRun.objects.bulk_create(rows, batch_size=500)
    failed = all(device.problem for device in plan.devices)
    if note.startswith("bypassed"):
        audit.record(tenant=job.tenant, by=by, action="run.bypassed_approval", subject=job.name, run=run.pk)
    used = job.approval if note.startswith("approved") else None
    _update(
        run, planned_at=now, approval=used, digest=plan.digest, device_count=len(rows), approval_note=note, reason="",
        network_names=", ".join(plan.networks[:8])[:300], rollout=job.rollout, status=RunStatus.FAILED if failed else RunStatus.QUEUED,
        started_at=now if failed else None, ended_at=now if failed else None,
    )  # fmt: skip
    tell(run, "executed", by, now)
    audit.record(tenant=job.tenant, by=by, action="run.started", subject=job.name, run=run.pk, digest=plan.digest)
    if job.agent and not failed:
        queue.hint_work({job.agent.queue: min(len(rows), run.max_parallel)})


def _only(run: JobRun, job: ServiceJob) -> set[str] | None:
    """Return the devices (ids) that the run is narrowed to: those run again, or those that were approved; None means no."""
    if run.only is not None:
        return set(run.only)
    return approving.frozen(job.approval) if job.approval and job.approval.status == "approved" else None


def _turn(run: JobRun, job: ServiceJob, locked: bool = False) -> Turn:
    """Say whether it is the run's turn. With `locked`, nobody else decides about the same job or queue meanwhile."""
    overlap = Overlap(job.overlap)
    among = Q(pk__in=[])
    if overlap is not Overlap.ALLOW:
        among |= Q(job=run.job_id)
        if locked:
            ServiceJob.objects.select_for_update(no_key=True).get(pk=run.job_id)
    if run.in_queue:
        among |= _queue_of(run)
        if locked and run.agent_id:
            Agent.objects.select_for_update(no_key=True).get(pk=run.agent_id)
    if not among.children:
        return Turn()
    earlier = Q(scheduled_for__lt=run.scheduled_for) | Q(scheduled_for=run.scheduled_for, pk__lt=run.pk)
    ahead = JobRun.objects.filter(among, status__in=OPEN).exclude(pk=run.pk)
    ahead = ahead.filter(Q(planned_at__isnull=False) | earlier).order_by("scheduled_for", "pk")
    found = ahead.values_list("pk", "job_id", "in_queue", "tenant_id", "agent_id", "status")[:200]
    line = (run.tenant_id, run.agent_id)
    return turn(
        overlap,
        run.in_queue,
        [
            Ahead(pk, job_id == run.job_id, in_queue and (tenant, agent) == line, status == RunStatus.WAITING)
            for pk, job_id, in_queue, tenant, agent, status in found
        ],
    )


def _queue_of(run: JobRun) -> Q:
    """The runs of jobs that are queued (jobQueued) in the same tenant for the same agent."""
    return Q(in_queue=True, tenant=run.tenant_id, agent=run.agent_id)


def ended(run: JobRun) -> None:
    """Wake the runs that waited for this one; called in the transaction that ends it."""
    release_waiting(Q(job=run.job_id) | (_queue_of(run) if run.in_queue else Q(pk__in=[])))


def tell(run: JobRun, event: str, by: Any, now: datetime) -> None:
    """Tell the job's recipients of its execution or its end."""
    job = run.job
    wanted = Q(pk__in=job.notify_users.values("pk")) | Q(groups__in=job.notify_groups.values("pk"))
    people = User.objects.filter(wanted, is_active=True).distinct()
    words = {"executed": "started", "paused": "paused"}.get(event) or LABELS[RunStatus(run.status)]
    text = f"{run.template_name} version {run.template_version} on {run.device_count} devices: {words}. {run.pause_reason}".strip()
    outbox.announce(
        tenant=run.tenant, event=event, key=f"run:{run.pk}:{event}", subject=f"{run.job_name} (run {run.pk}: {words})", text=f"{text} {run.reason}".strip(),
        url=f"/runs/{run.pk}/", recipients=people, now=now, by=by,
    )  # fmt: skip


def _update(run: JobRun, **columns: Any) -> None:
    for name, value in columns.items():
        setattr(run, name, value)
    JobRun.objects.filter(pk=run.pk).update(**columns)


def _end(run: JobRun, status: RunStatus, reason: str, now: datetime) -> None:
    _update(run, status=status, reason=reason[:500], planned_at=now, ended_at=now)
    ended(run)


def _device_run(run: JobRun, plan: DevicePlan, now: datetime, wave: int) -> DeviceRun:
    row = DeviceRun(
        tenant_id=run.tenant_id,
        run=run,
        device_id=plan.device,
        device_name=plan.name,
        address=plan.address,
        platform=plan.platform,
        credential_name=f"{plan.credential.name} ({plan.credential.source})" if plan.credential else "",
        credential_key=plan.credential.id if plan.credential else "",
        endpoint=plan.endpoint,
        exclusive=any(step.journaled for step in plan.steps),
        wave=wave,
        plan_data=plan.as_json(),
    )
    if plan.problem:
        row.status, row.reason, row.message = RunStatus.FAILED, "not_runnable", f"Nothing was sent. {plan.problem}"
        row.ended_at = now
    return row


def _reason_not_to_run(job: ServiceJob, by: Any) -> str:
    """Return why the job must not start now, or an empty text."""
    if job.deleted_at is not None:
        return "The job was deleted."
    if not job.enabled:
        return "The job is switched off (Job Status)."
    if not job.tenant.enabled:
        return f"The tenant {job.tenant} is switched off."
    if not by.is_active or not access.may_run(by, job.tenant):
        return f"{by.get_username()}, in whose name it runs, may no longer run jobs in {job.tenant}."
    if job.agent is None:
        return "The job's agent was removed; choose another."
    if job.version.content.changes_devices and not approval_access.may_bypass(by, job.tenant):
        status = job.approval.status if job.approval else "not_requested"
        if status != "approved":
            return f"The job changes devices and needs approval; its approval status is {_words(status)}."
    return ""


def _words(status: str) -> str:
    return status.replace("_", " ").title()
