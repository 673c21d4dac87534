"""The device lock: who may talk to a box now, across all jobs and tenants, and who waits for whom.

A box is known by where it is reached, before anybody connects, and by what it shows when it accepts a login, before
anything that changes it is sent (`devices.domain.boxes`). A change holds it alone; up to two readers share it.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from config.failpoints import failpoint
from devices.domain import boxes
from devices.domain.boxes import Route, Seen
from devices.domain.endpoints import parsed
from devices.domain.errors import BoxTaken
from devices.models import Device, Sighting
from jobs.domain.plan import DevicePlan
from jobs.domain.states import RunStatus
from jobs.domain.step_runner import LeaseLost
from jobs.log_fields import of_device_run
from jobs.models import DeviceLock, DeviceRun, LinePlace
from jobs.models.sql import claims
from jobs.models.transitions import Move, transition, transition_each
from jobs.plan.builder import endpoint_of

log = logging.getLogger(__name__)
SLOTS = (0, 1)
#: What a device run is in while it stands in line: one that was woken still does, until it is claimed.
IN_LINE = (RunStatus.WAITING, RunStatus.QUEUED)
#: The reason of who has waited too long.
BUSY = BoxTaken.code
#: How long a device run waits for another that holds its device.
PATIENCE = timedelta(minutes=settings.LOCK_MINUTES)
Taken: TypeAlias = dict[str, dict[int, int]]
#: What a row takes: itself, a key, a slot.
Wish: TypeAlias = tuple[DeviceRun, str, int]


class Turn(NamedTuple):
    """Whose turn it is: the lower comes first. It stays as it is while one waits, so that none wait for each other."""

    rank: int
    since: datetime
    device_run: int
    tenant: int


#: Who waits for each key, in no order.
Line: TypeAlias = dict[str, list[Turn]]


def sighting_of(row: DeviceRun) -> Sighting | None:
    """Return what the device of a device run showed when it last accepted a login, as long as it is reached and pinned
    as then."""
    device = row.device
    found: Sighting | None = getattr(device, "sighting", None)
    if device is None or found is None or endpoint_of(device) != row.endpoint:
        return None
    pinned = "" if device.protocol == Device.Protocol.TELNET else device.host_key
    here = boxes.sighted_at(row.hops, row.endpoint)
    return found if found.endpoint == here and found.host_key == pinned else None


def keys_of(row: DeviceRun, network: str) -> frozenset[str]:
    """Return what the box of a device run is known by before anybody connects, from a network (`this_network`)."""
    device, seen = row.device, sighting_of(row)
    host, port = parsed(row.endpoint)
    is_telnet = device is not None and device.protocol == Device.Protocol.TELNET
    route = Route(row.run.agent_id, network, row.hops)
    found = boxes.places(route, host, port, is_telnet)
    if seen:
        if seen.reached and not boxes.is_address(host):
            found += boxes.places(route, seen.reached, port, is_telnet)
        found += boxes.identities(seen.seen)
    return frozenset(found)


def keys_seen(row: DeviceRun, plan: DevicePlan, seen: Seen, network: str) -> frozenset[str]:
    """Return what the box of a device run turned out to be when it accepted the login.

    With the names that the plan may give it: who comes then and finds it so named finds it held.
    """
    host, port = parsed(row.endpoint)
    route = Route(row.run.agent_id, network, row.hops)
    texts = [line for step in plan.steps for line in (*step.commands, *step.script.splitlines())]
    found = [*boxes.identities(seen, boxes.names_after(texts) if row.exclusive else ())]
    if seen.reached and not boxes.is_address(host):
        found += boxes.places(route, seen.reached, port, plan.telnet)
    return frozenset(found)


def take(rows: Sequence[DeviceRun], now: datetime, network: str) -> list[DeviceRun]:
    """Hold the devices of as many rows as are free, in the caller's transaction; the others wait in line.

    Returns the holders, each with its `keys`. `network` is that of the process that will connect.

    First come, first served among those whose device has accepted a login there, and after them the others, each
    customer's first one before anybody's second: a row also waits for one whose turn is before its own. So records of a
    box that is somebody else's, however many, delay its owner by one login that is refused.
    """
    for row in rows:
        row.keys = keys_of(row, network)
    every = frozenset[str]().union(*(row.keys for row in rows))
    taken, line = _taken(every), _line(every)
    turns = {turn.device_run: turn for found in line.values() for turn in found}
    asked = _ask_in_turn(rows, taken, line, turns, now)
    # Everybody inserts in the same order, so that two claims wait for each other at most in one direction.
    asked.sort(key=lambda wish: wish[1:])
    got = claims.hold([(row.tenant_id, row.pk, key, slot) for row, key, slot in asked])
    if asked:
        failpoint("locks_not_committed")
    held = _resolve_races(rows, [wish for wish in asked if wish[1:] not in got], now)
    _stand_in_line([row for row in rows if row.waits_for is not None], turns)
    _leave_line([row.pk for row in held if row.waiting_since])
    return held


def hold_more(row: DeviceRun, keys: Collection[str], now: datetime) -> None:
    """Hold further keys of the box of a device run that is being worked on; all of them, or BoxTaken says who has one.

    LeaseLost where the device run is no longer the caller's.
    """
    with transaction.atomic():
        mine = DeviceRun.objects.filter(pk=row.pk, token=row.token, status=RunStatus.RUNNING)
        if not mine.order_by().select_for_update(of=("self",), no_key=True).exists():
            raise LeaseLost
        taken = _taken(keys)
        holder = _blocked_by(row, keys, taken, _line(keys), Turn(0, now, row.pk, row.tenant_id))
        if holder is None:
            asked = sorted((key, slot) for _, key, slot in _ask(row, keys, taken))
            missed = set(asked) - claims.hold([(row.tenant_id, row.pk, key, slot) for key, slot in asked])
            if missed:  # another was quicker; who it is need not be known
                holder = next((pk for key, slot, pk in claims.held({key for key, _ in missed}) if pk != row.pk), 0)
        if holder is not None:
            raise BoxTaken("Another run holds this box, which is also reached in another way.", holder)


def stand_back(row: DeviceRun, now: datetime) -> bool:
    """Put a device run whose box turned out to be held by another back in line, as often as its patience lasts.

    To be called in the transaction that frees what it holds.
    """
    since = row.waited_since or now
    text = "It waits: another run holds the same box, which is also reached in another way. Nothing was sent."
    again = {"waiting_since": since, "waits_for": None, "message": text, "lease_expires_at": None}
    mine = DeviceRun.objects.filter(pk=row.pk, token=row.token)
    return since > now - PATIENCE and bool(transition(mine, of=[RunStatus.RUNNING], to=RunStatus.QUEUED, **again))


def _taken(keys: Collection[str]) -> Taken:
    """Return who holds which slot of each key."""
    found: Taken = defaultdict(dict)
    for key, slot, holder in claims.held(keys) if keys else ():
        found[key][slot] = holder
    return found


def _ask_in_turn(
    rows: Iterable[DeviceRun], taken: Taken, line: Line, turns: dict[int, Turn], now: datetime
) -> list[Wish]:
    """Note for each row whom it waits for, and what it takes if for nobody; return that. Who is new gets its turn."""
    asked: list[Wish] = []
    for row in rows:
        mine = turns.setdefault(row.pk, _new_turn(row, line, now))
        row.waits_for = _blocked_by(row, row.keys, taken, line, mine)
        if row.waits_for is None:
            asked += _ask(row, row.keys, taken)
            continue
        for key in row.keys:
            line[key].append(mine)
    return asked


def _ask(row: DeviceRun, keys: Iterable[str], taken: Taken) -> list[Wish]:
    """Note the free slots that a row takes of each key, and return them."""
    asked = []
    for key in keys:
        for slot in _slots(row, taken[key]):
            taken[key][slot] = row.pk
            asked.append((row, key, slot))
    return asked


def _new_turn(row: DeviceRun, line: Line, now: datetime) -> Turn:
    """Return the turn of a row that has none yet."""
    is_known = sighting_of(row) is not None
    before = [turn.rank for key in row.keys for turn in line[key] if turn.tenant == row.tenant_id]
    rank = 0 if is_known else max(before, default=0) + 1
    return Turn(rank, row.waiting_since or now, row.pk, row.tenant_id)


def _resolve_races(rows: Sequence[DeviceRun], missed: list[Wish], now: datetime) -> list[DeviceRun]:
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


def _blocked_by(row: DeviceRun, keys: Iterable[str], taken: Taken, line: Line, mine: Turn) -> int | None:
    """Return the device run that this one, whose turn is `mine`, must wait for, or None."""
    for key in keys:
        busy = taken[key]
        if busy and (row.exclusive or len(busy) == len(SLOTS)):
            return next(iter(busy.values()))
        for turn in line.get(key, ()):
            if turn.device_run != row.pk and turn < mine:
                return turn.device_run
    return None


def _slots(row: DeviceRun, busy: dict[int, int]) -> list[int]:
    free = [slot for slot in SLOTS if slot not in busy]
    return free if row.exclusive else free[:1]


def _line(keys: Collection[str]) -> Line:
    """Return who waits for each key."""
    found: Line = defaultdict(list)
    if not claims.anybody_waits():
        return found
    standing = LinePlace.objects.filter(
        key__in=keys,
        device_run__waiting_since__isnull=False,
        device_run__status__in=IN_LINE,
        device_run__run__paused_at=None,
        device_run__run__cancel_requested_at=None,
    )
    values = ("key", "rank", "device_run__waiting_since", "device_run", "tenant")
    for key, rank, since, pk, tenant in standing.values_list(*values):
        assert since is not None
        found[key].append(Turn(rank, since, pk, tenant))
    return found


def _stand_in_line(rows: Sequence[DeviceRun], turns: Mapping[int, Turn]) -> None:
    """Give rows that wait their places. Who has some keeps them: whoever waits for another must not overtake it."""
    if not rows:
        return
    have = set(LinePlace.objects.filter(device_run__in=rows).values_list("device_run", flat=True))
    LinePlace.objects.bulk_create(
        LinePlace(tenant_id=row.tenant_id, device_run=row, key=key, rank=turns[row.pk].rank)
        for row in rows
        if row.pk not in have
        for key in sorted(row.keys)
    )


def _leave_line(rows: Sequence[int]) -> None:
    if rows:
        LinePlace.objects.filter(device_run__in=rows).delete()


def clear_lines() -> None:
    """Forget the places of those who wait no more."""
    LinePlace.objects.exclude(device_run__status__in=IN_LINE).delete()


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
