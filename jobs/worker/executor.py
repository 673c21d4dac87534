"""Run claimed devices: talk to each, store what it gave in batches, end the runs whose devices have all ended."""

from __future__ import annotations

import logging
import random
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone

from config.failpoints import failpoint
from config.logs import bound, first_line, unquoted
from devices.domain import boxes
from devices.domain.boxes import Seen
from devices.domain.errors import DeviceError, PromptTimeout, SessionLost
from devices.drivers.platforms import is_own
from devices.models import Worker
from devices.services import inventory, jump_hosts
from devices.services.masking import Maskers
from devices.services.snapshots import Content, keep_snapshots
from jobs import queue, types
from jobs.domain.states import RunStatus
from jobs.domain.step_runner import Cancelled, DeviceResult, LeaseLost
from jobs.log_fields import of_device_run
from jobs.models import DeviceRun
from jobs.models.sql.bulk import add_rows
from jobs.models.transitions import Move, transition, transition_each
from jobs.types.base import ReadConfigurations
from jobs.worker import claims, device_locks
from jobs.worker.claims import Assignment
from jobs.worker.completion import complete
from jobs.worker.device_session import DeviceSession
from jobs.worker.journal import Journal

log = logging.getLogger(__name__)
#: What the end of a device run writes into it, beside its status.
ENDING = (
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
#: A device that does not answer is tried again after so many seconds, three times as long each time, as long as nothing
#: was sent to it.
FIRST_PAUSE_SECONDS = 2.0
#: How often it is tried in all.
CONNECT_TRIES = settings.CONNECT_TRIES


@dataclass(frozen=True, slots=True, eq=False)
class DeviceOutcome:
    """An executed device run: `pinned` is a newly seen host key (or empty), `seen` what the box showed when it accepted
    the login, `retry` says that nothing was sent and that it may be tried again; `hops_pinned` are newly seen host keys
    of jump hosts, by id."""

    journal: Journal
    result: DeviceResult
    pinned: str = ""
    retry: bool = False
    seen: Seen | None = None
    hops_pinned: Mapping[UUID, str] = field(default_factory=dict)


def execute(item: Assignment, journal: Journal | None = None) -> DeviceOutcome:
    """Run one claimed device to its end; whatever happens becomes a result.

    Touches the database only for its journal.
    """
    journal = journal or Journal(item.device_run, item.plan.commands, item.claimed)
    with bound(**of_device_run(item.device_run)):
        return _execute(DeviceSession(item, journal))


def _execute(session: DeviceSession) -> DeviceOutcome:
    failpoint("device_held")
    result, retry = _run(session)
    try:
        result = _with_findings(session, result)
    except Exception as error:  # noqa: BLE001 - the edge of the worker: how it ended is known, only the rest is not
        words, pk = "What device run %s left behind could not be looked at.", session.item.device_run.pk
        log.error(words, pk, exc_info=unquoted(error), extra={"action": "findings.errored"})
    session.journal.hang_up()
    failpoint("result_not_stored")
    return DeviceOutcome(session.journal, result, session.pinned, retry, session.seen, session.ways.pinned)


def _run(session: DeviceSession) -> tuple[DeviceResult, bool]:
    """Return how the conversation ended, and whether it may be tried again."""
    journal, device_run = session.journal, session.item.device_run
    try:
        result = session.run()
        return (_broken_off(journal, result) if journal.unknown else result), False
    except Cancelled:
        return DeviceResult(RunStatus.CANCELLED, "cancelled", journal.words("Cancelled by request")), False
    except LeaseLost:
        return _lost(journal), False
    except DatabaseError as error:
        words = "The journal of device run %s could not be written: %s"
        log.warning(words, device_run.pk, first_line(error), extra={"action": "journal.refused"})
        words = journal.words("The database did not take the journal, so nothing more was sent")
        return DeviceResult(RunStatus.INTERRUPTED, "database_lost", words), False
    except DeviceError as error:
        # Who hung up for a lost claim hears what one hears when the device ends the connection.
        told = error.message
        if error.code == device_locks.BUSY and journal.touched:  # after a restart it says that it is another box
            told = f"{told} {journal.words('What is known')}"
        result = _lost(journal) if journal.lost else DeviceResult(RunStatus.FAILED, error.code, told)
        return result, error.retryable and not (journal.touched or journal.lost)
    except Exception as error:  # noqa: BLE001 - the edge of the worker: a defect of ours ends this device run only
        words = "Device run %s failed inside Interlock."
        log.error(words, device_run.pk, exc_info=unquoted(error), extra={"action": "device_run.errored"})
        sentence = "Interlock itself failed here; the server log has the details."
        return DeviceResult(RunStatus.ERRORED, "internal", sentence), False


def _lost(journal: Journal) -> DeviceResult:
    words = journal.words("This worker could not renew its claim and hung up")
    return DeviceResult(RunStatus.INTERRUPTED, "lease_lost", words)


def shares_a_thread(item: Assignment) -> bool:
    """Say whether the conversation waits with the hub's words throughout, so that others can go on in its thread
    meanwhile."""
    device = item.device_run.device
    return device is None or (is_own(device.platform) and not item.plan.telnet)


def _broken_off(journal: Journal, result: DeviceResult) -> DeviceResult:
    """A command that may have changed the device has no known outcome: say so, and never send it again."""
    if journal.lost:
        raise LeaseLost
    status = RunStatus.INTERRUPTED if result.reason == SessionLost.code else result.status
    return DeviceResult(status, result.reason, f"{result.message} {journal.words('What is known')}")


def _with_findings(session: DeviceSession, result: DeviceResult) -> DeviceResult:
    """Add to an ending what was read of the device after a break, and whether a change will not stay."""
    journal, said = session.journal, [result.message]
    if journal.unknown and result.reason in (SessionLost.code, PromptTimeout.code):
        try:
            said.append(session.look_again())
        except (Cancelled, LeaseLost):
            said.append("It was not read afterwards, for the run was stopped.")
    if journal.unsaved:
        said.append("The change is not in the startup configuration: a restart of the device undoes it.")
    minutes = session.item.plan.unconfirmed(journal.begun, journal.confirmed)
    if minutes and result.status is not RunStatus.SUCCEEDED:
        said.append(f"The change was not confirmed: the device takes it back by itself within {minutes} minutes.")
    return replace(result, message=" ".join(filter(None, said)))


def store(batch: list[DeviceOutcome]) -> None:
    """Keep what a batch of device runs gave, in one transaction, and free their devices.

    What another owner took over is left alone.
    """
    now = timezone.now()
    with transaction.atomic():
        mine = _still_mine(batch)
        _remember(mine, now)
        maskers = Maskers()
        again = [outcome for outcome in mine if outcome.retry and _try_again(outcome, now, maskers)]
        ended = [outcome for outcome in mine if outcome not in again]
        moves = [Move(f.journal.ending(f.result, now, maskers), RunStatus.RUNNING, f.result.status) for f in ended]
        _keep_snapshots(ended, now)
        _keep_configurations(ended, now)
        transition_each(moves, ENDING)
        add_rows([row for outcome in ended for row in outcome.journal.take_rows(maskers)])
        queue.wake_workers(device_locks.release(outcome.journal.device_run.pk for outcome in mine))
    for outcome in mine:
        _log_stored(outcome, tried_again=outcome in again)
    failpoint("result_not_told")


def _remember(batch: Collection[DeviceOutcome], now: datetime) -> None:
    """Pin new host keys, and keep what boxes showed where it is not what is kept already."""
    fresh = []
    # Everybody writes devices in the same order.
    for outcome in sorted(batch, key=lambda outcome: str(outcome.journal.device_run.device_id)):
        row = outcome.journal.device_run
        if row.device is None:
            continue
        if outcome.pinned:
            inventory.pin_host_key(device_id=row.device.pk, fingerprint=outcome.pinned)
        known = device_locks.sighting_of(row)
        if outcome.seen and (known is None or known.seen != outcome.seen):
            fresh.append((row.device, outcome.seen, boxes.sighted_at(row.hops, row.endpoint)))
    jump_hosts.pin_host_keys({pair for outcome in batch for pair in outcome.hops_pinned.items()})
    inventory.remember_sightings(fresh, at=now)


def _log_stored(outcome: DeviceOutcome, tried_again: bool) -> None:
    """Write how a device run ended, or that it is tried again: codes and counts, for its message may quote the
    device."""
    journal, row, result = outcome.journal, outcome.journal.device_run, outcome.result
    about = of_device_run(row)
    if outcome.pinned:
        words = "The host key of %s was seen for the first time and is pinned."
        log.info(words, row.device_name, extra={"action": "host_key.pinned", **about, "host_key": outcome.pinned})
    found = {
        "status": result.status,
        "reason": result.reason,
        "seconds": round(time.monotonic() - journal.claimed, 3),
        "commands": journal.confirmed,
        "planned": len(journal.commands),
    }
    if tried_again:
        words = "Device run %s is tried again: %s."
        found["try"] = row.tries + 1
        log.warning(words, row.pk, result.reason, extra={"action": "device_run.retried", **about, **found})
        return
    words = "Device run %s on %s has ended: %s."
    log.info(words, row.pk, row.device_name, result.status, extra={"action": "device_run.ended", **about, **found})


def _still_mine(batch: list[DeviceOutcome]) -> list[DeviceOutcome]:
    """Lock the rows of a batch; return those that this worker still owns."""
    pks = [outcome.journal.device_run.pk for outcome in batch]
    rows = DeviceRun.objects.filter(pk__in=pks, status=RunStatus.RUNNING).order_by("pk").select_for_update(no_key=True)
    tokens = dict(rows.values_list("pk", "token"))
    found = []
    for outcome in batch:
        row = outcome.journal.device_run
        if tokens.get(row.pk) == row.token:
            found.append(outcome)
        else:
            words = "Device run %s was taken over; this worker's result of it is dropped."
            log.warning(words, row.pk, extra={"action": "device_run.lost", **of_device_run(row)})
    return found


def _try_again(outcome: DeviceOutcome, now: datetime, maskers: Maskers) -> bool:
    """Queue a device again that could not be reached, or that another holds; False when it has been tried often
    enough."""
    row = outcome.journal.device_run
    if outcome.result.reason == device_locks.BUSY:
        return device_locks.stand_back(row, now)
    if row.tries + 1 >= CONNECT_TRIES:
        return False
    seconds = FIRST_PAUSE_SECONDS * 3**row.tries * random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, no secret
    pause = timedelta(seconds=seconds)
    text = f"{outcome.journal.told(outcome.result.message, maskers)} Try {row.tries + 2} of {CONNECT_TRIES} follows."
    again = {"tries": row.tries + 1, "not_before": now + pause, "message": text, "lease_expires_at": None}
    mine = DeviceRun.objects.filter(pk=row.pk, token=row.token)
    transition(mine, of=[RunStatus.RUNNING], to=RunStatus.QUEUED, **again)
    return True


def work_on(*, run_id: int, worker: Worker, width: int = 25) -> None:
    """Run the queued devices of one run in the calling thread until none is left to claim."""
    while batch := claims.claim(worker=worker, now=timezone.now(), limit=width, only=run_id):
        for item in batch:
            store([execute(item)])
        complete([run_id])


def _keep_configurations(ended: Iterable[DeviceOutcome], now: datetime) -> None:
    """Let each job's type keep the configurations that its steps read."""
    read: dict[str, list[ReadConfigurations]] = defaultdict(list)
    for outcome in ended:
        if outcome.journal.kept:
            device_run = outcome.journal.device_run
            read[device_run.run.job_type].append(ReadConfigurations(device_run, outcome.journal.kept))
    for key, found in read.items():
        keep = types.get(key).keep
        if keep:
            keep(found, now)


def _keep_snapshots(batch: Iterable[DeviceOutcome], now: datetime) -> None:
    """Store the configurations read before and after, and point the device runs at them."""
    places, contents = [], []
    for outcome in batch:
        row = outcome.journal.device_run
        for keep, text in outcome.journal.snapshots.items():
            if row.device is not None:
                kind = "startup" if keep.startswith("startup") else "running"
                places.append((row, keep if kind == "startup" else f"snapshot_{keep}"))
                contents.append(
                    Content(row.tenant_id, row.device, text, f"{keep.rpartition('_')[2]} run {row.run_id}", kind)
                )
    for (row, name), snapshot in zip(places, keep_snapshots(contents, taken_at=now), strict=True):
        setattr(row, name, snapshot)
