"""Decide about runs whose time has come: plan each, or say why it does not run. Decisions are written many at once."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from devices.services import audit
from jobs import access, queue
from jobs.dispatch import approval_gate, overlap_queue
from jobs.dispatch.approval_gate import Right
from jobs.domain.overlap import Turn
from jobs.domain.plan import DeviceBody, DevicePlan, Plan
from jobs.domain.rollout import Rollout
from jobs.domain.states import RunStatus
from jobs.models import DeviceRun, JobRun, ServiceJob
from jobs.models.transitions import Move, add, transition_each
from jobs.plan import builder
from jobs.plan.builder import Narrowed
from jobs.results import notifications
from jobs.schedule import next_times

log = logging.getLogger(__name__)
#: What a decision writes into its run, beside its status.
COLUMNS = (
    "reason",
    "planned_at",
    "started_at",
    "ended_at",
    "approval",
    "bypass",
    "digest",
    "device_count",
    "network_names",
    "planned_steps",
    "rollout",
)
#: What the log calls each decision.
LOGGED = {
    RunStatus.QUEUED: "run.planned",
    RunStatus.WAITING: "run.waiting",
    RunStatus.SKIPPED: "run.skipped",
    RunStatus.FAILED: "run.completed",
    RunStatus.ERRORED: "run.completed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What becomes of a run: with a `plan` it starts (or has failed, where no device can be run), else `reason` says
    why not.

    `right` says by what right a change runs.
    """

    run: JobRun
    job: ServiceJob
    by: User
    status: RunStatus
    reason: str = ""
    plan: Plan | None = None
    right: Right = Right()


def admit(run: JobRun, job: ServiceJob, by: User, now: datetime, fetched: builder.Fetched | None = None) -> Admission:
    """Decide about a run in whose name `by` stands; uses up the approval of a change.

    The caller has locked the lines.
    """
    reason = reason_not_to_run(job, by, now)
    verdict = Turn() if reason else overlap_queue.turn_of(run, job)
    if verdict.wait:
        return Admission(run=run, job=job, by=by, status=RunStatus.WAITING, reason=verdict.wait)
    reason = reason or verdict.skip
    if reason:
        return Admission(run=run, job=job, by=by, status=RunStatus.SKIPPED, reason=reason)
    plan = plan_of(run, job, by, fetched)
    if not plan.devices:
        return Admission(
            run=run, job=job, by=by, status=RunStatus.SKIPPED, reason="No device matches the job's device selection."
        )
    right = Right()
    if approval_gate.is_change(job, plan):
        refusal = reason_not_to_change(job, now)
        right = Right(refusal=refusal) if refusal else approval_gate.use(job, plan, now, narrowed_of(run))
    if right.refusal:
        return Admission(run=run, job=job, by=by, status=RunStatus.SKIPPED, reason=right.refusal, right=right)
    failed = all(device.problem for device in plan.devices)
    return Admission(
        run=run,
        job=job,
        by=by,
        status=RunStatus.FAILED if failed else RunStatus.QUEUED,
        reason="",
        plan=plan,
        right=right,
    )


def plan_of(run: JobRun, job: ServiceJob, by: User, fetched: builder.Fetched | None = None) -> Plan:
    """Return what a run sends: to all that its job is for, or to what it is narrowed to, from where it goes on."""
    return builder.plan_of(job, by, only=_frozen(job), narrowed=narrowed_of(run), fetched=fetched)


def narrowed_of(run: JobRun) -> Narrowed | None:
    """Return what a run is narrowed to; None where it is for all."""
    return Narrowed(set(run.only), run.parent, run.resumes) if run.only is not None else None


def write(decisions: Sequence[Admission], now: datetime) -> None:
    """Write what was decided, tell the recipients, and wake the agents; in the caller's transaction."""
    started = [decision for decision in decisions if decision.plan]
    add([row for decision in started for row in _device_runs(decision, now)])
    for decision in decisions:
        _fill(decision, now)
    transition_each([Move(d.run, RunStatus(d.run.status), d.status) for d in decisions], COLUMNS)
    # Before the wakeups: whoever takes the work writes after it.
    transaction.on_commit(lambda: _log_lines(decisions))
    notifications.tell([event for decision in started for event in _events(decision)], now)
    audit.record_all([entry for decision in started for entry in _entries(decision)])
    overlap_queue.ended([decision.run for decision in decisions if decision.run.ended_at])
    queue.wake_workers(_work(started))


def _events(decision: Admission) -> list[notifications.RunEvent]:
    """Return what a run's recipients are told of its start: that it has begun, and where nothing can run, its end."""
    begun = notifications.RunEvent(decision.run, "executed", decision.by)
    return [begun, notifications.RunEvent(decision.run, "completed")] if decision.run.ended_at else [begun]


def _work(started: Sequence[Admission]) -> Counter[str]:
    """Return for how many devices each agent (by queue) has work now."""
    work: Counter[str] = Counter()
    for decision in started:
        if decision.job.agent and decision.status is RunStatus.QUEUED:
            work[decision.job.agent.queue] += min(decision.run.device_count, decision.run.max_parallel)
    return work


def reason_not_to_run(job: ServiceJob, by: User, now: datetime) -> str:
    """Return why the job must not start now, or an empty text."""
    if job.deleted_at is not None:
        return "The job was deleted."
    if job.status == ServiceJob.Status.DRAFT:
        return "The job is a draft: complete it, in the wizard or by the API, and submit it."
    if not job.enabled:
        return "The job is switched off (Job Status)."
    if not job.tenant.enabled:
        return f"The tenant {job.tenant} is switched off."
    if not by.is_active or not access.may_run(by, job.tenant):
        return f"{by.get_username()}, in whose name it runs, may no longer run jobs in {job.tenant}."
    if job.agent is None:
        return "The job's agent was removed; choose another."
    # What the template alone does not say, the plan does, once it is made.
    return reason_not_to_change(job, now) if job.version.content.changes_devices else ""


def reason_not_to_change(job: ServiceJob, now: datetime) -> str:
    """Return why a change must not start now, as far as it can be said without its plan; empty where nothing does."""
    if not next_times.is_open(job.window, now):
        return f"The maintenance window '{job.window}' is shut, so nothing was begun and no approval was used."
    return approval_gate.reason_not_approved(job)


def _frozen(job: ServiceJob) -> set[str] | None:
    """Return the devices (ids) that were approved; None where none are fixed."""
    return approval_gate.frozen(job.approval) if job.approval and job.approval.status == "approved" else None


def _fill(decision: Admission, now: datetime) -> None:
    run, plan = decision.run, decision.plan
    run.reason = decision.reason[:500]
    if decision.status is RunStatus.WAITING:
        return
    run.planned_at = now
    if decision.status is not RunStatus.QUEUED:
        run.ended_at = now
    if plan:
        run.approval, run.bypass = decision.right.approval, decision.right.bypass or ""
        run.digest, run.device_count, run.planned_steps = plan.digest, len(plan.devices), plan.columns
        run.network_names, run.rollout = ", ".join(plan.networks[:8])[:300], decision.job.rollout
        run.started_at = run.ended_at


def _log_lines(decisions: Sequence[Admission]) -> None:
    for decision in decisions:
        run, job = decision.run, decision.job
        about = {"tenant": job.tenant.key, "run": run.pk, "job": job.pk, "by": decision.by.get_username()}
        found = {"status": decision.status, "reason": run.reason, "devices": run.device_count}
        if run.approval_note:
            found["approval"] = run.approval_note
        words = "Run %s of %s: %s."
        log.info(
            words, run.pk, run.job_name, decision.status, extra={"action": LOGGED[decision.status], **about, **found}
        )


def _entries(decision: Admission) -> list[audit.Entry]:
    run, job = decision.run, decision.job
    found = []
    if decision.right.bypass:
        found.append(audit.Entry(job.tenant, decision.by, "run.bypassed_approval", job.name, {"run": run.pk}))
    details = {"run": run.pk, "digest": run.digest}
    return [*found, audit.Entry(job.tenant, decision.by, "run.started", job.name, details)]


def _device_runs(decision: Admission, now: datetime) -> list[DeviceRun]:
    rollout, plan = Rollout.from_json(decision.job.rollout), decision.plan
    if plan is None:
        return []
    return [
        _device_run(decision.run, device, body, now, rollout.wave_of(position))
        for position, (device, body) in enumerate(zip(plan.devices, plan.bodies, strict=True))
    ]


def _device_run(run: JobRun, plan: DevicePlan, body: DeviceBody, now: datetime, wave: int) -> DeviceRun:
    ending = {
        "status": RunStatus.FAILED,
        "reason": "not_runnable",
        "message": f"Nothing was sent. {plan.problem}",
        "ended_at": now,
    }
    return DeviceRun(
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
        plan_data=body,
        **(ending if plan.problem else {}),
    )
