"""Turn a due trigger into a run, with one device run per device, in one transaction; hint the agent after commit."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from approvals import access as approval_access
from approvals import services as approvals
from config.errors import Conflict, ServiceError
from devices.services import audit
from jobs import access, queue
from jobs.domain.missed import MissedPolicy, judge
from jobs.domain.plan import DevicePlan, Plan
from jobs.domain.spec import TriggerKind
from jobs.domain.states import RunStatus
from jobs.models import DeviceRun, JobRun, ServiceJob, Trigger
from jobs.services import planning, scheduling

BATCH = 200
#: At most so many occurrences of one trigger are looked back at; older ones of a long outage follow in the next rounds.
MOST_DUE = 500
#: A run whose devices nobody has claimed for this long gets a new hint.
HINT_AGAIN_AFTER = timedelta(seconds=5)


def run_now(*, by: Any, job: ServiceJob, now: datetime) -> JobRun:
    """Start a saved job now. Conflict says why it may not start; nothing is created then."""
    access.check_may_run(by, job.tenant)
    reason = _reason_not_to_run(job, by)
    if reason:
        raise Conflict(reason)
    with transaction.atomic():
        trigger = Trigger.objects.create(tenant=job.tenant, job=job, kind=TriggerKind.NOW, name="Run now")
        return start_run(by=by, job=job, trigger=trigger, now=now)


def dispatch_due(*, now: datetime) -> list[JobRun]:
    """Start, or skip with a reason, every occurrence that is due; any number of callers may do this at once."""
    runs: list[JobRun] = []
    while True:
        with transaction.atomic():
            due = Trigger.objects.filter(enabled=True, next_run_at__lte=now).order_by("next_run_at", "pk")
            related = ("job__created_by", "job__tenant", "schedule_filter")
            claimed = list(due.select_for_update(skip_locked=True, of=("self",)).select_related(*related)[:BATCH])
            for trigger in claimed:
                runs += _fire(trigger, now)
        if len(claimed) < BATCH:
            return runs


def _fire(trigger: Trigger, now: datetime) -> list[JobRun]:
    """Turn every due occurrence of a claimed trigger into a row, and move `next_run_at` in the same transaction."""
    first = trigger.next_run_at
    due = scheduling.due_between(trigger, first, now, MOST_DUE) or [first]
    Trigger.objects.filter(pk=trigger.pk).update(next_run_at=scheduling.next_after(trigger, due[-1]))
    if trigger.job.deleted_at is not None:
        return []
    policy, grace = MissedPolicy(trigger.missed), timedelta(minutes=trigger.grace_minutes)
    verdicts = judge(due, now, policy, grace=grace, most=trigger.catch_up)
    return [_start_or_skip(trigger, verdict.at, verdict.reason) for verdict in verdicts]


def _start_or_skip(trigger: Trigger, scheduled_for: datetime, reason: str) -> JobRun:
    """Start one occurrence; what refuses it becomes the reason of a skipped run and does not hold up the others."""
    job = trigger.job
    empty = Plan(str(job.template_id), job.version.number, ())
    if reason:
        return _create(job.created_by, job, trigger, empty, scheduled_for, "", reason)
    try:
        with transaction.atomic():
            return start_run(by=job.created_by, job=job, trigger=trigger, now=scheduled_for)
    except ServiceError as error:
        return _create(job.created_by, job, trigger, empty, scheduled_for, "", error.message)


def hint_forgotten(*, now: datetime) -> int:
    """Hint again every open run that has queued devices and nobody working on it; return how many."""
    waiting = JobRun.objects.filter(
        status__in=[RunStatus.QUEUED, RunStatus.RUNNING],
        device_runs__status=RunStatus.QUEUED,
        created_at__lt=now - HINT_AGAIN_AFTER,
    ).exclude(device_runs__status=RunStatus.RUNNING)
    rows = list(waiting.distinct().select_related("agent")[:BATCH])
    for run in rows:
        # An agent that nobody serves gets no more messages than the first; they would only pile up.
        if run.agent and run.agent.is_online(now):
            queue.hint_run(run.pk, run.agent.queue, run.max_parallel)
    return len(rows)


def start_run(*, by: Any, job: ServiceJob, trigger: Trigger, now: datetime) -> JobRun:
    """Create the run of one occurrence; `by` is in whose name it runs, `now` when it was due."""
    reason = _reason_not_to_run(job, by)
    plan = planning.plan_of(job, by) if not reason else Plan(str(job.template_id), job.version.number, ())
    if not reason and not plan.devices:
        reason = "No device matches the job's device selection."
    note = ""
    if not reason and job.version.content.changes_devices:
        note, reason = _consume_approval(job, by, plan, now)
    run = _create(by, job, trigger, plan, now, note, reason)
    if reason:
        return run
    rows = [_device_run(run, device) for device in plan.devices]
    DeviceRun.objects.bulk_create(rows, batch_size=500)
    if all(device.problem for device in plan.devices):
        JobRun.objects.filter(pk=run.pk).update(status=RunStatus.FAILED, started_at=now, ended_at=now)
    else:
        queue.hint_run(run.pk, run.agent.queue, len(rows))
    audit.record(tenant=job.tenant, by=by, action="run.started", subject=job.name, run=run.pk, digest=run.digest)
    return run


def _create(by: Any, job: ServiceJob, trigger: Trigger, plan: Plan, now: datetime, note: str, reason: str) -> JobRun:
    networks = planning.target_devices(job, by).order_by().values_list("network__name", flat=True).distinct()
    return JobRun.objects.create(
        tenant=job.tenant,
        job=job,
        trigger=trigger,
        scheduled_for=now,
        job_name=job.name,
        job_type=job.job_type,
        network_names=", ".join(sorted(networks)[:8])[:300],
        template_name=job.template.name,
        template_version=plan.version,
        agent=job.agent,
        executed_by=by,
        approval_note=note,
        digest=plan.digest,
        max_parallel=job.max_parallel,
        status=RunStatus.SKIPPED if reason else RunStatus.QUEUED,
        reason=reason,
        ended_at=now if reason else None,
        device_count=len(plan.devices),
    )


def _device_run(run: JobRun, plan: DevicePlan) -> DeviceRun:
    row = DeviceRun(
        tenant_id=run.tenant_id,
        run=run,
        device_id=plan.device,
        device_name=plan.name,
        address=plan.address,
        platform=plan.platform,
        credential_name=f"{plan.credential.name} ({plan.credential.source})" if plan.credential else "",
        plan_data=plan.as_json(),
    )
    if plan.problem:
        row.status, row.reason, row.message = RunStatus.FAILED, "not_runnable", f"Nothing was sent. {plan.problem}"
        row.ended_at = run.scheduled_for
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


def _consume_approval(job: ServiceJob, by: Any, plan: Plan, now: datetime) -> tuple[str, str]:
    """Return (note, "") when the change is allowed, the approval closed by this very run; otherwise ("", why not)."""
    request = job.approval
    if request is None or request.status != "approved":
        return "bypassed: ran without approval by right", ""
    if planning.content_digest(job, plan) != request.digest:
        return "", "The approval is for other content: the job, its devices or its template changed. Request it again."
    if not approvals.has_quorum(request):
        return "", "The approval no longer counts: an approver lost the right. Request it again."
    approvals.close(by=None, request=request, message="Closed by its execution.", now=now)
    return f"approved by request {request.pk}", ""


def _words(status: str) -> str:
    return status.replace("_", " ").title()
