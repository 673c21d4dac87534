"""The worker's verbs: claim device runs, run them on the device, end them, end the run, reap what was abandoned."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from devices.domain.errors import DeviceError
from devices.domain.secrets import Login
from devices.drivers.platforms import BY_KEY
from devices.drivers.session import Session
from devices.drivers.transport import Endpoint, open_ssh
from devices.models import Credential, Device
from devices.services import vault
from devices.services.inventory import pin_host_key
from devices.services.snapshots import keep_snapshot
from jobs.domain.execution import Cancelled, DeviceResult, LeaseLost, interruption, run_steps
from jobs.domain.plan import SNAPSHOT, CredentialChoice, DevicePlan, PlannedStep
from jobs.domain.states import OPEN, RunStatus, outcome
from jobs.models import DeviceRun, JobRun, ServiceJob, StepResult
from jobs.services import starting
from jobs.services.journal import LEASE, Journal
from jobs.services.specs import secret_text
from templates_app.domain.rendering import SECRET_MARK

log = logging.getLogger(__name__)
GUARD = timedelta(seconds=5)
#: Devices that one call of `work_on` runs at a time, how many free places are worth a claim, and how long (seconds)
#: results may wait for others to be stored with.
WIDTH, REFILL, GATHER = 25, 5, 0.02


class Pool(Protocol):
    """Where device runs are executed: a process's threads, or the caller itself (`Inline`)."""

    def room(self) -> int:
        """Return how many more can start at once; what is claimed beyond that would wait with its lease running."""

    def submit(self, work: Callable[[Assignment], Finished], item: Assignment, /) -> Future[Finished]:
        """Begin the work and return its future."""


class Inline:
    """Runs everything at once in the calling thread."""

    def room(self) -> int:
        """Return a number that never limits."""
        return WIDTH

    def submit(self, work: Callable[[Assignment], Finished], item: Assignment, /) -> Future[Finished]:
        """Do the work now."""
        future: Future[Finished] = Future()
        future.set_result(work(item))
        return future


@dataclass(slots=True)
class Assignment:
    """A claimed device run with all that its execution reads from the database, so that a thread needs no query."""

    device_run: DeviceRun
    plan: DevicePlan
    job: ServiceJob
    credentials: dict[str, Credential]


@dataclass(slots=True)
class Finished:
    """An executed device run; `result` is None when it was lost to another owner. `pinned` is a newly seen host key."""

    journal: Journal
    result: DeviceResult | None
    pinned: str = ""


def work_on(*, run_id: int, worker: str, pool: Pool | None = None, width: int = WIDTH) -> None:
    """Run the queued devices of a run, up to `width` at a time, until none is left to claim; results are stored in batches."""
    pool = pool or Inline()
    active: set[Future[Finished]] = set()
    more = True
    while more or active:
        free = min(width - len(active), pool.room())
        if more and free >= min(REFILL, width):
            claimed = claim(run_id=run_id, worker=worker, now=timezone.now(), limit=free)
            more = len(claimed) > 0
            active |= {pool.submit(execute, item) for item in claimed}
        if active:
            done, active = wait(active, return_when=FIRST_COMPLETED)
            # What ends within a moment is stored together: one transaction for many devices.
            if active:
                time.sleep(GATHER)
                late = {future for future in active if future.done()}
                done, active = done | late, active - late
            store([future.result() for future in done])
            settle(run_id=run_id)
        elif more:
            time.sleep(GATHER)


def claim(*, run_id: int, worker: str, now: datetime, limit: int = 1) -> list[Assignment]:
    """Take up to `limit` queued devices of a run, within the run's limit of devices in parallel."""
    with transaction.atomic():
        run = JobRun.objects.filter(pk=run_id, status__in=OPEN, cancel_requested_at=None).first()
        if run is None:
            return []
        busy = DeviceRun.objects.filter(run=run, status=RunStatus.RUNNING).count()
        room = min(limit, run.max_parallel - busy)
        if room <= 0:
            return []
        queued = DeviceRun.objects.filter(run=run, status=RunStatus.QUEUED).select_related("device").order_by("pk")
        rows = list(queued.select_for_update(skip_locked=True, of=("self",))[:room])
        # The rows are locked (or the whole database is, on SQLite), so nobody else can have taken them meanwhile.
        DeviceRun.objects.filter(pk__in=[row.pk for row in rows], status=RunStatus.QUEUED).update(
            status=RunStatus.RUNNING, token=F("token") + 1, worker=worker, lease_expires_at=now + LEASE, started_at=now
        )
        JobRun.objects.filter(pk=run.pk, status=RunStatus.QUEUED).update(status=RunStatus.RUNNING, started_at=now)
    for row in rows:
        row.status, row.token, row.lease_expires_at = RunStatus.RUNNING, row.token + 1, now + LEASE
    return _assignments(run, rows)


def _assignments(run: JobRun, rows: list[DeviceRun]) -> list[Assignment]:
    if not rows:
        return []
    job = ServiceJob.objects.get(pk=run.job_id)
    plans = [row.plan for row in rows]
    choices = [plan.credential for plan in plans] + [step.credential for plan in plans for step in plan.steps]
    wanted = {choice.id for choice in choices if choice}
    credentials = {str(row.pk): row for row in Credential.objects.filter(pk__in=wanted)}
    return [Assignment(row, plan, job, credentials) for row, plan in zip(rows, plans, strict=True)]


def execute(item: Assignment) -> Finished:
    """Run one claimed device to its end; whatever happens becomes a result. Touches the database only for its journal."""
    journal = Journal(item.device_run)
    finished = Finished(journal, None)
    try:
        finished.result = _converse(item, finished)
    except Cancelled:
        finished.result = DeviceResult(RunStatus.CANCELLED, "cancelled", _cancel_words(item.plan))
    except LeaseLost:
        log.warning("Device run %s was taken over; this worker stops.", item.device_run.pk)
    except DeviceError as error:
        finished.result = DeviceResult(RunStatus.FAILED, error.code, error.message)
    except Exception:  # noqa: BLE001 - the edge of the worker: a defect of ours ends this device run, not the others
        log.exception("Device run %s failed inside Interlock.", item.device_run.pk)
        sentence = "Interlock itself failed here; the server log has the details."
        finished.result = DeviceResult(RunStatus.ERRORED, "internal", sentence)
    return finished


def store(batch: list[Finished]) -> None:
    """Keep what a batch of device runs gave, in one transaction; what another owner took over is left alone."""
    with transaction.atomic():
        for finished in batch:
            device_run, result = finished.journal.device_run, finished.result
            if finished.pinned:
                pin_host_key(device_id=device_run.device_id, fingerprint=finished.pinned)
            if result and finished.journal.finish(result.status, result.reason, result.message):
                _keep_snapshots(device_run, finished.journal)
        StepResult.objects.bulk_create([row for finished in batch for row in finished.journal.take_rows()])


def settle(*, run_id: int) -> None:
    """End a run whose devices have all ended, and tell its recipients."""
    if DeviceRun.objects.filter(run=run_id, status__in=OPEN).exists():
        return
    with transaction.atomic():
        statuses = DeviceRun.objects.filter(run=run_id).values_list("status", flat=True).distinct()
        moved = JobRun.objects.filter(pk=run_id, status__in=OPEN, planned_at__isnull=False).update(
            status=outcome(statuses), ended_at=timezone.now(), reason=_causes(run_id)
        )
        if moved:
            run = JobRun.objects.select_related("job", "tenant").get(pk=run_id)
            starting.tell(run, "completed", None, timezone.now())
            starting.ended(run)


def _causes(run_id: int) -> str:
    """Say in one line which devices did not succeed and why, for the history: `login refused: sw01; rejected: rt01`."""
    found: dict[str, list[str]] = {}
    bad = DeviceRun.objects.filter(run=run_id).exclude(status=RunStatus.SUCCEEDED).order_by("pk")
    for name, reason, status in bad.values_list("device_name", "reason", "status"):
        found.setdefault((reason or status).replace("_", " "), []).append(name)
    parts = []
    for cause, names in found.items():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        parts.append(f"{cause}: {', '.join(names[:3])}{more}")
    return "; ".join(parts)[:500]


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


def _converse(item: Assignment, finished: Finished) -> DeviceResult:
    device, journal = item.device_run.device, finished.journal
    if device is None or not device.enabled:
        return DeviceResult(
            RunStatus.FAILED, "device_gone", "The device was removed or switched off; nothing was sent."
        )
    reveal = _revealer(item.job, journal)
    result = DeviceResult(RunStatus.SUCCEEDED)
    for choice, steps in _by_credential(item.plan):
        if choice.id not in item.credentials:
            sentence = (
                f"The credential '{choice.name}' was deleted; nothing was sent with it. Choose another for the job."
            )
            return DeviceResult(RunStatus.FAILED, "credential_gone", sentence)
        login = vault.open_login(item.credentials[choice.id])
        journal.secrets += login.secrets()
        session = _connect(device, login, finished)
        try:
            result = run_steps(session, steps, journal, reveal)
        finally:
            session.close()
        if result.status is not RunStatus.SUCCEEDED:
            break
    return result


def _connect(device: Device, login: Login, finished: Finished) -> Session:
    host, port = device.endpoint

    def pin(shown: str) -> None:
        finished.pinned = device.host_key = shown

    endpoint = Endpoint(host=host, port=port, host_key=device.host_key, legacy=device.legacy_ssh)
    session = Session(open_ssh(endpoint, login, pin), BY_KEY[device.platform], cancelled=finished.journal.check)
    try:
        session.open(login)
    except BaseException:
        session.close()
        raise
    return session


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


def _keep_snapshots(device_run: DeviceRun, journal: Journal) -> None:
    """Store the configurations read before and after, and point the device run at them."""
    if not journal.snapshots or device_run.device is None:
        return
    columns = {}
    for name, content in zip(("snapshot_before", "snapshot_after"), journal.snapshots, strict=False):
        columns[name] = keep_snapshot(
            tenant=device_run.tenant,
            device=device_run.device,
            content=content,
            taken_at=timezone.now(),
            reason=f"{name.removeprefix('snapshot_')} run {device_run.run_id}",
        )
    DeviceRun.objects.filter(pk=device_run.pk).update(**columns)


def _cancel_words(plan: DevicePlan) -> str:
    commands = sum(len(step.commands) for step in plan.steps if step.kind != SNAPSHOT)
    return f"Cancelled by request; {commands} commands were planned, the steps below show what was sent."
