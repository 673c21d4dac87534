"""Between stored triggers and the pure engine: when a trigger is next, and what is ahead."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from jobs.domain.filters import Filter, filter_from
from jobs.domain.recurrence import Occurrence, Schedule, describe, upcoming
from jobs.domain.schedule_json import ScheduleJson, schedule_from, stored_schedule
from jobs.models import ScheduleFilter, ServiceJob, Trigger

#: A trigger whose next so many occurrences are all removed by its filter is taken as never firing.
MOST_REMOVED_IN_A_ROW = 2000
MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Ahead:
    """One coming occurrence: of which trigger (position and name), and the filter that removes it, if one does."""

    occurrence: Occurrence
    trigger: int
    removed_by: str = ""
    name: str = ""


def next_after(trigger: Trigger, moment: datetime) -> datetime | None:
    """Return the first instant strictly after `moment` at which the trigger is to fire, its filter applied."""
    removing = filter_of(trigger.schedule_filter)
    for found in islice(upcoming(schedule_from(trigger.rule), moment), MOST_REMOVED_IN_A_ROW):
        if removing is None or not removing.removes(found.at):
            return found.at
    return None


def due_and_next(
    rule: ScheduleJson, removing: Filter | None, first: datetime, now: datetime, most: int
) -> tuple[list[datetime], datetime | None]:
    """Return the instants from `first` to `now` at which a trigger was to fire, at most `most`, and the one after.

    An instant that the rule does not have any more (it was written before the rule's meaning changed) fires as stored.
    """
    due: list[datetime] = []
    removed = 0
    for found in upcoming(stored_schedule(rule), first - MOMENT):
        if removing is not None and removing.removes(found.at):
            removed += 1
            if removed > MOST_REMOVED_IN_A_ROW:
                break
            continue
        if found.at > now or len(due) >= most:
            return due or [first], found.at
        removed = 0
        due.append(found.at)
    return due or [first], None


def ahead(filtered: Sequence[tuple[Schedule, Sequence[Filter]]], after: datetime) -> Iterator[Ahead]:
    """Yield the occurrences of all schedules merged, those that one of their filters removes among them and marked."""

    def marked(index: int, schedule: Schedule, filters: Sequence[Filter]) -> Iterator[tuple[datetime, int, Ahead]]:
        for found in upcoming(schedule, after):
            by = next((f.name for f in filters if f.removes(found.at)), "")
            yield found.at, index, Ahead(found, index, by)

    streams = [marked(index, *pair) for index, pair in enumerate(filtered)]
    return (item for _, _, item in heapq.merge(*streams, key=lambda row: row[:2]))


def described(job: ServiceJob) -> list[dict[str, object]]:
    """Return the live triggers of a job with their rules in words."""
    rows = job.triggers.filter(retired=False).exclude(kind="now").select_related("schedule_filter")
    return [{"row": row, "words": words(row)} for row in rows]


def preview(job: ServiceJob, after: datetime, n: int = 8) -> list[Ahead]:
    """Return the next n occurrences of a job's triggers merged, removed ones marked; `trigger` counts the enabled
    ones."""
    rows = live_triggers(job)
    found = islice(ahead([filtered(row) for row in rows], after), n)
    return [replace(item, name=str(rows[item.trigger])) for item in found]


def live_triggers(job: ServiceJob) -> list[Trigger]:
    """Return the triggers of a job that can fire, in order."""
    rows = job.triggers.filter(enabled=True, retired=False).exclude(kind="now")
    return list(rows.select_related("schedule_filter"))


def filtered(row: Trigger) -> tuple[Schedule, list[Filter]]:
    """Return a stored trigger's schedule with what removes its timings."""
    removing = filter_of(row.schedule_filter)
    return schedule_from(row.rule), [removing] if removing else []


def words(row: Trigger) -> str:
    """Say when a stored trigger fires, its filter included."""
    without = f", without '{row.schedule_filter}'" if row.schedule_filter else ""
    return describe(stored_schedule(row.rule)) + without


def is_open(window: ScheduleFilter | None, now: datetime) -> bool:
    """Say whether a maintenance window, if there is one, lets a device begin now."""
    found = filter_of(window)
    return found is None or not found.removes(now)


def filter_of(row: ScheduleFilter | None) -> Filter | None:
    """Return a stored filter as a value."""
    return filter_from({"name": row.name, "time_zone": row.time_zone, "rules": row.rules}) if row else None
