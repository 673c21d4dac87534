"""End device runs that nobody works on any more: interrupted, with what the journal knows.

A worker is killed before its device runs are declared interrupted, so that nothing is sent after that. Where it cannot
be reached, because it ran on another machine, its devices stay held (quarantined) until its machine or a person says
that it has stopped.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q

from config.failpoints import failpoint
from devices.models import Worker
from devices.services import workers
from jobs import queue
from jobs.domain.endings import capped
from jobs.domain.states import RunStatus
from jobs.domain.step_runner import interruption
from jobs.log_fields import of_device_run
from jobs.models import DeviceLock, DeviceRun
from jobs.models.transitions import transition
from jobs.worker import device_locks
from jobs.worker.completion import complete

log = logging.getLogger(__name__)
VANISHED = "The worker vanished"


class Reaper:
    """Looks for expired leases. It remembers (monotonic seconds) since when it has seen a worker silent.

    After an outage of the database everybody's lease has expired; who then says that it lives is given time to end its
    own device runs.
    """

    def __init__(self) -> None:
        self._silent: dict[int, tuple[datetime, float]] = {}

    def look(self, *, now: datetime, me: Worker | None = None, busy: Container[int] = ()) -> int:
        """End what expired; return how many device runs. Those of `me` are left: `abandon` ends them.

        `busy` are the device runs (ids) that `me` works on.
        """
        ended = 0
        # Whose process is known to be gone need not be waited for.
        expired = DeviceRun.objects.filter(
            Q(lease_expires_at__lt=now) | Q(worker__in=_gone_here()), status=RunStatus.RUNNING
        )
        rows: dict[Worker | None, list[DeviceRun]] = defaultdict(list)
        for row in expired.select_related("worker", "run__tenant").order_by("pk")[:2000]:
            rows[row.worker].append(row)
        self._silent = {pk: seen for pk, seen in self._silent.items() if pk in {w.pk for w in rows if w}}
        for worker, owned in rows.items():
            if worker is None or worker != me:
                ended += self._end(worker, owned, now)
        _lift_quarantines(now, me, busy)
        return ended

    def _end(self, worker: Worker | None, owned: list[DeviceRun], now: datetime) -> int:
        """End what a worker owned whose leases expired; return how many. Who may still be talking is killed first."""
        if worker is None or workers.is_gone(worker):
            return interrupt(owned, now)
        if not workers.is_here(worker):
            overdue = [row for row in owned if row.lease_expires_at and row.lease_expires_at < now - workers.GUARD]
            return interrupt(overdue, now, quarantined=True)
        if not self._silent_long_enough(worker):
            return 0
        about = {"worker": worker.name, "device_runs": len(owned)}
        words = "Worker %s lost its lease and is silent; it is killed."
        log.warning(words, worker, extra={"action": "worker.killed", **about})
        if not workers.end(worker):
            return 0
        failpoint("kill_not_declared")
        return interrupt(owned, now)

    def _silent_long_enough(self, worker: Worker) -> bool:
        beat, since = self._silent.setdefault(worker.pk, (worker.beat_at, time.monotonic()))
        if beat != worker.beat_at:
            self._silent[worker.pk] = (worker.beat_at, time.monotonic())
            return False
        return time.monotonic() - since >= workers.GUARD.total_seconds()


def _gone_here() -> list[int]:
    """Workers of this machine that still own device runs and whose process is gone."""
    owners = DeviceRun.objects.filter(status=RunStatus.RUNNING).values("worker")
    mine = Worker.objects.filter(pk__in=owners, host=workers.this_host())
    return [worker.pk for worker in mine if workers.is_gone(worker)]


def _lift_quarantines(now: datetime, me: Worker | None, busy: Container[int]) -> None:
    """Free what workers held of which this machine knows that they have stopped."""
    held = DeviceLock.objects.filter(quarantined_at__isnull=False).select_related("device_run__worker")
    stopped = {hold.device_run_id for hold in held[:1000] if _has_stopped(hold.device_run, now, me, busy)}
    if stopped:
        with transaction.atomic():
            queue.wake_workers(device_locks.release(stopped))


def _has_stopped(device_run: DeviceRun, now: datetime, me: Worker | None, busy: Container[int]) -> bool:
    """Say whether nobody can be talking to the device any more; a living worker of this machine says so itself."""
    worker = device_run.worker
    if worker is None:
        return False
    if worker == me:
        return device_run.pk not in busy
    silent = worker.beat_at < now - workers.LEASE
    return workers.is_gone(worker) or (workers.is_here(worker) and silent and workers.end(worker))


def abandon(*, worker: Worker, keep: Iterable[int], now: datetime) -> int:
    """End the device runs that this worker owns and does not work on (all but `keep`, ids); return how many."""
    rows = DeviceRun.objects.filter(worker=worker, status=RunStatus.RUNNING).exclude(pk__in=list(keep))
    return interrupt(list(rows.select_related("worker", "run__tenant")), now)


def interrupt(rows: Sequence[DeviceRun], now: datetime, quarantined: bool = False) -> int:
    """End abandoned device runs; return how many were still to be ended."""
    ended = []
    with transaction.atomic():
        for row in rows:
            message = capped(interruption(VANISHED, row.plan.commands, row.intended, row.confirmed))
            if quarantined:
                message += " Its machine does not answer, so the device stays held until it does or somebody frees it."
            moved = transition(
                DeviceRun.objects.filter(pk=row.pk, token=row.token),
                of=[RunStatus.RUNNING],
                to=RunStatus.INTERRUPTED,
                reason="interrupted",
                message=message,
                ended_at=now,
                token=F("token") + 1,
                lease_expires_at=None,
            )
            if moved:
                ended.append(row)
                row.steps.filter(status=RunStatus.RUNNING).update(status=RunStatus.INTERRUPTED, ended_at=now)
        pks = [row.pk for row in ended]
        if quarantined:
            device_locks.quarantine(pks, now)
        else:
            queue.wake_workers(device_locks.release(pks))
    for row in ended:
        found = {"status": RunStatus.INTERRUPTED, "worker": row.worker and row.worker.name, "quarantined": quarantined}
        words = "Nobody works on device run %s any more."
        log.warning(words, row.pk, extra={"action": "device_run.interrupted", **of_device_run(row), **found})
    complete({row.run_id for row in ended}, now)
    return len(ended)
