"""When triggers fire: tables for each kind and clock change; what can never fire; properties of the iterator."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.domain.recurrence import (
    Anchor,
    Cron,
    Daily,
    Every,
    ImpossibleRule,
    Monthly,
    Once,
    Schedule,
    Weekly,
    check,
    describe,
    upcoming,
)

BERLIN, NEW_YORK, LORD_HOWE, UTC_ZONE = (
    ZoneInfo(z) for z in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC")
)


def wall(text):
    return datetime.fromisoformat(text)


def local(rule, start, zone=BERLIN, after=None, n=4, **limits):
    schedule = Schedule(rule, zone, wall(start), **limits)
    since = wall(after).replace(tzinfo=zone) if after else datetime(1990, 1, 1, tzinfo=UTC)
    return [f"{found.local:%m-%d %H:%M%z}" for found in islice(upcoming(schedule, since), n)]


TABLE = [
    ("once", Once(), "2027-05-01T09:00", ["05-01 09:00+0200"]),
    (
        "every 90 minutes",
        Every(timedelta(minutes=90)),
        "2027-01-01T00:00",
        ["01-01 00:00+0100", "01-01 01:30+0100", "01-01 03:00+0100", "01-01 04:30+0100"],
    ),
    (
        "every day",
        Daily(),
        "2027-01-30T09:00",
        ["01-30 09:00+0100", "01-31 09:00+0100", "02-01 09:00+0100", "02-02 09:00+0100"],
    ),
    (
        "every 2 days from the start",
        Daily(2),
        "2027-01-30T09:00",
        ["01-30 09:00+0100", "02-01 09:00+0100", "02-03 09:00+0100", "02-05 09:00+0100"],
    ),
    (
        "every 10 days from the 1st",
        Daily(10, Anchor.MONTH_START),
        "2027-01-15T09:00",
        ["01-21 09:00+0100", "01-31 09:00+0100", "02-01 09:00+0100", "02-11 09:00+0100"],
    ),
    (
        "every weekday",
        Daily(anchor=Anchor.WEEKDAYS),
        "2027-01-01T09:00",
        ["01-01 09:00+0100", "01-04 09:00+0100", "01-05 09:00+0100", "01-06 09:00+0100"],
    ),
    (
        "Sunday and Tuesday",
        Weekly(frozenset({6, 1})),
        "2027-01-01T09:00",
        ["01-03 09:00+0100", "01-05 09:00+0100", "01-10 09:00+0100", "01-12 09:00+0100"],
    ),
    (
        "every 2nd Friday",
        Weekly(frozenset({4}), 2),
        "2027-01-01T09:00",
        ["01-01 09:00+0100", "01-15 09:00+0100", "01-29 09:00+0100", "02-12 09:00+0100"],
    ),
    (
        "the 31st",
        Monthly(frozenset({31})),
        "2027-01-01T09:00",
        ["01-31 09:00+0100", "03-31 09:00+0200", "05-31 09:00+0200", "07-31 09:00+0200"],
    ),
    (
        "the last day",
        Monthly(last_day=True),
        "2028-01-31T10:00",
        ["01-31 10:00+0100", "02-29 10:00+0100", "03-31 10:00+0200", "04-30 10:00+0200"],
    ),
    (
        "the second Sunday",
        Monthly(week=1, weekday=6),
        "2027-01-01T09:00",
        ["01-10 09:00+0100", "02-14 09:00+0100", "03-14 09:00+0100", "04-11 09:00+0200"],
    ),
    (
        "the last Friday of June and July",
        Monthly(week=-1, weekday=4, months=frozenset({6, 7})),
        "2027-01-01T09:00",
        ["06-25 09:00+0200", "07-30 09:00+0200", "06-30 09:00+0200", "07-28 09:00+0200"],
    ),
    (
        "cron quarter hours",
        Cron("*/15 * * * *"),
        "2027-01-01T00:05",
        ["01-01 00:15+0100", "01-01 00:30+0100", "01-01 00:45+0100", "01-01 01:00+0100"],
    ),
    (
        "cron 13th or Friday",
        Cron("0 9 13 * 5"),
        "2027-01-01T00:00",
        ["01-01 09:00+0100", "01-08 09:00+0100", "01-13 09:00+0100", "01-15 09:00+0100"],
    ),
    (
        "cron names, list, last",
        Cron("30 6 L JAN,mar *"),
        "2027-01-01T00:00",
        ["01-31 06:30+0100", "03-31 06:30+0200", "01-31 06:30+0100", "03-31 06:30+0200"],
    ),
    (
        "cron second Monday",
        Cron("0 4 * * MON#2"),
        "2027-01-01T00:00",
        ["01-11 04:00+0100", "02-08 04:00+0100", "03-08 04:00+0100", "04-12 04:00+0200"],
    ),
    (
        "cron alias",
        Cron("@daily"),
        "2027-01-01T00:05",
        ["01-02 00:00+0100", "01-03 00:00+0100", "01-04 00:00+0100", "01-05 00:00+0100"],
    ),
]


@pytest.mark.parametrize("name,rule,start,expected", TABLE, ids=[row[0] for row in TABLE])
def test_each_kind(name, rule, start, expected):
    assert local(rule, start) == expected


CHANGES = [
    (
        "a skipped time runs at the first minute after the gap",
        Daily(),
        BERLIN,
        "2027-03-27T02:30",
        ["03-27 02:30+0100", "03-28 03:00+0200", "03-29 02:30+0200"],
    ),
    (
        "the first minute of the gap too",
        Daily(),
        BERLIN,
        "2027-03-27T02:00",
        ["03-27 02:00+0100", "03-28 03:00+0200", "03-29 02:00+0200"],
    ),
    (
        "a time that comes twice runs once, the first time",
        Daily(),
        BERLIN,
        "2027-10-30T02:30",
        ["10-30 02:30+0200", "10-31 02:30+0200", "11-01 02:30+0100"],
    ),
    (
        "the same in New York",
        Daily(),
        NEW_YORK,
        "2027-11-06T01:30",
        ["11-06 01:30-0400", "11-07 01:30-0400", "11-08 01:30-0500"],
    ),
    (
        "a gap of half an hour",
        Daily(),
        LORD_HOWE,
        "2027-10-02T02:15",
        ["10-02 02:15+1030", "10-03 02:30+1100", "10-04 02:15+1100"],
    ),
    (
        "a fold of half an hour",
        Daily(),
        LORD_HOWE,
        "2027-04-03T01:45",
        ["04-03 01:45+1100", "04-04 01:45+1100", "04-05 01:45+1030"],
    ),
    (
        "a day that does not exist at all",
        Daily(),
        ZoneInfo("Pacific/Apia"),
        "2011-12-29T09:00",
        ["12-29 09:00-1000", "12-31 00:00+1400", "12-31 09:00+1400"],
    ),
    (
        "midnight of such a day is not run twice",
        Daily(),
        ZoneInfo("Pacific/Apia"),
        "2011-12-29T00:00",
        ["12-29 00:00-1000", "12-31 00:00+1400", "01-01 00:00+1400"],
    ),
    (
        "every hour follows real time through the fold",
        Every(timedelta(hours=1)),
        BERLIN,
        "2027-10-31T01:00",
        ["10-31 01:00+0200", "10-31 02:00+0200", "10-31 02:00+0100", "10-31 03:00+0100"],
    ),
    (
        "wildcard cron too",
        Cron("0 * * * *"),
        BERLIN,
        "2027-10-31T01:00",
        ["10-31 01:00+0200", "10-31 02:00+0200", "10-31 02:00+0100", "10-31 03:00+0100"],
    ),
    (
        "wildcard cron through the gap",
        Cron("30 * * * *"),
        BERLIN,
        "2027-03-28T01:00",
        ["03-28 01:30+0100", "03-28 03:30+0200", "03-28 04:30+0200"],
    ),
    (
        "fixed cron in the gap",
        Cron("30 2 * * *"),
        BERLIN,
        "2027-03-27T00:00",
        ["03-27 02:30+0100", "03-28 03:00+0200", "03-29 02:30+0200"],
    ),
    (
        "fixed cron in the fold",
        Cron("30 2 * * *"),
        BERLIN,
        "2027-10-30T00:00",
        ["10-30 02:30+0200", "10-31 02:30+0200", "11-01 02:30+0100"],
    ),
]


@pytest.mark.parametrize("name,rule,zone,start,expected", CHANGES, ids=[row[0] for row in CHANGES])
def test_each_clock_change(name, rule, zone, start, expected):
    assert local(rule, start, zone, n=len(expected)) == expected


def test_notes_say_what_the_clock_does():
    found = islice(upcoming(Schedule(Daily(), BERLIN, wall("2027-03-28T02:30")), datetime(2027, 1, 1, tzinfo=UTC)), 1)
    assert [o.note for o in found] == ["02:30 does not exist on 28 March 2027: runs 03:00"]
    found = islice(upcoming(Schedule(Daily(), BERLIN, wall("2027-10-31T02:30")), datetime(2027, 1, 1, tzinfo=UTC)), 1)
    assert [o.note for o in found] == ["02:30 comes twice on 31 October 2027: runs the first time"]
    found = list(
        islice(
            upcoming(
                Schedule(Monthly(frozenset({31})), BERLIN, wall("2027-03-31T09:00")), datetime(2027, 1, 1, tzinfo=UTC)
            ),
            2,
        )
    )
    assert [o.note for o in found] == ["", "April 2027 has no day 31: skipped"]


@pytest.mark.parametrize(
    "limits,expected",
    [
        ({"max_count": 2}, ["01-01 09:00+0100", "01-02 09:00+0100"]),
        ({"end_at": wall("2027-01-03T09:00")}, ["01-01 09:00+0100", "01-02 09:00+0100", "01-03 09:00+0100"]),
        ({"end_at": wall("2027-01-02T08:59")}, ["01-01 09:00+0100"]),
    ],
)
def test_limits_are_counted_from_the_start_wherever_one_looks_from(limits, expected):
    assert local(Daily(), "2027-01-01T09:00", **limits) == expected
    assert local(Daily(), "2027-01-01T09:00", after="2027-01-01T10:00", **limits) == expected[1:]


@pytest.mark.parametrize(
    "rule,field",
    [
        (Weekly(frozenset()), "weekdays"),
        (Weekly(frozenset({1}), 0), "every"),
        (Daily(0), "every"),
        (Daily(40, Anchor.MONTH_START), "every"),
        (Monthly(), "days"),
        (Monthly(frozenset({32})), "days"),
        (Monthly(frozenset({31}), months=frozenset({4, 6})), "days"),
        (Monthly(frozenset({30}), months=frozenset({2})), "days"),
        (Monthly(frozenset({1}), months=frozenset()), "months"),
        (Monthly(week=1), "week"),
        (Monthly(frozenset({1}), week=1, weekday=1), "days"),
        (Every(timedelta(seconds=5)), "interval"),
        (Cron("0 0 30 2 *"), "expression"),
        (Cron("61 * * * *"), "expression"),
        (Cron("* * * *"), "expression"),
        (Cron("@reboot"), "expression"),
    ],
)
def test_what_can_never_fire_is_refused_with_its_field(rule, field):
    with pytest.raises(ImpossibleRule) as caught:
        check(Schedule(rule, BERLIN, wall("2027-01-01T09:00")))
    assert caught.value.field == field and str(caught.value).endswith(".")


def test_29_february_is_possible_and_waits_for_its_year():
    rule = Monthly(frozenset({29}), months=frozenset({2}))
    assert local(rule, "2027-01-01T09:00", n=2) == ["02-29 09:00+0100", "02-29 09:00+0100"]


def test_every_kind_says_itself_in_words():
    words = [describe(Schedule(row[1], BERLIN, wall(row[2]))) for row in TABLE]
    assert "Every 90 minutes from 2027-01-01 00:00, Europe/Berlin" in words
    assert "The last Friday of the month in June, July at 09:00, Europe/Berlin" in words
    assert "Every 10 days counted from the 1st of each month at 09:00, Europe/Berlin" in words
    assert len(set(words)) == len(words)


RULES = st.one_of(
    st.builds(Every, st.integers(1, 5000).map(lambda m: timedelta(minutes=m))),
    st.builds(Daily, st.integers(1, 31), st.sampled_from(Anchor)),
    st.builds(Weekly, st.frozensets(st.integers(0, 6), min_size=1), st.integers(1, 5)),
    st.builds(Monthly, st.frozensets(st.integers(1, 31), min_size=1), st.booleans()),
    st.builds(Monthly, week=st.sampled_from([0, 1, 2, 3, -1]), weekday=st.integers(0, 6)),
    st.builds(Cron, st.sampled_from(["*/7 * * * *", "30 2 * * *", "0 */5 * * *", "15 1,2,3 * * 0", "59 23 L * *"])),
)
ZONES = st.sampled_from(
    [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Africa/Casablanca",
        "Asia/Kathmandu",
        "UTC",
    ]
)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2028, 12, 31)).map(lambda d: d.replace(second=0, microsecond=0))


@settings(max_examples=150, deadline=None)
@given(RULES, ZONES, MOMENTS, MOMENTS, st.integers(1, 400))
def test_occurrences_grow_and_splitting_an_interval_changes_nothing(rule, zone, start, looked_from, hours):
    schedule = Schedule(rule, ZoneInfo(zone), start)
    try:
        check(schedule)
    except ImpossibleRule:
        return
    begin = looked_from.replace(tzinfo=UTC)
    middle, end = begin + timedelta(hours=hours), begin + timedelta(hours=2 * hours)

    def between(a, b):
        found = []
        for occurrence in islice(upcoming(schedule, a), 3000):
            if occurrence.at > b:
                break
            found.append(occurrence.at)
        return found

    whole = between(begin, end)
    assert whole == sorted(set(whole)) and all(at > begin for at in whole)
    if len(whole) < 2500:
        assert whole == between(begin, middle) + between(middle, end)
