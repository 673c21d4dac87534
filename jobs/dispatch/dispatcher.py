"""The tick: turn what is due into runs, each occurrence once, in batches; wake what waits.

A run made here has no plan yet (`planned_at` is None): `jobs.dispatch.starter` decides and plans it, in any worker.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from django.db import transaction

from config.failpoints import failpoint
from jobs import queue
from jobs.dispatch import overlap_queue, starter
from jobs.domain.filters import Filter
from jobs.domain.misfire import MisfirePolicy, Verdict, judge
from jobs.domain.schedule_json import ScheduleJson
from jobs.models import Pulse, ScheduleFilter, Trigger
from jobs.models.sql.dispatch import Due, insert_runs, move_triggers
from jobs.schedule import next_times

log = logging.getLogger(__name__)
TRIGGERS_PER_TRANSACTION = 1000
#: At most so many occurrences of one trigger are looked back at; older ones of a long outage follow in the next rounds.
MOST_DUE = 500
#: Beat that has not ticked for this long counts as silent; then the workers tick.
BEAT_SILENT_AFTER = timedelta(seconds=15)
#: All workers together tick at most this often.
TICK_AGAIN_AFTER = timedelta(seconds=4)


def tick(*, now: datetime) -> int:
    """Do all that the scheduler does at once; return how many runs were made. Any number of callers may do this."""
    made = dispatch_due(now=now)
    starter.start_late(now=now)
    overlap_queue.release_waiting()
    return made


def beat_ticked(*, now: datetime) -> None:
    """Note that beat is alive."""
    Pulse.objects.update_or_create(pk=1, defaults={"beat_at": now, "tick_at": now})


def tick_if_beat_is_silent(*, now: datetime) -> bool:
    """Tick in the place of a silent beat, and start the runs right here; of several workers one does it at a time."""
    silent = Pulse.objects.filter(beat_at__lt=now - BEAT_SILENT_AFTER, tick_at__lt=now - TICK_AGAIN_AFTER)
    if silent.update(tick_at=now) != 1:
        return False
    tick(now=now)
    starter.start_queued(now=now)
    return True


def seconds_to_next(*, now: datetime, most: float) -> float | None:
    """Return in how many seconds the next trigger is due; None when in more than `most`."""
    coming = Trigger.objects.filter(enabled=True, next_run_at__gt=now, next_run_at__lte=now + timedelta(seconds=most))
    soonest = coming.order_by("next_run_at").values_list("next_run_at", flat=True).first()
    return (soonest - now).total_seconds() if soonest else None


def dispatch_due(*, now: datetime) -> int:
    """Make a run, queued or skipped with a reason, of every due occurrence; return how many."""
    made = 0
    while True:
        with transaction.atomic():
            claimed = _claim(now)
            filters = _filters(claimed)
            rows: list[Due] = []
            nexts: list[tuple[int, datetime | None]] = []
            for trigger in claimed:
                removing = filters.get(trigger.schedule_filter_id)
                due, following = next_times.due_and_next(trigger.rule, removing, trigger.next_run_at, now, MOST_DUE)
                nexts.append((trigger.id, following))
                verdicts = _verdicts(trigger, due, now)
                rows += [Due(trigger.id, trigger.job_id, verdict.at, verdict.reason) for verdict in verdicts]
            failpoint("due_computed")
            new = sum(
                insert_runs(rows[first : first + TRIGGERS_PER_TRANSACTION], now)
                for first in range(0, len(rows), TRIGGERS_PER_TRANSACTION)
            )
            move_triggers(nexts)
            if new:
                queue.wake_starters(new)
            failpoint("runs_not_committed")
        if new:
            about = {"runs": new, "skipped": sum(bool(row.reason) for row in rows)}
            log.info("The tick made %s runs.", new, extra={"action": "tick.dispatched", **about})
        made += new
        if len(claimed) < TRIGGERS_PER_TRANSACTION:
            return made


class DueTrigger(Protocol):
    """What is asked of a due trigger."""

    id: int
    job_id: UUID
    rule: ScheduleJson
    schedule_filter_id: int | None
    next_run_at: datetime
    missed: str
    grace_minutes: int
    catch_up: int


def _claim(now: datetime) -> list[DueTrigger]:
    """Lock the next due triggers that nobody else has locked. `next_run_at` lies never later than now: never early."""
    due = Trigger.objects.filter(enabled=True, next_run_at__lte=now).order_by("next_run_at", "pk")
    columns = ("id", "job_id", "rule", "schedule_filter_id", "next_run_at", "missed", "grace_minutes", "catch_up")
    return list(due.select_for_update(skip_locked=True).values_list(*columns, named=True)[:TRIGGERS_PER_TRANSACTION])


def _filters(triggers: list[DueTrigger]) -> dict[int | None, Filter | None]:
    wanted = {row.schedule_filter_id for row in triggers if row.schedule_filter_id is not None}
    found = ScheduleFilter.objects.filter(pk__in=wanted) if wanted else []
    return {row.pk: next_times.filter_of(row) for row in found}


def _verdicts(trigger: DueTrigger, due: list[datetime], now: datetime) -> list[Verdict]:
    grace = timedelta(minutes=trigger.grace_minutes)
    return judge(due, now, MisfirePolicy(trigger.missed), grace=grace, most=trigger.catch_up)
