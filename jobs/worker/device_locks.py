"""The device lock: who may talk to a device now, across all jobs and tenants, and who waits for whom.

A device is known by where it is reached and by its host key. A change holds it alone; up to two readers share it.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from config.failpoints import failpoint
from jobs.domain.states import RunStatus
from jobs.log_fields import of_device_run
from jobs.models import DeviceLock, DeviceRun
from jobs.models.sql import claims
from jobs.models.transitions import Move, transition, transition_each

log = logging.getLogger(__name__)
SLOTS = (0, 1)
#: What a device run is in while it stands in line: one that was woken still does, until it is claimed.
IN_LINE = (RunStatus.WAITING, RunStatus.QUEUED)
#: The reason of who has waited too long.
BUSY = "device_busy"
#: How long a device run waits for another that holds its device.
PATIENCE = timedelta(minutes=settings.LOCK_MINUTES)


def keys_of(row: DeviceRun) -> list[str]:
    """Return what the device is known by: `host:port`, and its host key once one is pinned."""
    pinned = row.device.host_key if row.device else ""
    return [row.endpoint, pinned] if pinned else [row.endpoint]


def take(rows: Sequence[DeviceRun], now: datetime) -> list[DeviceRun]:
    """Hold the devices of as many rows as are free, in the caller's transaction; the others wait in line.

    Returns the holders.

    First come, first served: a row also waits for one that has waited longer for the same device.
    """
    wanted = {row.pk: keys_of(row) for row in rows}
    every = {key for keys in wanted.values() for key in keys}
    taken: dict[str, dict[int, int]] = defaultdict(dict)
    for key, slot, holder in claims.held(every) if every else ():
        taken[key][slot] = holder
    line = _line(every) if claims.anybody_waits() else {}
    asked: list[tuple[DeviceRun, str, int]] = []
    for row in rows:
        row.waits_for = _blocked_by(row, wanted[row.pk], taken, line)
        if row.waits_for is None:
            for key in wanted[row.pk]:
                for slot in _slots(row, taken[key]):
                    taken[key][slot] = row.pk
                    asked.append((row, key, slot))
    # Everybody inserts in the same order, so that two claims wait for each other at most in one direction.
    asked.sort(key=lambda wish: wish[1:])
    got = claims.hold([(row.tenant_id, row.pk, key, slot) for row, key, slot in asked])
    if asked:
        failpoint("locks_not_committed")
    return _resolve_races(rows, [wish for wish in asked if wish[1:] not in got], now)


def _resolve_races(
    rows: Sequence[DeviceRun], missed: list[tuple[DeviceRun, str, int]], now: datetime
) -> list[DeviceRun]:
    """A row that another claim was quicker than gives back what it got, and waits; return the others."""
    keys = {key for _, key, _ in missed}
    owner = {(key, slot): holder for key, slot, holder in claims.held(keys)} if keys else {}
    for row, key, slot in missed:
        row.waits_for = owner.get((key, slot), 0)  # 0: the other one is gone again; `wake_stranded` sees to it
    waiting = [row for row in rows if row.waits_for is not None]
    if waiting:
        DeviceLock.objects.filter(device_run__in=waiting).delete()
        for row in waiting:
            row.waiting_since = row.waiting_since or now
        transition_each(
            [Move(row, RunStatus.QUEUED, RunStatus.WAITING) for row in waiting], ("waiting_since", "waits_for")
        )
        transaction.on_commit(lambda: _log_waiting(waiting))
    return [row for row in rows if row.waits_for is None]


def _log_waiting(rows: Iterable[DeviceRun]) -> None:
    for row in rows:
        about = {**of_device_run(row), "waits_for": row.waits_for}
        log.info("Device run %s waits for its device.", row.pk, extra={"action": "device_run.waiting", **about})


def _blocked_by(
    row: DeviceRun, keys: Iterable[str], taken: dict[str, dict[int, int]], line: dict[str, list[tuple[datetime, int]]]
) -> int | None:
    """Return the device run that this one must wait for, or None."""
    mine = (row.waiting_since, row.pk) if row.waiting_since else None
    for key in keys:
        busy = taken[key]
        if busy and (row.exclusive or len(busy) == len(SLOTS)):
            return next(iter(busy.values()))
        for since, other in line.get(key, ()):
            if other != row.pk and (mine is None or (since, other) < mine):
                return other
    return None


def _slots(row: DeviceRun, busy: dict[int, int]) -> list[int]:
    free = [slot for slot in SLOTS if slot not in busy]
    return free if row.exclusive else free[:1]


def _line(keys: set[str]) -> dict[str, list[tuple[datetime, int]]]:
    """Return who waits for each key, in no order: (since, device run)."""
    waiting = DeviceRun.objects.filter(
        Q(endpoint__in=keys) | Q(device__host_key__in=keys),
        waiting_since__isnull=False,
        status__in=IN_LINE,
        run__paused_at=None,
        run__cancel_requested_at=None,
    )
    found: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
    for row in waiting.select_related("device").only("waiting_since", "endpoint", "device__host_key")[:1000]:
        assert row.waiting_since is not None
        for key in keys_of(row):
            found[key].append((row.waiting_since, row.pk))
    return found


def release(device_runs: Iterable[int]) -> Counter[str]:
    """Free what ended device runs (ids) held and wake who waited for them; return how many woke, by their agent's
    queue.

    To be called in the transaction that ends them.
    """
    ended = list(device_runs)
    claims.free(ended)
    if not claims.anybody_waits():
        return Counter()
    found = _wake(DeviceRun.objects.filter(waits_for__in=ended, status=RunStatus.WAITING))
    return Counter(queue for queue in found if queue)


def _wake(waiting: QuerySet[DeviceRun]) -> list[str | None]:
    """Queue waiting rows again; return their agents' queues. Everybody locks them in the same order."""
    rows = dict(
        waiting.order_by("pk").select_for_update(of=("self",), no_key=True).values_list("pk", "run__agent__queue")
    )
    woken = transition(
        DeviceRun.objects.filter(pk__in=rows), of=[RunStatus.WAITING], to=RunStatus.QUEUED, waits_for=None
    )
    return [agent_queue for pk, agent_queue in rows.items() if pk in woken]


def quarantine(device_runs: Iterable[int], now: datetime) -> None:
    """Keep what device runs (ids) held, although they ended: nobody knows whether their worker has stopped."""
    DeviceLock.objects.filter(device_run__in=list(device_runs), quarantined_at=None).update(quarantined_at=now)


def wake_stranded() -> int:
    """Wake who waits for a device run that holds nothing any more and waits for nothing; return how many."""
    holding = DeviceLock.objects.values("device_run")
    in_line = DeviceRun.objects.filter(status__in=IN_LINE, waiting_since__isnull=False)
    waiting = DeviceRun.objects.filter(status=RunStatus.WAITING, waits_for__isnull=False)
    stranded = waiting.exclude(waits_for__in=holding).exclude(waits_for__in=in_line.values("pk"))
    with transaction.atomic():
        return len(_wake(stranded))


def give_up(now: datetime) -> list[DeviceRun]:
    """End device runs that have waited too long; return them."""
    late = DeviceRun.objects.filter(status__in=IN_LINE, waiting_since__lt=now - PATIENCE, run__paused_at=None)
    rows = list(late.select_related("run__tenant")[:500])
    minutes = int(PATIENCE.total_seconds() // 60)
    text = f"Nothing was sent. Another run held the device for more than {minutes} minutes; run it again later."
    ending = {"reason": BUSY, "message": text, "ended_at": now, "waits_for": None}
    given_up = DeviceRun.objects.filter(pk__in=[row.pk for row in rows])
    ended = transition(given_up, of=IN_LINE, to=RunStatus.FAILED, **ending)
    return [row for row in rows if row.pk in ended]
