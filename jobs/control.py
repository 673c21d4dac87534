"""What people do to a run: cancel it or one device of it, let a paused one go on, run some of its devices again."""

from __future__ import annotations

import logging
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from config.errors import Conflict
from devices import access as tenants
from devices.domain.roles import Verb
from devices.services import audit
from jobs import access, queue
from jobs.dispatch import approval_gate, overlap_queue, starter
from jobs.domain.plan import SNAPSHOT
from jobs.domain.states import OPEN, RunStatus
from jobs.log_fields import of_device_run, of_run
from jobs.models import DeviceRun, JobRun, ServiceJob
from jobs.models.transitions import transition
from jobs.plan.builder import Narrowed
from jobs.results import notifications
from jobs.worker import device_locks
from jobs.worker.completion import UNBEGUN, complete, end_unbegun, log_completed, wake

log = logging.getLogger(__name__)
#: What of a run can be run again, and the words for it.
AGAIN = {
    "failed": ("failed", frozenset({RunStatus.FAILED, RunStatus.ERRORED})),
    "not_started": ("not started", frozenset({RunStatus.CANCELLED, RunStatus.SKIPPED})),
    "interrupted": ("interrupted", frozenset({RunStatus.INTERRUPTED})),
}
#: What goes on at its failed step instead; and what of it may.
RESUME = "resume"
RESUMABLE = (RunStatus.FAILED, RunStatus.ERRORED, RunStatus.INTERRUPTED, RunStatus.CANCELLED)


def cancel_run(*, by: User, run: JobRun, now: datetime) -> None:
    """Stop a run: queued devices never start, running ones stop before their next command."""
    access.check_may_run(by, run.tenant)
    with transaction.atomic():
        asked = JobRun.objects.filter(pk=run.pk, status__in=OPEN, cancel_requested_at=None).update(
            cancel_requested_at=now, cancelled_by=by
        )
        if not asked:
            raise Conflict("The run has ended or is being cancelled already.")
        end_unbegun(run, RunStatus.CANCELLED, "cancelled", "Cancelled before anything was sent.", now)
        # A run that was not planned yet has no device whose end would end it.
        unplanned = JobRun.objects.filter(pk=run.pk, planned_at=None)
        ending = {"reason": "Cancelled before it started.", "planned_at": now, "ended_at": now}
        if transition(unplanned, of=UNBEGUN, to=RunStatus.CANCELLED, **ending):
            run.refresh_from_db()
            notifications.tell([notifications.RunEvent(run, "completed", by)], now)
            overlap_queue.ended([run])
            transaction.on_commit(lambda: log_completed(run))
        audit.record(tenant=run.tenant, by=by, action="run.cancelled", subject=run.job_name, run=run.pk)
        about = {**of_run(run), "by": by.get_username()}
        words = "Run %s is to stop."
        transaction.on_commit(lambda: log.info(words, run.pk, extra={"action": "run.cancelled", **about}))
    complete([run.pk])


def cancel_device(*, by: User, device_run: DeviceRun, now: datetime) -> None:
    """Stop one device of a run: it never starts, or stops before its next command."""
    access.check_may_run(by, device_run.tenant)
    rows = DeviceRun.objects.filter(pk=device_run.pk)
    with transaction.atomic():
        unbegun = transition(
            rows,
            of=UNBEGUN,
            to=RunStatus.CANCELLED,
            reason="cancelled",
            message="Cancelled before anything was sent.",
            ended_at=now,
            cancel_requested_at=now,
            waits_for=None,
        )
        running = rows.filter(status=RunStatus.RUNNING, cancel_requested_at=None).update(cancel_requested_at=now)
        if not unbegun and not running:
            raise Conflict("The device has ended or is being cancelled already.")
        subject = f"{device_run.run.job_name}: {device_run.device_name}"
        audit.record(
            tenant=device_run.tenant, by=by, action="run.device_cancelled", subject=subject, run=device_run.run_id
        )
        about = {**of_device_run(device_run), "by": by.get_username()}
        words = "Device run %s is to stop."
        transaction.on_commit(lambda: log.info(words, device_run.pk, extra={"action": "device_run.cancelled", **about}))
    complete([device_run.run_id])


def resume_run(*, by: User, run: JobRun, now: datetime) -> None:
    """Let a paused run go on: what it was paused for has been seen to."""
    access.check_may_run(by, run.tenant)
    with transaction.atomic():
        paused = JobRun.objects.filter(pk=run.pk, status__in=OPEN, paused_at__isnull=False)
        reason = paused.values_list("pause_reason", flat=True).first()
        if not paused.update(paused_at=None, pause_reason="", resumed_at=now):
            raise Conflict("The run is not paused.")
        audit.record(tenant=run.tenant, by=by, action="run.resumed", subject=run.job_name, run=run.pk, was=reason)
        about = {**of_run(run), "by": by.get_username()}
        words = "Run %s goes on."
        transaction.on_commit(lambda: log.info(words, run.pk, extra={"action": "run.resumed", **about}))
        wake(run)


def devices_again(run: JobRun, which: str) -> set[str]:
    """Return the devices (ids) of a run that ended so (a key of `AGAIN`) and are still there."""
    rows = run.device_runs.filter(status__in=AGAIN[which][1], device__isnull=False)
    return {str(pk) for pk in rows.values_list("device", flat=True)}


def places_to_resume(run: JobRun) -> dict[str, int]:
    """Return where devices (ids) of an ended run can go on: at the step (position) that failed, if it may be done
    again."""
    if not any(step.resumable for step in run.job.version.content.steps):
        return {}
    rows = run.device_runs.filter(status__in=RESUMABLE, device__isnull=False).prefetch_related("steps")
    found = {str(row.device_id): _broken_step(row) for row in rows}
    return {device: position for device, position in found.items() if position is not None}


def _broken_step(row: DeviceRun) -> int | None:
    """Return the position of the step in which a device run broke off, if it may be done again and is not the first."""
    planned = [step for step in row.plan.steps if step.kind != SNAPSHOT]
    done = {step.position for step in row.steps.all() if step.status == RunStatus.SUCCEEDED}
    left = next((step for step in planned if step.commands and step.position not in done), None)
    return left.position if left and left.resumable and left != planned[0] else None


def narrowed_to(run: JobRun, which: str) -> Narrowed:
    """Return what of an ended run can be run again: some devices (a key of `AGAIN`), or those that `RESUME`.

    Conflict says why there is nothing.
    """
    if run.is_open:
        raise Conflict("The run has not ended yet. Wait for it, or cancel it.")
    if which == RESUME:
        places = places_to_resume(run)
        if not places:
            raise Conflict(
                "No device of this run can be resumed: a step must have been done, "
                "and the one that failed be marked as resumable."
            )
        return Narrowed(set(places), run, places)
    only = devices_again(run, which)
    if not only:
        raise Conflict(f"No device of this run is {AGAIN[which][0]}.")
    return Narrowed(only, run)


def run_again(*, by: User, run: JobRun, which: str, now: datetime) -> JobRun:
    """Run some devices of an ended run again (`narrowed_to`), as a new run with a new plan. Conflict says why not."""
    access.check_may_run(by, run.tenant)
    return starter.run_again(by=by, job=run.job, narrowed=narrowed_to(run, which), now=now)


def request_again(*, by: User, run: JobRun, which: str, message: str, now: datetime) -> ServiceJob:
    """Ask for approval of running some devices of an ended run again (`narrowed_to`)."""
    access.check_may_run(by, run.tenant)
    narrowed = narrowed_to(run, which)
    return approval_gate.request(by=by, job=run.job, message=message, now=now, narrowed=narrowed)


def bypass_again(*, by: User, run: JobRun, which: str, reason: str, now: datetime) -> JobRun:
    """Run some devices of an ended run again (`narrowed_to`) without asking anybody, by right and with a reason."""
    access.check_may_run(by, run.tenant)
    narrowed = narrowed_to(run, which)
    with transaction.atomic():
        job = approval_gate.bypass(by=by, job=run.job, reason=reason, now=now, narrowed=narrowed)
        return starter.run_again(by=by, job=job, narrowed=narrowed, now=now)


def release_device(*, by: User, device_run: DeviceRun) -> None:
    """Free the device that an interrupted device run holds, because its worker's machine does not answer.

    Only for a person who has made sure that the worker has stopped. Conflict when nothing is held so.
    """
    tenants.check_may(by, Verb.ADMINISTER, device_run.tenant)
    with transaction.atomic():
        if not device_run.locks.filter(quarantined_at__isnull=False).exists():
            raise Conflict("The device is not held any more.")
        queue.wake_workers(device_locks.release([device_run.pk]))
        audit.record(
            tenant=device_run.tenant,
            by=by,
            action="device.released",
            subject=device_run.device_name,
            run=device_run.run_id,
        )
        about = {**of_device_run(device_run), "by": by.get_username()}
        words = "The device of device run %s is free."
        transaction.on_commit(lambda: log.info(words, device_run.pk, extra={"action": "device.released", **about}))
