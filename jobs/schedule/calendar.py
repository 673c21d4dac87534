"""What was run and what is planned in a span of time, for the calendar page and the feed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from jobs import selectors
from jobs.domain import endings
from jobs.domain.filters import Filter
from jobs.domain.recurrence import instant_of
from jobs.models import JobRun, ServiceJob, Trigger
from jobs.schedule import next_times

#: So many runs and triggers are shown.
MOST_RUNS = 2000
MOST_TRIGGERS = 300
#: Of one trigger.
MOST_OCCURRENCES_A_DAY = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One run or coming occurrence.

    `at` is aware, in the calendar's zone; `more` says that the day has further ones.
    """

    at: datetime
    title: str
    url: str
    status: str
    colour: str
    note: str = ""
    more: bool = False


def past(runs: QuerySet[JobRun], first: datetime, last: datetime, zone: ZoneInfo) -> list[Entry]:
    """Return the runs of scoped rows that were due between two instants."""
    rows = runs.filter(scheduled_for__gte=first, scheduled_for__lt=last).order_by("-scheduled_for")
    found = rows.values_list("pk", "job_name", "status", "scheduled_for", "reason")[:MOST_RUNS]
    return [
        Entry(
            at=at.astimezone(zone),
            title=name,
            url=f"/runs/{pk}/",
            status=endings.label(status, reason),
            colour=endings.colour(status, reason),
            note=reason[:200],
        )
        for pk, name, status, at, reason in found
    ]


def planned(triggers: QuerySet[Trigger], first: datetime, last: datetime, zone: ZoneInfo) -> list[Entry]:
    """Return the coming occurrences of scoped triggers between two instants, removed ones marked."""
    rows = triggers.filter(next_run_at__lt=last).select_related("job", "schedule_filter").order_by("next_run_at", "pk")
    found: list[Entry] = []
    for trigger in rows[:MOST_TRIGGERS]:
        for item, more in _by_day(trigger, max(first, timezone.now()), last, zone):
            words = ("Removed", "off", f"removed by {item.removed_by}") if item.removed_by else ("Planned", "plan", "")
            note = words[2] or item.occurrence.note
            at, url = item.occurrence.at.astimezone(zone), f"/jobs/{trigger.job_id}/"
            found.append(
                Entry(
                    at=at,
                    title=f"{trigger.job.name} · {trigger}",
                    url=url,
                    status=words[0],
                    colour=words[1],
                    note=note,
                    more=more,
                )
            )
    return found


def live_triggers(jobs: QuerySet[ServiceJob]) -> QuerySet[Trigger]:
    """Return the triggers that can fire of scoped jobs."""
    saved = jobs.filter(status=ServiceJob.Status.SAVED, enabled=True, tenant__enabled=True)
    return Trigger.objects.filter(job__in=saved.values("pk"), enabled=True, next_run_at__isnull=False)


def closed_hours(filters: list[Filter], day: date, zone: ZoneInfo) -> list[tuple[str, list[int]]]:
    """Return (filter's name, hours of the day that it removes) for each filter that removes some of a day."""
    middles = [instant_of(datetime.combine(day, time(hour, 30)), zone)[0] for hour in range(24)]
    found = ((f.name, [hour for hour, at in enumerate(middles) if f.removes(at)]) for f in filters)
    return [(name, hours) for name, hours in found if hours]


def _by_day(
    trigger: Trigger, first: datetime, last: datetime, zone: ZoneInfo
) -> Iterator[tuple[next_times.Ahead, bool]]:
    """Yield the first occurrences of each day; a dense trigger is not walked through, its next day is looked up."""
    begin = first - next_times.MOMENT
    while begin < last:
        today: list[next_times.Ahead] = []
        for item in next_times.ahead([next_times.filtered(trigger)], begin):
            day = item.occurrence.at.astimezone(zone).date()
            if item.occurrence.at >= last:
                begin = last
                break
            if today and today[0].occurrence.at.astimezone(zone).date() != day:
                yield from ((found, False) for found in today)
                today = []
            if len(today) == MOST_OCCURRENCES_A_DAY:
                yield from ((found, n == MOST_OCCURRENCES_A_DAY - 1) for n, found in enumerate(today))
                today = []
                begin = instant_of(datetime.combine(day + timedelta(days=1), time()), zone)[0] - next_times.MOMENT
                break
            today.append(item)
        else:
            begin = last
        yield from ((found, False) for found in today)


def filters_in_use(user: User, triggers: QuerySet[Trigger]) -> list[Filter]:
    """Return the filters, of those the user sees, that scoped triggers use."""
    used = triggers.exclude(schedule_filter=None).values("schedule_filter")
    rows = selectors.visible_filters(user).filter(pk__in=used)
    return [found for found in map(next_times.filter_of, rows) if found]
