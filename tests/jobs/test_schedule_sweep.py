"""Every zone's clock changes 2024–2028 against independent judges.

The judge of fixed times knows nothing of our code: dateutil's naive rrule gives wall-clock times, and a scanner of real
minutes says when each wall-clock time comes (the first time), or when the first minute after its gap comes. Cron with a
wildcard is judged by the scanner alone: every real minute whose wall clock matches.
"""

import os
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from zoneinfo import ZoneInfo, available_timezones

import pytest
from dateutil import rrule

from jobs.domain.recurrence import Cron, Daily, Monthly, Schedule, Weekly, upcoming

MINUTE = timedelta(minutes=1)
SPAN = timedelta(hours=60)


@cache
def transitions():
    """Return (zone, instant before which the offset changes), one for each distinct change."""
    found = {}
    for name in sorted(available_timezones() - {"localtime", "Factory"}):
        zone = ZoneInfo(name)
        at, end = datetime(2024, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)
        while at < end:
            later = at + timedelta(days=7)
            if at.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset():
                low, high = at, later
                while high - low > MINUTE:
                    middle = (low + (high - low) / 2).replace(second=0, microsecond=0)
                    low, high = (
                        (middle, high)
                        if middle.astimezone(zone).utcoffset() == low.astimezone(zone).utcoffset()
                        else (low, middle)
                    )
                key = (high, low.astimezone(zone).utcoffset(), high.astimezone(zone).utcoffset())
                found.setdefault(key, (zone, high))
            at = later
    return list(found.values())


def minutes_around(zone, change):
    """Return [(instant, wall clock)] for each real minute of the days around a change."""
    start = (change - SPAN).replace(second=0, microsecond=0)
    return [
        (at, at.astimezone(zone).replace(tzinfo=None))
        for at in (start + MINUTE * n for n in range(int(2 * SPAN / MINUTE)))
    ]


def fixed_judge(table):
    """Return wall clock → instant: its first coming, or the first minute after the gap that swallowed it."""
    comes = {}
    for (_, before), (at, wall) in zip(table, table[1:]):
        missing = before + MINUTE
        while missing < wall:
            comes.setdefault(missing, at)
            missing += MINUTE
        comes.setdefault(wall, at)
    return comes


def naive(rule, start, until):
    """Return dateutil's wall-clock times of a fixed rule."""
    if isinstance(rule, Daily):
        return rrule.rrule(rrule.DAILY, dtstart=start, interval=rule.every, until=until)
    if isinstance(rule, Weekly):
        return rrule.rrule(
            rrule.WEEKLY, dtstart=start, byweekday=sorted(rule.weekdays), interval=rule.every, until=until
        )
    if rule.week is not None:
        nth = rrule.weekday(rule.weekday, -1 if rule.week == -1 else rule.week + 1)
        return rrule.rrule(rrule.MONTHLY, dtstart=start, byweekday=nth, until=until)
    days = sorted(rule.days) + ([-1] if rule.last_day else [])
    return rrule.rrule(rrule.MONTHLY, dtstart=start, bymonthday=days, until=until)


def compare(zone, change, count):
    """Compare all rules around one change; return how many (rule, start) pairs were compared."""
    table = minutes_around(zone, change)
    comes, (first, last) = fixed_judge(table), (table[1][0], table[-1][0])
    wall = change.astimezone(zone).replace(tzinfo=None)
    compared = 0
    for n in range(count):
        clock = wall + timedelta(minutes=(n * 37) % 300 - 150)
        start = clock - timedelta(days=5 + n % 40)
        rules = [
            Daily(),
            Daily(1 + n % 3),
            Weekly(frozenset({clock.weekday(), (clock.weekday() + 1) % 7})),
            Monthly(frozenset({clock.day, 31})),
            Monthly(week=-1, weekday=clock.weekday()),
            Monthly(last_day=True),
        ]
        for rule in rules:
            expected = sorted({comes[w] for w in naive(rule, start, table[-1][1]) if w in comes})
            expected = [at for at in expected if first < at < last]
            found = upcoming(Schedule(rule, zone, start), first)
            got = [o.at for o in islice(found, len(expected) + 1) if o.at < last]
            assert got == expected, (zone.key, rule, start, got, expected)
            compared += 1
        # Cron's fixed times mean the same as a daily trigger at that time.
        every_day = [clock.replace(second=0) + timedelta(days=d) for d in range(-6, 7)]
        expected = sorted({comes[w] for w in every_day if w in comes and first < comes[w] < last})
        found = upcoming(Schedule(Cron(f"{clock.minute} {clock.hour} * * *"), zone, start), first)
        got = [o.at for o in islice(found, len(expected) + 1) if o.at < last]
        assert got == expected, (zone.key, "cron", clock, got, expected)
        compared += 1
    for step in (7, 15, 20):
        expected = [at for at, w in table[2:] if w.minute % step == 0]
        found = upcoming(Schedule(Cron(f"*/{step} * * * *"), zone, table[0][1] - timedelta(days=2)), table[1][0])
        assert [o.at for o in islice(found, len(expected))] == expected, (zone.key, change, step)
        compared += len(expected)
    return compared


def test_a_few_clock_changes_agree_with_the_independent_judges():
    found = transitions()
    assert len(found) > 150
    assert sum(compare(zone, change, 9) for zone, change in found[::40]) > 500


@pytest.mark.sweep
def test_all_clock_changes_agree_with_the_independent_judges():
    wanted = int(os.environ.get("N", 50_000))
    found = transitions()
    count = max(2, wanted // (len(found) * 6))
    compared = sum(compare(zone, change, count) for zone, change in found)
    print(f"{compared} comparisons over {len(found)} clock changes, 0 disagreements")
    assert compared >= wanted
