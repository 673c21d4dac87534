"""Between stored triggers and the pure engine: when a trigger is next, and what is ahead."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from jobs.domain.filters import Filter, filter_from
from jobs.domain.recurrence import Occurrence, Schedule, describe, upcoming
from jobs.domain.schedules import schedule_from
from jobs.models import ScheduleFilter, ServiceJob, Trigger

#: A trigger whose next so many occurrences are all removed by its filter is taken as never firing.
REMOVED_IN_A_ROW = 2000
MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Ahead:
    """One coming occurrence: of which trigger (by position), and the name of the filter that removes it, if one does."""

    occurrence: Occurrence
    trigger: int
    removed_by: str = ""


def next_after(trigger: Trigger, moment: datetime) -> datetime | None:
    """Return the first instant strictly after `moment` at which the trigger is to fire, its filter applied."""
    removing = filter_of(trigger.schedule_filter)
    for found in islice(upcoming(schedule_from(trigger.rule), moment), REMOVED_IN_A_ROW):
        if removing is None or not removing.removes(found.at):
            return found.at
    return None


def due_between(trigger: Trigger, first: datetime, now: datetime, most: int) -> list[datetime]:
    """Return the instants from `first` to `now` (both included) at which the trigger was to fire, at most `most`."""
    removing = filter_of(trigger.schedule_filter)
    due: list[datetime] = []
    for found in upcoming(schedule_from(trigger.rule), first - MOMENT):
        if found.at > now or len(due) >= most:
            break
        if removing is None or not removing.removes(found.at):
            due.append(found.at)
    return due


def ahead(schedules: Sequence[Schedule], filters: Sequence[Filter], after: datetime, n: int) -> list[Ahead]:
    """Return the next n occurrences of all schedules merged, the removed ones among them and marked."""

    def marked(index: int, schedule: Schedule) -> Iterator[tuple[datetime, int, Ahead]]:
        for found in upcoming(schedule, after):
            by = next((f.name for f in filters if f.removes(found.at)), "")
            yield found.at, index, Ahead(found, index, by)

    streams = [marked(index, schedule) for index, schedule in enumerate(schedules)]
    return [item for _, _, item in islice(heapq.merge(*streams, key=lambda row: row[:2]), n)]


def described(job: ServiceJob) -> list[dict[str, object]]:
    """Return the live triggers of a job with their rules in words."""
    rows = job.triggers.filter(enabled=True).exclude(kind="now").select_related("schedule_filter")
    return [{"row": row, "words": _words(row)} for row in rows]


def preview(job: ServiceJob, after: datetime, n: int = 8) -> list[Ahead]:
    """Return the next n occurrences of a job's triggers, removed ones marked."""
    rows = list(job.triggers.filter(enabled=True).exclude(kind="now").select_related("schedule_filter"))
    found: list[Ahead] = []
    for row in rows:
        removing = filter_of(row.schedule_filter)
        found += ahead([schedule_from(row.rule)], [removing] if removing else [], after, n)
    return sorted(found, key=lambda item: item.occurrence.at)[:n]


def _words(row: Trigger) -> str:
    without = f", without '{row.schedule_filter}'" if row.schedule_filter else ""
    return describe(schedule_from(row.rule)) + without


def filter_of(row: ScheduleFilter | None) -> Filter | None:
    """Return a stored filter as a value."""
    return filter_from({"name": row.name, "time_zone": row.time_zone, "rules": row.rules}) if row else None
