"""Run claimed devices: talk to each, store what it gave in batches, end the runs whose devices have all ended."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone

from config.failpoints import reach
from devices.domain.errors import DeviceError, PromptTimeout, SessionLost
from devices.domain.platforms import OWN
from devices.services.inventory import pin_host_key
from devices.services.snapshots import Content, keep_snapshots
from jobs import queue
from jobs.domain.states import RunStatus
from jobs.domain.step_runner import Cancelled, DeviceResult, LeaseLost
from jobs.models import DeviceRun
from jobs.models.sql.bulk import add_rows, write_columns
from jobs.results import config_backups
from jobs.worker import claims, device_locks
from jobs.worker.claims import Assignment
from jobs.worker.completion import settle
from jobs.worker.device_session import Finished, converse, look_again
from jobs.worker.journal import Journal

log = logging.getLogger(__name__)
#: What the end of a device run writes into it.
ENDING = (
    "status",
    "reason",
    "message",
    "ended_at",
    "confirmed",
    "intended",
    "lease_expires_at",
    "snapshot_before",
    "snapshot_after",
    "startup_before",
    "startup_after",
)
#: A device that does not answer is tried again after such a pause (seconds), three times as long each time, as long as
#: nothing was sent to it.
FIRST_PAUSE, TRIES = 2.0, settings.CONNECT_TRIES


def execute(item: Assignment, journal: Journal | None = None) -> Finished:
    """Run one claimed device to its end; whatever happens becomes a result.

    Touches the database only for its journal.
    """
    journal = journal or Journal(item.device_run, item.plan.commands, item.claimed)
    finished = Finished(journal)
    reach("W3")
    try:
        finished.result = converse(item, finished)
        if journal.unknown:
            finished.result = _broken_off(journal, finished.result)
    except Cancelled:
        finished.result = DeviceResult(RunStatus.CANCELLED, "cancelled", journal.words("Cancelled by request"))
    except LeaseLost:
        finished.result = _lost(journal)
    except DatabaseError as error:
        log.warning("The journal of device run %s could not be written: %s", item.device_run.pk, error)
        words = journal.words("The database did not take the journal, so nothing more was sent")
        finished.result = DeviceResult(RunStatus.INTERRUPTED, "database_lost", words)
    except DeviceError as error:
        # Who hung up for a lost claim hears what one hears when the device ends the connection.
        finished.result = _lost(journal) if journal.lost else DeviceResult(RunStatus.FAILED, error.code, error.message)
        finished.retry = error.retryable and not (journal.touched or journal.lost)
    except Exception:  # noqa: BLE001 - the edge of the worker: a defect of ours ends this device run, not the others
        log.exception("Device run %s failed inside Interlock.", item.device_run.pk)
        sentence = "Interlock itself failed here; the server log has the details."
        finished.result = DeviceResult(RunStatus.ERRORED, "internal", sentence)
    if finished.result is not None:
        try:
            finished.result = _with_findings(item, finished, finished.result)
        except Exception:  # noqa: BLE001 - the same edge: how it ended is known, only what was to be added is not
            log.exception("What device run %s left behind could not be looked at.", item.device_run.pk)
    journal.hang_up()
    reach("W15")
    return finished


def _lost(journal: Journal) -> DeviceResult:
    words = journal.words("This worker could not renew its claim and hung up")
    return DeviceResult(RunStatus.INTERRUPTED, "lease_lost", words)


def shares_a_thread(item: Assignment) -> bool:
    """Say whether the conversation waits with the hub's words throughout, so that others can go on in its thread
    meanwhile."""
    device = item.device_run.device
    return device is None or (device.platform in OWN and not item.plan.telnet)


def _broken_off(journal: Journal, result: DeviceResult) -> DeviceResult:
    """A command that may have changed the device has no known outcome: say so, and never send it again."""
    if journal.lost:
        raise LeaseLost
    status = RunStatus.INTERRUPTED if result.reason == SessionLost.code else result.status
    return DeviceResult(status, result.reason, f"{result.message} {journal.words('What is known')}")


def _with_findings(item: Assignment, finished: Finished, result: DeviceResult) -> DeviceResult:
    """Add to an ending what was read of the device after a break, and whether a change will not stay."""
    journal, said = finished.journal, [result.message]
    if journal.unknown and result.reason in (SessionLost.code, PromptTimeout.code):
        try:
            said.append(look_again(item, finished))
        except (Cancelled, LeaseLost):
            said.append("It was not read afterwards, for the run was stopped.")
    if journal.unsaved:
        said.append("The change is not in the startup configuration: a restart of the device undoes it.")
    minutes = item.plan.unconfirmed(journal.begun, journal.confirmed)
    if minutes and result.status is not RunStatus.SUCCEEDED:
        said.append(f"The change was not confirmed: the device takes it back by itself within {minutes} minutes.")
    return replace(result, message=" ".join(filter(None, said)))


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
        config_backups.keep(
            [config_backups.Read(f.journal.device_run, f.journal.kept) for f in ended if f.journal.kept], now
        )
        write_columns(rows, ENDING)
        add_rows([row for finished in ended for row in finished.journal.take_rows()])
        queue.hint_work(device_locks.release(finished.journal.device_run.pk for finished in mine))
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
    while batch := claims.claim(worker=worker, now=timezone.now(), limit=width, only=run_id):
        for item in batch:
            store([execute(item)])
        settle([run_id])


def _keep_snapshots(batch: Iterable[Finished], now: datetime) -> None:
    """Store the configurations read before and after, and point the device runs at them."""
    places, contents = [], []
    for finished in batch:
        row = finished.journal.device_run
        for keep, text in finished.journal.snapshots.items():
            if row.device is not None:
                kind = "startup" if keep.startswith("startup") else "running"
                places.append((row, keep if kind == "startup" else f"snapshot_{keep}"))
                contents.append(
                    Content(row.tenant_id, row.device, text, f"{keep.rpartition('_')[2]} run {row.run_id}", kind)
                )
    for (row, name), snapshot in zip(places, keep_snapshots(contents, taken_at=now), strict=True):
        setattr(row, name, snapshot)
