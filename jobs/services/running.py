"""The worker's verbs: claim device runs, run them on the device, end them, end the run, reap what was abandoned."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from devices.domain.errors import DeviceError
from devices.domain.secrets import Login
from devices.drivers.platforms import BY_KEY
from devices.drivers.session import Session
from devices.drivers.transport import Endpoint, open_ssh
from devices.models import Credential, Device
from devices.services import notices, vault
from devices.services.inventory import pin_host_key
from devices.services.snapshots import keep_snapshot
from jobs.domain.execution import Cancelled, DeviceResult, LeaseLost, interruption, run_steps
from jobs.domain.plan import SNAPSHOT, CredentialChoice, DevicePlan, PlannedStep
from jobs.domain.states import LABELS, OPEN, RunStatus, outcome
from jobs.models import DeviceRun, JobRun, ServiceJob
from jobs.services.journal import LEASE, Journal
from jobs.services.specs import secret_text
from templates_app.domain.rendering import SECRET_MARK

log = logging.getLogger(__name__)
GUARD = timedelta(seconds=5)


def work_on(*, run_id: int, worker: str, budget: int) -> bool:
    """Run up to `budget` queued devices of a run, one after the other; return whether there may be more to do."""
    for _ in range(budget):
        claimed = claim(run_id=run_id, worker=worker, now=timezone.now())
        if claimed is None:
            return False
        execute(claimed)
    return True


def claim(*, run_id: int, worker: str, now: datetime) -> DeviceRun | None:
    """Take the next queued device of a run, within the run's limit of devices in parallel; None when there is none."""
    with transaction.atomic():
        run = JobRun.objects.filter(pk=run_id, status__in=OPEN, cancel_requested_at=None).first()
        if run is None:
            return None
        busy = DeviceRun.objects.filter(run=run, status=RunStatus.RUNNING).count()
        if busy >= run.max_parallel:
            return None
        queued = DeviceRun.objects.filter(run=run, status=RunStatus.QUEUED).order_by("pk")
        row = queued.select_for_update(skip_locked=True, of=("self",)).first()
        if row is None:
            return None
        taken = DeviceRun.objects.filter(pk=row.pk, status=RunStatus.QUEUED, token=row.token).update(
            status=RunStatus.RUNNING, token=F("token") + 1, worker=worker, lease_expires_at=now + LEASE, started_at=now
        )
        if taken != 1:
            return None
        JobRun.objects.filter(pk=run.pk, status=RunStatus.QUEUED).update(status=RunStatus.RUNNING, started_at=now)
    row.refresh_from_db(fields=["status", "token", "worker", "lease_expires_at", "started_at"])
    return row


def execute(device_run: DeviceRun) -> None:
    """Run one claimed device to its end; whatever happens becomes a result."""
    journal = Journal(device_run)
    try:
        result = _converse(device_run, journal)
    except Cancelled:
        result = DeviceResult(RunStatus.CANCELLED, "cancelled", _cancel_words(device_run))
    except LeaseLost:
        log.warning("Device run %s was taken over; this worker stops.", device_run.pk)
        return
    except DeviceError as error:
        result = DeviceResult(RunStatus.FAILED, error.code, error.message)
    except Exception:  # noqa: BLE001 - the edge of the worker: a defect of ours ends this device run, not the others
        log.exception("Device run %s failed inside Interlock.", device_run.pk)
        result = DeviceResult(
            RunStatus.ERRORED, "internal", "Interlock itself failed here; the server log has the details."
        )
    if journal.finish(result.status, result.reason, result.message, **_keep_snapshots(device_run, journal)):
        settle(run_id=device_run.run_id)


def settle(*, run_id: int) -> None:
    """End a run whose devices have all ended, and tell its recipients."""
    if DeviceRun.objects.filter(run=run_id, status__in=OPEN).exists():
        return
    with transaction.atomic():
        statuses = DeviceRun.objects.filter(run=run_id).values_list("status", flat=True).distinct()
        moved = JobRun.objects.filter(pk=run_id, status__in=OPEN).update(
            status=outcome(statuses), ended_at=timezone.now()
        )
        if moved:
            _tell(JobRun.objects.select_related("job", "tenant").get(pk=run_id))


def reap(*, now: datetime) -> int:
    """End device runs whose worker has not renewed its lease: interrupted, with what the journal knows. Returns how many."""
    ended = 0
    for row in DeviceRun.objects.filter(status=RunStatus.RUNNING, lease_expires_at__lt=now - GUARD)[:500]:
        message = interruption(row.plan.commands, row.intended, row.confirmed)
        moved = DeviceRun.objects.filter(pk=row.pk, token=row.token, status=RunStatus.RUNNING).update(
            status=RunStatus.INTERRUPTED, reason="interrupted", message=message, ended_at=now,
            token=F("token") + 1, lease_expires_at=None,
        )  # fmt: skip
        if moved:
            ended += 1
            row.steps.filter(status=RunStatus.RUNNING).update(status=RunStatus.INTERRUPTED, ended_at=now)
            settle(run_id=row.run_id)
    return ended


def _converse(device_run: DeviceRun, journal: Journal) -> DeviceResult:
    device = Device.objects.filter(pk=device_run.device_id).first()
    if device is None or not device.enabled:
        return DeviceResult(
            RunStatus.FAILED, "device_gone", "The device was removed or switched off; nothing was sent."
        )
    plan = device_run.plan
    job = ServiceJob.objects.get(pk=JobRun.objects.values_list("job_id", flat=True).get(pk=device_run.run_id))
    reveal = _revealer(job, journal)
    result = DeviceResult(RunStatus.SUCCEEDED)
    for choice, steps in _by_credential(plan):
        login = vault.open_login(Credential.objects.get(pk=choice.id))
        journal.secrets += login.secrets()
        session = _connect(device, login, journal)
        try:
            result = run_steps(session, steps, journal, reveal)
        finally:
            session.close()
        if result.status is not RunStatus.SUCCEEDED:
            break
    return result


def _connect(device: Device, login: Login, journal: Journal) -> Session:
    host, port = device.endpoint
    endpoint = Endpoint(host=host, port=port, host_key=device.host_key, legacy=device.legacy_ssh)
    transport = open_ssh(endpoint, login, lambda shown: _pin(device, shown))
    session = Session(transport, BY_KEY[device.platform], cancelled=journal.check)
    try:
        session.open(login)
    except BaseException:
        session.close()
        raise
    return session


def _pin(device: Device, shown: str) -> None:
    pin_host_key(device_id=device.pk, fingerprint=shown)
    device.host_key = shown


def _by_credential(plan: DevicePlan) -> list[tuple[CredentialChoice, tuple[PlannedStep, ...]]]:
    """Split the steps into sessions: neighbours with the same credential share one."""
    groups = itertools.groupby(plan.steps, key=lambda step: step.credential or plan.credential)
    return [(choice, tuple(steps)) for choice, steps in groups if choice is not None]


def _revealer(job: ServiceJob, journal: Journal) -> Callable[[str], str]:
    """Return what puts secret variables into a command; what it opened is redacted from all output."""

    def opened(match: Any) -> str:
        secret = secret_text(job, match.group(1)).reveal()
        if secret not in journal.secrets:
            journal.secrets += (secret,)
        return secret

    return lambda command: SECRET_MARK.sub(opened, command)


def _keep_snapshots(device_run: DeviceRun, journal: Journal) -> dict[str, Any]:
    """Store the configurations read before and after; return the columns that point at them."""
    if not journal.snapshots or device_run.device is None:
        return {}
    names = ("snapshot_before", "snapshot_after")
    return {
        name: keep_snapshot(
            tenant=device_run.run.tenant,
            device=device_run.device,
            content=content,
            taken_at=timezone.now(),
            reason=f"{'before' if name == names[0] else 'after'} run {device_run.run_id}",
        )
        for name, content in zip(names, journal.snapshots, strict=False)
    }


def _cancel_words(device_run: DeviceRun) -> str:
    commands = sum(len(step.commands) for step in device_run.plan.steps if step.kind != SNAPSHOT)
    return f"Cancelled by request; {commands} commands were planned, the steps below show what was sent."


def _tell(run: JobRun) -> None:
    job = run.job
    recipients = User.objects.filter(is_active=True).filter(
        Q(pk__in=job.notify_users.values("pk")) | Q(groups__in=job.notify_groups.values("pk"))
    )
    text = f"{run.job_name}: run {run.pk} ended — {LABELS[RunStatus(run.status)]}."
    notices.tell(
        tenant=run.tenant,
        recipients=recipients.distinct(),
        key=f"run:{run.pk}:ended",
        text=text,
        url=f"/runs/{run.pk}/",
    )
