"""Run claimed devices: talk to each, store what it gave in batches, end the runs whose devices have all ended."""

from __future__ import annotations

import itertools
import logging
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone

from config.failpoints import reach
from devices.domain.errors import DeviceError, SessionLost
from devices.domain.secrets import Login
from devices.drivers.conversation import AnySession, open_session
from devices.drivers.platforms import BY_KEY
from devices.drivers.transport import Endpoint
from devices.models import Device
from devices.services import vault
from devices.services.inventory import pin_host_key
from devices.services.snapshots import Content, keep_snapshots
from jobs import queue
from jobs.domain.execution import Cancelled, DeviceResult, LeaseLost, run_steps
from jobs.domain.plan import CredentialChoice, DevicePlan, PlannedStep
from jobs.domain.states import RunStatus
from jobs.models import DeviceRun, ServiceJob, StepResult
from jobs.models.columns import write_columns
from jobs.services import backups, claiming, holds
from jobs.services.claiming import Assignment
from jobs.services.journal import Journal
from jobs.services.settling import settle
from jobs.services.specs import secret_text
from templates_app.domain.rendering import SECRET_MARK

log = logging.getLogger(__name__)
#: What the end of a device run writes into it.
ENDING = (
    "status", "reason", "message", "ended_at", "confirmed", "intended", "lease_expires_at", "snapshot_before", "snapshot_after",
)  # fmt: skip
#: A device that does not answer is tried again after such a pause (seconds), three times as long each time, as long as
#: nothing was sent to it.
FIRST_PAUSE, TRIES = 2.0, settings.CONNECT_TRIES
#: A reading step whose connection was lost begins again on a new one, so many times.
READ_AGAIN = 2


@dataclass(slots=True)
class Finished:
    """An executed device run; `result` is None when it was lost to another owner. `pinned` is a newly seen host key."""

    journal: Journal
    result: DeviceResult | None = None
    pinned: str = ""
    retry: bool = False


def execute(item: Assignment, journal: Journal | None = None) -> Finished:
    """Run one claimed device to its end; whatever happens becomes a result. Touches the database only for its journal."""
    journal = journal or Journal(item.device_run, item.plan.commands, item.claimed)
    finished = Finished(journal)
    reach("W3")
    try:
        finished.result = _converse(item, finished)
        if journal.unknown:
            finished.result = _broken_off(journal, finished.result)
    except Cancelled:
        finished.result = DeviceResult(RunStatus.CANCELLED, "cancelled", journal.words("Cancelled by request"))
    except LeaseLost:
        words = journal.words("This worker could not renew its claim and hung up")
        finished.result = DeviceResult(RunStatus.INTERRUPTED, "lease_lost", words)
    except DatabaseError as error:
        log.warning("The journal of device run %s could not be written: %s", item.device_run.pk, error)
        words = journal.words("The database did not take the journal, so nothing more was sent")
        finished.result = DeviceResult(RunStatus.INTERRUPTED, "database_lost", words)
    except DeviceError as error:
        finished.result = DeviceResult(RunStatus.FAILED, error.code, error.message)
        finished.retry = error.retryable and not journal.touched
    except Exception:  # noqa: BLE001 - the edge of the worker: a defect of ours ends this device run, not the others
        log.exception("Device run %s failed inside Interlock.", item.device_run.pk)
        sentence = "Interlock itself failed here; the server log has the details."
        finished.result = DeviceResult(RunStatus.ERRORED, "internal", sentence)
    journal.hang_up()
    reach("W15")
    return finished


def _broken_off(journal: Journal, result: DeviceResult) -> DeviceResult:
    """A command that may have changed the device has no known outcome: say so, and never send it again."""
    if journal.lost:
        raise LeaseLost
    status = RunStatus.INTERRUPTED if result.reason == SessionLost.code else result.status
    return DeviceResult(status, result.reason, f"{result.message} {journal.words('What is known')}")


def store(batch: list[Finished]) -> None:
    """Keep what a batch of device runs gave, in one transaction, and free their devices.

    What another owner took over is left alone.
    """
    now = timezone.now()
    with transaction.atomic():
        mine = _still_mine(batch)
        for finished in mine:
            if finished.pinned:
                pin_host_key(device_id=finished.journal.device_run.device_id, fingerprint=finished.pinned)
        again = [finished for finished in mine if finished.retry and _try_again(finished, now)]
        ended = [finished for finished in mine if finished not in again]
        rows = [f.journal.ending(f.result.status, f.result.reason, f.result.message, now) for f in ended if f.result]
        _keep_snapshots(ended, now)
        backups.keep([backups.Read(f.journal.device_run, f.journal.kept) for f in ended if f.journal.kept], now)
        write_columns(rows, ENDING)
        StepResult.objects.bulk_create([row for finished in ended for row in finished.journal.take_rows()])
        queue.hint_work(holds.release(finished.journal.device_run.pk for finished in mine))
    reach("W16")


def _still_mine(batch: list[Finished]) -> list[Finished]:
    """Lock the rows of a batch; return those that this worker still owns."""
    pks = [finished.journal.device_run.pk for finished in batch]
    rows = DeviceRun.objects.filter(pk__in=pks, status=RunStatus.RUNNING).order_by("pk").select_for_update(no_key=True)
    tokens = dict(rows.values_list("pk", "token"))
    found = []
    for finished in batch:
        row = finished.journal.device_run
        if finished.result is not None and tokens.get(row.pk) == row.token:
            found.append(finished)
        else:
            log.warning("Device run %s was taken over; this worker's result of it is dropped.", row.pk)
    return found


def _try_again(finished: Finished, now: datetime) -> bool:
    """Queue a device again that could not be reached; False when it has been tried often enough."""
    row = finished.journal.device_run
    if row.tries + 1 >= TRIES or finished.result is None:
        return False
    seconds = FIRST_PAUSE * 3**row.tries * random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, no secret
    pause = timedelta(seconds=seconds)
    text = f"{finished.result.message} Try {row.tries + 2} of {TRIES} follows."
    DeviceRun.objects.filter(pk=row.pk, token=row.token).update(
        status=RunStatus.QUEUED, tries=row.tries + 1, not_before=now + pause, message=text, lease_expires_at=None
    )
    return True


def work_on(*, run_id: int, worker: Any, width: int = 25) -> None:
    """Run the queued devices of one run in the calling thread until none is left to claim."""
    while batch := claiming.claim(worker=worker, now=timezone.now(), limit=width, only=run_id):
        for item in batch:
            store([execute(item)])
        settle([run_id])


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
        reach("K1")
        journal.secrets += login.secrets()
        result = _run_session(item, device, login, choice.id, steps, finished, reveal)
        if result.status is not RunStatus.SUCCEEDED:
            break
    return result


def _run_session(
    item: Assignment, device: Device, login: Login, credential: str, steps: tuple[PlannedStep, ...],
    finished: Finished, reveal: Callable[[str], str],
) -> DeviceResult:  # fmt: skip
    """Run neighbouring steps over one connection, or over a few when it is lost while only reading."""
    journal, left = finished.journal, READ_AGAIN
    while True:
        session = _connect(item, device, login, finished)
        try:
            claiming.prove(run=item.device_run.run, credential=credential)
            result = run_steps(session, steps, journal, reveal)
        finally:
            session.close()
        broken = result.step
        lost_reading = result.reason == SessionLost.code and broken is not None and not broken.journaled
        if not lost_reading or not left or broken is None:
            return result
        left -= 1
        steps = steps[steps.index(broken) :]
        journal.step_repeated(broken)


def _connect(item: Assignment, device: Device, login: Login, finished: Finished) -> AnySession:
    host, _, port = item.device_run.endpoint.rpartition(":")
    journal = finished.journal

    def pin(shown: str) -> None:
        finished.pinned = device.host_key = shown

    journal.check()
    endpoint = Endpoint(host=host, port=int(port), host_key=device.host_key, legacy=device.legacy_ssh)
    session = open_session(endpoint, login, pin, BY_KEY[device.platform], journal.check)
    journal.hang_up = session.close
    reach("W5")
    try:
        session.open(login)
    except BaseException:
        session.close()
        raise
    reach("W6")
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


def _keep_snapshots(batch: Iterable[Finished], now: datetime) -> None:
    """Store the configurations read before and after, and point the device runs at them."""
    places, contents = [], []
    for finished in batch:
        row = finished.journal.device_run
        for name, content in zip(("snapshot_before", "snapshot_after"), finished.journal.snapshots, strict=False):
            if row.device is not None:
                reason = f"{name.removeprefix('snapshot_')} run {row.run_id}"
                places.append((row, name))
                contents.append(Content(row.tenant_id, row.device, content, reason))
    for (row, name), snapshot in zip(places, keep_snapshots(contents, taken_at=now), strict=True):
        setattr(row, name, snapshot)
