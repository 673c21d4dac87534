"""Stored triggers: what is previewed is what fires, once; filters remove; missed occurrences are rows with a reason."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from config.errors import Invalid
from config.one_at_a_time import OneAtATime
from jobs import tasks
from jobs.authoring import drafts
from jobs.domain.misfire import MisfirePolicy, judge
from jobs.domain.overlap import Overlap
from jobs.domain.spec import TriggerKind, TriggerSpec
from jobs.models import JobRun, ScheduleFilter, Trigger
from jobs.schedule import filters, next_times
from tests import make

pytestmark = pytest.mark.django_db
START = datetime(2027, 3, 26, 1, 30, tzinfo=UTC)


def every_night(**more):
    rule = {"kind": "daily", "time_zone": "Europe/Berlin", "start_at": "2027-03-26T02:30:00"}
    return (TriggerSpec(kind=TriggerKind.DAILY, name="Nightly", rule=rule, **more),)


def job(acme, person, triggers, by="acme-operator", overlap=Overlap.ALLOW):
    chosen = make.devices(acme, "linux")
    return make.job(person(by), make.template(acme), chosen, triggers=triggers, overlap=overlap)[0]


def tick_through(first, hours, step=timedelta(minutes=23)):
    """Tick as the scheduler would, on an odd beat; return the runs."""
    runs, now = [], first
    while now <= first + timedelta(hours=hours):
        runs += make.tick(now)
        now += step
    return runs


def test_what_is_previewed_is_what_fires_each_once_over_a_clock_change(acme, person):
    found = job(acme, person, every_night(missed=MisfirePolicy.CATCH_UP, catch_up=9))
    coming = next_times.preview(found, START - timedelta(hours=1), n=4)
    assert [f"{c.occurrence.local:%m-%d %H:%M}" for c in coming] == [
        "03-26 02:30",
        "03-27 02:30",
        "03-28 03:00",
        "03-29 02:30",
    ]
    runs = tick_through(START - timedelta(hours=1), 24 * 3 + 2)
    assert [run.scheduled_for for run in runs] == [c.occurrence.at for c in coming]
    assert {run.status for run in runs} == {"queued"}


def test_a_filter_strikes_out_and_nothing_fires_then(acme, person):
    row = ScheduleFilter.objects.create(
        tenant=acme, name="Freeze", time_zone="Europe/Berlin", rules=[{"mode": "exclude", "dates": ["2027-03-27"]}]
    )
    found = job(acme, person, every_night(schedule_filter=row.pk, missed=MisfirePolicy.CATCH_UP, catch_up=9))
    coming = next_times.preview(found, START - timedelta(hours=1), n=3)
    assert [c.removed_by for c in coming] == ["", "Freeze", ""]
    runs = tick_through(START - timedelta(hours=1), 50)
    assert [run.scheduled_for for run in runs] == [c.occurrence.at for c in coming if not c.removed_by]


def test_a_filter_that_removes_everything_is_refused_at_submit(acme, person):
    row = filters.save_filter(by=None, tenant=acme, name="All", rules=[{"mode": "only", "dates": ["2001-01-01"]}])
    with pytest.raises(Invalid, match="removes all its timings"):
        job(acme, person, every_night(schedule_filter=row.pk))


def test_a_parents_filter_may_be_used_below_and_a_siblings_not(acme, person, tenant):
    parents = filters.save_filter(
        by=None, tenant=tenant("msp_12"), name="MSP", rules=[{"mode": "exclude", "yearly": ["12-24"]}]
    )
    foreign = ScheduleFilter.objects.get(tenant=tenant("globex"), name="Holidays")
    assert job(acme, person, every_night(schedule_filter=parents.pk)).triggers.get().schedule_filter == parents
    with pytest.raises(Invalid, match="no such schedule filter"):
        job(acme, person, every_night(schedule_filter=foreign.pk))


@pytest.mark.parametrize(
    "policy,more,fate",
    [
        (MisfirePolicy.SKIP, {}, ["skipped"] * 6),
        (MisfirePolicy.ONCE, {"grace_minutes": 15}, ["skipped"] * 5 + ["queued"]),
        (MisfirePolicy.ONCE, {"grace_minutes": 5}, ["skipped"] * 6),
        (MisfirePolicy.CATCH_UP, {"catch_up": 3}, ["skipped"] * 3 + ["queued"] * 3),
    ],
)
def test_after_three_hours_of_silence_each_policy_does_what_it_says(policy, more, fate, acme, person):
    rule = {"kind": "every", "time_zone": "UTC", "start_at": "2027-01-01T00:00:00", "interval": "PT30M"}
    job(acme, person, (TriggerSpec(kind=TriggerKind.EVERY, name="Often", rule=rule, missed=policy, **more),))
    start = datetime(2027, 1, 1, tzinfo=UTC)
    assert [run.status for run in make.tick(start)] == ["queued"]
    runs = make.tick(start + timedelta(hours=3, minutes=10))
    assert [run.status for run in runs] == fate
    assert [run.scheduled_for for run in runs] == [start + timedelta(minutes=30 * n) for n in range(1, 7)]
    assert all("Missed" in run.reason for run in runs if run.status == "skipped")
    assert Trigger.objects.get(job=runs[0].job).next_run_at == start + timedelta(hours=3, minutes=30)


def test_a_second_scheduler_finds_nothing_left(acme, person):
    job(acme, person, every_night())
    assert len(make.tick(START)) == 1
    assert make.tick(START) == []
    assert JobRun.objects.count() == 1


def test_one_run_per_occurrence_is_held_by_the_database(acme, person):
    from django.db import IntegrityError, transaction

    job(acme, person, every_night())
    (run,) = make.tick(START)
    copy = JobRun.objects.get(pk=run.pk)
    copy.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        copy.save()


def test_every_missed_occurrence_gets_exactly_one_verdict():
    due = [START + timedelta(minutes=n) for n in range(10)]
    now = due[-1] + timedelta(seconds=30)
    for policy in MisfirePolicy:
        verdicts = judge(due, now, policy, grace=timedelta(minutes=15), most=3)
        assert [v.at for v in verdicts] == due and verdicts[-1].reason == ""


def test_an_edit_replaces_the_triggers_and_keeps_the_history(acme, person):
    operator = person("acme-operator")
    found = job(acme, person, every_night())
    make.tick(START)
    copy = drafts.start_editing(by=operator, job=found)
    saved, _ = drafts.submit_job(by=operator, draft=copy)
    live = Trigger.objects.filter(job=saved, enabled=True)
    assert live.count() == 1 and live.get().next_run_at is not None
    assert saved.runs.count() == 1 and saved.runs.get().trigger is not None


class TestTheApiDoor:
    RULE = {"kind": "daily", "time_zone": "Europe/Berlin", "start_at": "2027-03-27T02:30:00"}

    def ask(self, api, name="acme-operator", **body):
        return api(name).post("/api/v1/upcoming/", {"after": "2027-03-27T12:00:00Z", "n": 2, **body}, format="json")

    def test_it_answers_with_instants_wall_clocks_notes_and_filters(self, api, db):
        inline = {
            "name": "No Mondays",
            "time_zone": "Europe/Berlin",
            "rules": [{"mode": "exclude", "weekdays": ["monday"]}],
        }
        assert self.ask(api, triggers=[self.RULE], filters=[inline]).json() == {
            "occurrences": [
                {
                    "at": "2027-03-28T01:00:00Z",
                    "local": "2027-03-28T03:00:00+02:00",
                    "trigger": 0,
                    "note": "02:30 does not exist on 28 March 2027: runs 03:00",
                    "removed_by": None,
                },
                {
                    "at": "2027-03-29T00:30:00Z",
                    "local": "2027-03-29T02:30:00+02:00",
                    "trigger": 0,
                    "note": None,
                    "removed_by": "No Mondays",
                },
            ]
        }

    def test_triggers_are_merged_in_order(self, api, db):
        cron = {"kind": "cron", "time_zone": "UTC", "start_at": "2027-01-01T00:00:00", "expression": "0 1 * * *"}
        found = self.ask(api, triggers=[self.RULE, cron], n=4).json()["occurrences"]
        assert [(o["at"], o["trigger"]) for o in found] == [
            ("2027-03-28T01:00:00Z", 0),
            ("2027-03-28T01:00:00Z", 1),
            ("2027-03-29T00:30:00Z", 0),
            ("2027-03-29T01:00:00Z", 1),
        ]

    @pytest.mark.parametrize(
        "change,field",
        [
            ({"kind": "hourly"}, "triggers.0.kind"),
            ({"time_zone": "Mars/Base"}, "triggers.0.time_zone"),
            ({"start_at": "tomorrow"}, "triggers.0.start_at"),
            ({"start_at": "2027-03-27T02:30:00Z"}, "triggers.0.start_at"),
            ({"every": 0}, "triggers.0.every"),
            ({"every": "2.5"}, "triggers.0.every"),
            ({"anchor": "moon"}, "triggers.0.anchor"),
            ({"weekdays": ["monday"]}, "triggers.0.weekdays"),
            ({"max_count": 0}, "triggers.0.max_count"),
            ({"end_at": "2020-01-01T00:00:00"}, "triggers.0.end_at"),
            ({"kind": "weekly", "weekdays": []}, "triggers.0.weekdays"),
            ({"kind": "monthly", "days": [31], "months": [4]}, "triggers.0.days"),
            ({"kind": "every", "interval": "90"}, "triggers.0.interval"),
            ({"kind": "cron", "expression": "0 0 30 2 *"}, "triggers.0.expression"),
        ],
    )
    def test_what_cannot_be_is_a_400_with_the_field_named(self, change, field, api, db):
        answer = self.ask(api, triggers=[{**self.RULE, **change}])
        assert answer.status_code == 400 and list(answer.json()["errors"]) == [field]

    def test_a_foreign_filter_is_as_unknown_as_none(self, api, tenant):
        foreign = ScheduleFilter.objects.get(tenant=tenant("globex"), name="Holidays")
        answers = [self.ask(api, triggers=[self.RULE], filters=[pk]) for pk in (foreign.pk, 99999)]
        assert answers[0].status_code == 400 and answers[0].json() == answers[1].json()

    def test_a_job_takes_several_named_triggers(self, api, acme):
        from devices.models import Agent

        body = {
            "template": make.template(acme).pk,
            "name": "Two",
            "description": "x",
            "agent": Agent.objects.get(tenant=acme).pk,
            "selection": {"devices": [str(make.devices(acme)[0].pk)]},
            "triggers": [
                {**self.RULE, "name": "Night"},
                {"kind": "cron", "start_at": "2027-01-01T00:00:00", "expression": "@weekly", "name": "Week"},
            ],
        }
        made = api("acme-operator").post("/api/v1/jobs/", body, format="json")
        assert made.status_code == 201 and made.json()["next_run_at"]
        assert set(Trigger.objects.filter(job=made.json()["id"]).values_list("name", flat=True)) == {"Night", "Week"}
        bad = api("acme-operator").post(
            "/api/v1/jobs/",
            {
                **body,
                "name": "Bad",
                "triggers": [{"kind": "weekly", "start_at": "2027-01-01T00:00:00", "weekdays": []}],
            },
            format="json",
        )
        assert list(bad.json()["errors"]) == ["triggers.weekdays"]


@pytest.mark.parametrize(
    "lines,at,removed",
    [
        ("exclude 2027-12-24", "2027-12-24T12:00", True),
        ("exclude yearly 12-24", "2031-12-24T12:00", True),
        ("exclude yearly 12-24", "2031-12-25T12:00", False),
        ("exclude 2027-12-24..2028-01-02", "2028-01-02T23:59", True),
        ("exclude saturday sunday", "2027-03-27T12:00", True),
        ("exclude 22:00-06:00", "2027-03-25T23:00", True),
        ("exclude 22:00-06:00", "2027-03-25T05:59", True),
        ("exclude 22:00-06:00", "2027-03-25T06:00", False),
        ("only monday 08:00-18:00", "2027-03-29T12:00", False),
        ("only monday 08:00-18:00", "2027-03-30T12:00", True),
        ("only monday 08:00-18:00", "2027-03-29T18:00", True),
    ],
)
def test_filter_lines_mean_what_they_say(lines, at, removed):
    from zoneinfo import ZoneInfo

    from jobs.domain.filters import filter_from

    rules = filters.rules_from_lines(lines)
    assert filters.lines_from_rules(rules) == lines
    found = filter_from({"name": "f", "time_zone": "Europe/Berlin", "rules": rules})
    assert found.removes(datetime.fromisoformat(at).replace(tzinfo=ZoneInfo("Europe/Berlin"))) is removed


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "remove 2027-12-24",
        "exclude",
        "exclude someday",
        "exclude 25:00-26:00",
        "exclude yearly 13-40",
        "only 2027-99-99",
    ],
)
def test_a_filter_line_that_is_not_understood_is_refused(lines):
    from jobs.domain.recurrence import ImpossibleRule

    with pytest.raises(ImpossibleRule):
        filters.rules_from_lines(lines)


def one_trigger(values, number=0):
    """Return the posted schedule step with one trigger."""
    given = {"time_zone": "Europe/Berlin", "enabled": "on", **values}
    return {"execute": "schedule", "order": str(number), "visibility": "public", "overlap": "queue"} | {
        f"t{number}-{name}": value for name, value in given.items()
    }


@pytest.mark.parametrize(
    "values,words",
    [
        ({"kind": "every", "interval": "90", "unit": "M"}, "Every 90 minutes from 2027-05-01 09:00"),
        (
            {"kind": "daily", "every": "2", "anchor": "month_start"},
            "Every 2 days counted from the 1st of each month at 09:00",
        ),
        ({"kind": "weekly", "weekdays": ["sunday", "tuesday"], "every": "1"}, "Tuesday, Sunday at 09:00"),
        ({"kind": "monthly", "days": ["1", "31", "last"]}, "Day 1, 31, the last of the month at 09:00"),
        ({"kind": "monthly", "week": "second", "weekday": "sunday"}, "The second Sunday of the month at 09:00"),
        ({"kind": "cron", "expression": "*/15 * * * *"}, "Cron */15 * * * *"),
    ],
)
def test_each_kind_is_made_in_the_wizard_previewed_and_saved(values, words, acme, person, browser):
    from django.urls import reverse

    draft = make.draft(person("acme-operator"), make.template(acme), make.devices(acme, "linux"), triggers=())
    client = browser("acme-operator")
    data = one_trigger({"at": "2027-05-01T09:00", "missed": "once", **values})
    panel = client.post(reverse("wizard-live", args=[draft.pk, "schedule"]), data).content.decode()
    assert 'id="coming"' in panel and "CEST" in panel
    again = client.get(reverse("wizard", args=[draft.pk, "schedule"])).context["form"].triggers[0].shown
    assert again["kind"] == values["kind"] and str(again["at"]) == "2027-05-01 09:00:00"
    answer = client.post(reverse("wizard", args=[draft.pk, "schedule"]), {**data, "action": "submit"})
    assert answer.status_code == 302
    assert words in client.get(answer["Location"]).content.decode()


@pytest.mark.parametrize(
    "values,field",
    [
        ({"kind": "once", "at": ""}, "at"),
        ({"kind": "weekly"}, "weekdays"),
        ({"kind": "monthly"}, "days"),
        ({"kind": "cron", "expression": "nonsense"}, "expression"),
        ({"kind": "monthly", "days": ["31"], "months": ["4"]}, "days"),
        ({"kind": "every", "interval": ""}, "interval"),
        ({"kind": "daily", "end_at": "2020-01-01T00:00"}, "end_at"),
    ],
)
def test_an_impossible_schedule_is_said_beside_its_field(values, field, acme, person, browser):
    from django.urls import reverse

    draft = make.draft(person("acme-operator"), make.template(acme), make.devices(acme, "linux"), triggers=())
    data = {**one_trigger({"at": "2027-05-01T09:00", **values}), "action": "submit"}
    answer = browser("acme-operator").post(reverse("wizard", args=[draft.pk, "schedule"]), data)
    assert answer.status_code == 200 and field in answer.context["form"].triggers[0].errors
    assert "A trigger needs another look" in answer.content.decode()


def test_the_engine_previews_ten_occurrences_in_a_millisecond():
    import time
    from itertools import islice
    from statistics import median

    from jobs.domain.recurrence import upcoming
    from jobs.domain.schedule_json import schedule_from

    base = {"time_zone": "Europe/Berlin", "start_at": "2020-01-01T02:30:00"}
    rules = [
        {"kind": "every", "interval": "PT90M"},
        {"kind": "daily"},
        {"kind": "weekly", "weekdays": ["sunday"]},
        {"kind": "monthly", "days": [31]},
        {"kind": "cron", "expression": "*/15 * * * *"},
    ]
    for rule in rules:
        schedule, times = schedule_from({**base, **rule}), []
        for n in range(25):
            started = time.perf_counter()
            list(islice(upcoming(schedule, timezone.now() + timedelta(days=n)), 10))
            times.append(time.perf_counter() - started)
        assert median(times) < 0.004, (rule, median(times))  # the goal is 1 ms on an idle machine


def test_what_falls_due_before_the_next_tick_is_made_on_time_and_not_early(acme, person):
    found = job(acme, person, every_night())
    due = timezone.now() + timedelta(seconds=0.4)
    found.triggers.update(next_run_at=due)
    tasks.tick()
    run = found.runs.get()
    assert run.scheduled_for == due and timedelta(0) <= run.created_at - due < timedelta(seconds=0.3)
    found.triggers.update(next_run_at=timezone.now() + timedelta(seconds=5))
    began = time.monotonic()
    tasks.tick()
    assert time.monotonic() - began < 0.5 and found.runs.count() == 1


def test_who_asks_while_somebody_is_at_it_is_served_by_him():
    done, inside, go_on = [], threading.Event(), threading.Event()

    def work():
        inside.set()
        assert go_on.wait(5)
        done.append(threading.current_thread().name)

    single = OneAtATime(work)
    first = threading.Thread(target=single, name="first")
    first.start()
    assert inside.wait(5)
    single()  # comes back at once: the first thread looks again for it
    assert done == []
    go_on.set()
    first.join(5)
    assert done == ["first", "first"]
