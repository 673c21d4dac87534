"""Several triggers in the wizard, what is ahead of a stored job, the calendar page, its feed, and holiday files."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
from django.urls import reverse
from django.utils import timezone

from jobs.authoring import drafts
from jobs.authoring.conflicts import collisions
from jobs.domain.holidays import read_holidays
from jobs.domain.recurrence import ImpossibleRule
from jobs.domain.spec import TriggerKind, TriggerSpec
from jobs.models import ScheduleFilter, Trigger
from jobs.plan.job_mapping import spec_of
from jobs.schedule import calendar, filters, next_times
from tests import make


def daily(hour=2, name="Nightly", zone="UTC", **more):
    tomorrow = (timezone.now() + timedelta(days=1)).date()
    rule = {"kind": "daily", "time_zone": zone, "start_at": f"{tomorrow}T{hour:02}:30:00"}
    return TriggerSpec(kind=TriggerKind.DAILY, name=name, rule=rule, **more)


def job(acme, person, *triggers, platforms=("linux",), **more):
    chosen = make.devices(acme, *platforms)
    return make.job(person("acme-operator"), make.template(acme), chosen, triggers=triggers, **more)[0]


def posted(*triggers, **more):
    data = {
        "execute": "schedule",
        "visibility": "public",
        "overlap": "skip",
        "order": ",".join(str(n) for n, _ in triggers),
        **more,
    }
    for number, values in triggers:
        data |= {f"t{number}-{k}": v for k, v in {"time_zone": "Europe/Berlin", "enabled": "on", **values}.items()}
    return data


@pytest.mark.django_db
class TestSeveralTriggers:
    NIGHT = {"name": "Night", "kind": "daily", "at": "2027-05-01T02:00", "every": "1", "anchor": "start"}
    WEEK = {"name": "Week", "kind": "weekly", "at": "2027-05-01T09:00", "weekdays": ["sunday"], "every": "1"}

    @pytest.fixture
    def url(self, acme, person):
        draft = make.draft(person("acme-operator"), make.template(acme), make.devices(acme, "linux"), triggers=())
        return reverse("wizard", args=[draft.pk, "schedule"])

    def test_two_are_made_previewed_together_and_saved_with_their_names(self, url, browser):
        client = browser("acme-operator")
        answer = client.post(url, posted((0, self.NIGHT), (3, self.WEEK), in_queue="on", action="submit"), follow=True)
        page = re.sub(r">\s+<", "><", answer.content.decode())
        assert (
            "Night: Every day at 02:00" in page
            and "Week: Sunday at 09:00" in page
            and "Run in the queue</dt><dd>Yes" in page
        )
        assert set(
            Trigger.objects.filter(retired=False, name__in=["Night", "Week"]).values_list("name", flat=True)
        ) == {"Night", "Week"}
        names = [item.name for item in answer.context["coming"]]
        assert names[:2] == ["Night", "Night"] and "Week" in names

    def test_one_more_keeps_what_was_typed_and_one_less_takes_the_right_one(self, url, browser):
        client = browser("acme-operator")
        more = client.post(url, posted((0, self.NIGHT), action="add-trigger")).context["form"]
        assert [form.number for form in more.triggers] == [0, 1] and more.triggers[0]["name"].value() == "Night"
        less = client.post(url, posted((0, self.NIGHT), (1, self.WEEK), action="drop-trigger-0")).context["form"]
        assert [form["name"].value() for form in less.triggers] == ["Week"]
        again = client.get(url).context["form"]
        assert [form["name"].value() for form in again.triggers] == ["Week"], "the draft keeps it"

    def test_a_wrong_one_is_named_and_the_right_one_is_kept(self, url, browser):
        broken = {**self.WEEK, "weekdays": []}
        answer = browser("acme-operator").post(url, posted((0, self.NIGHT), (1, broken), action="submit"))
        first, second = answer.context["form"].triggers
        assert answer.status_code == 200 and not first.errors and list(second.errors) == ["weekdays"]
        assert second["name"].value() == "Week"

    def test_a_switched_off_trigger_stays_and_does_not_fire(self, acme, person):
        found = job(acme, person, daily(), daily(4, "Off", enabled=False))
        assert [t["row"].name for t in next_times.described(found)] == ["Nightly", "Off"]
        assert {item.name for item in next_times.preview(found, timezone.now())} == {"Nightly"}
        assert found.triggers.get(name="Off").next_run_at is None
        assert [t.enabled for t in spec_of(found).triggers] == [True, False]

    def test_an_edit_does_not_bring_fired_triggers_back(self, acme, person):
        operator = person("acme-operator")
        found = job(acme, person, daily())
        make.tick(found.triggers.get().next_run_at)
        for _ in range(2):
            saved, _ = drafts.submit_job(by=operator, draft=drafts.start_editing(by=operator, job=found))
        assert saved.triggers.filter(retired=False).count() == 1 and saved.triggers.filter(enabled=True).count() == 1


@pytest.mark.django_db
def test_a_stored_job_says_what_is_ahead(acme, person, api):
    frozen = filters.save_filter(by=None, tenant=acme, name="Frozen", rules=[{"mode": "exclude", "cron": "30 4 * * *"}])
    cron = {"kind": "cron", "time_zone": "UTC", "start_at": "2026-01-01T00:00:00", "expression": "30 4,5 * * *"}
    found = job(
        acme,
        person,
        daily(),
        daily(3, "Early"),
        TriggerSpec(kind=TriggerKind.CRON, name="Half", rule=cron, schedule_filter=frozen.pk),
    )
    answer = api("acme-operator").get(f"/api/v1/jobs/{found.pk}/upcoming/", {"n": 12}).json()["occurrences"]
    assert len(answer) == 12 and {row["trigger"] for row in answer} == {0, 1, 2}
    assert {row["removed_by"] for row in answer if row["at"].endswith("T04:30:00Z")} == {"Frozen"}
    assert {row["removed_by"] for row in answer if not row["at"].endswith("T04:30:00Z")} == {None}
    shown = api("acme-operator").get(f"/api/v1/jobs/{found.pk}/").json()["triggers"]
    assert [row["name"] for row in shown] == ["Nightly", "Early", "Half"] and shown[2]["filter"] == frozen.pk
    assert api("acme-operator").get(f"/api/v1/jobs/{found.pk}/upcoming/", {"n": 0}).status_code == 400


@pytest.mark.django_db
def test_another_job_on_the_same_devices_at_about_the_same_time_is_told(acme, person):
    other = job(acme, person, daily(2, "Other"))
    job(acme, person, daily(12, "Far away"))
    job(acme, person, daily(2, "Elsewhere"), platforms=("cisco_ios",))
    mine = job(acme, person, daily(2, "Mine"), platforms=("linux", "arista_eos"))
    operator = person("acme-operator")
    found = collisions(mine, operator, next_times.preview(mine, timezone.now()))
    assert [(c.job.pk, c.devices) for c in found] == [(other.pk, 1)]
    make.job(
        person("acme-admin"),
        make.template(acme),
        make.devices(acme, "linux"),
        triggers=(daily(),),
        visibility="private",
    )
    assert len(collisions(mine, operator, next_times.preview(mine, timezone.now()))) == 1, (
        "a private job is not betrayed"
    )


@pytest.mark.django_db
class TestThePage:
    def days(self, answer):
        return {day.date.isoformat(): day for day in answer.context["days"]}

    def test_it_shows_runs_plans_and_shaded_filters_in_the_zone(self, acme, person, browser):
        tomorrow = timezone.now().date() + timedelta(days=1)
        frozen = filters.save_filter(
            by=None, tenant=acme, name="Frozen", rules=[{"mode": "exclude", "dates": [str(tomorrow)]}]
        )
        found = job(acme, person, daily(schedule_filter=frozen.pk))
        client = browser("acme-operator")
        answer = client.get(reverse("calendar"), {"day": str(tomorrow), "zone": "UTC"})
        day = self.days(answer)[str(tomorrow)]
        assert day.shut == ["Frozen"] and [e.status for e in day.entries if found.name in e.title] == ["Removed"]
        after = tomorrow + timedelta(days=1)
        week = client.get(reverse("calendar"), {"view": "week", "day": str(after), "zone": "Asia/Kolkata"})
        (entry,) = [e for e in self.days(week)[str(after)].entries if found.name in e.title]
        assert (entry.status, f"{entry.at:%H:%M}") == ("Planned", "08:00")
        run = make.tick(found.triggers.get().next_run_at)[0]
        page = client.get(reverse("calendar"), {"day": str(run.scheduled_for.date()), "zone": "UTC"}).content.decode()
        assert f'href="/runs/{run.pk}/"' in page

    @pytest.mark.parametrize(
        "query", [{"day": "x"}, {"day": "0001-01-01"}, {"zone": "Mars"}, {"view": "year"}, {"day": "2027-02-30"}]
    )
    def test_nonsense_in_the_address_shows_today(self, query, acme, browser):
        assert browser("acme-operator").get(reverse("calendar"), query).status_code == 200

    def test_a_dense_trigger_is_looked_up_day_by_day(self, acme, person, django_assert_max_num_queries):
        rule = {"kind": "every", "time_zone": "UTC", "start_at": "2026-01-01T00:00:00", "interval": "PT1M"}
        found = job(acme, person, TriggerSpec(kind=TriggerKind.EVERY, name="Dense", rule=rule))
        first = datetime.combine(timezone.now().date() + timedelta(days=1), datetime.min.time(), UTC)
        rows = found.triggers.all()
        entries = calendar.planned(rows, first, first + timedelta(days=30), ZoneInfo("UTC"))
        assert len(entries) == 90 and [e.more for e in entries[:3]] == [False, False, True]
        assert {f"{e.at:%H:%M}" for e in entries} == {"00:00", "00:01", "00:02"}

    def test_others_see_nothing_of_it(self, acme, person, browser):
        found = job(acme, person, daily())
        page = browser("globex-operator").get(
            reverse("calendar"), {"day": str(timezone.now().date() + timedelta(days=1))}
        )
        assert found.name not in page.content.decode()


@pytest.mark.django_db
class TestTheFeed:
    def feed(self, browser, client):
        page = (
            browser("acme-operator")
            .post(reverse("tokens"), {"name": "My calendar", "purpose": "calendar"})
            .content.decode()
        )
        address = page.split("/calendar/feed/")[1].split("<")[0]
        client.logout()
        return f"/calendar/feed/{address}"

    def test_a_calendar_program_reads_plans_and_runs_without_signing_in(self, acme, person, browser, client):
        found = job(acme, person, daily())
        answer = client.get(self.feed(browser, client))
        events = [
            e for e in icalendar.Calendar.from_ical(answer.content).walk("VEVENT") if found.name in str(e["SUMMARY"])
        ]
        assert answer["Content-Type"].startswith("text/calendar") and 55 <= len(events) <= 61
        assert events[0]["DTSTART"].dt == found.triggers.get().next_run_at
        assert len({str(e["UID"]) for e in events}) == len(events)

    def test_its_secret_opens_nothing_else_and_dies_with_its_owner(self, acme, person, browser, client, api):
        url = self.feed(browser, client)
        from rest_framework.test import APIClient

        other = APIClient()
        other.credentials(HTTP_AUTHORIZATION=f"Bearer {url.split('/')[-1].removesuffix('.ics')}")
        assert other.get("/api/v1/jobs/").status_code == 401
        assert client.get("/calendar/feed/demo-acme-operator.ics").status_code == 404, "an API token is no feed"
        operator = person("acme-operator")
        operator.is_active = False
        operator.save()
        assert client.get(url).status_code == 404


ICS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//x//y//EN
BEGIN:VEVENT
UID:1
SUMMARY:Good Friday
DTSTART;VALUE=DATE:20270326
DTEND;VALUE=DATE:20270327
END:VEVENT
BEGIN:VEVENT
UID:2
SUMMARY:Shutdown
DTSTART;VALUE=DATE:20271224
DTEND;VALUE=DATE:20280102
END:VEVENT
BEGIN:VEVENT
UID:3
SUMMARY:Christmas
DTSTART;VALUE=DATE:20201225
DTEND;VALUE=DATE:20201227
RRULE:FREQ=YEARLY
END:VEVENT
END:VCALENDAR
"""


@pytest.mark.parametrize(
    "data,rules",
    [
        (ICS, [{"dates": ["2027-03-26"]}, {"range": ["2027-12-24", "2028-01-01"]}, {"yearly": ["12-25", "12-26"]}]),
        (
            "\ufeffDate;Name\r\n24.12.2027;Heiligabend\r\n2028-01-01;New Year\r\n",
            [{"dates": ["2027-12-24", "2028-01-01"]}],
        ),
        ("2027-12-24,Eve\n2027-12-24,Eve again\n", [{"dates": ["2027-12-24"]}]),
    ],
)
def test_holidays_are_read_from_both_kinds_of_file(data, rules):
    assert read_holidays(data.encode()) == [{"mode": "exclude", **rule} for rule in rules]


@pytest.mark.parametrize(
    "data,word",
    [
        ("", "no date"),
        ("name\n", "no date"),
        ("2027-12-24,x\nsoon,y\n", "Line 2"),
        ("x" * 1_000_001, "1 MB"),
        ("12/24/2027,x", "Line 1"),
        (ICS.replace("FREQ=YEARLY", "FREQ=YEARLY;BYDAY=1MO"), "Christmas"),
        ("BEGIN:VCALENDAR\nnonsense", "cannot be read|can be read"),
        (ICS.replace("DTSTART;VALUE=DATE:20270326\n", ""), "no start"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(data, word):
    with pytest.raises(ImpossibleRule, match=word):
        read_holidays(data.encode())


@pytest.mark.django_db
def test_the_filter_page_adds_the_days_of_a_file_to_the_rules(acme, browser):
    from django.core.files.uploadedfile import SimpleUploadedFile

    data = {
        "name": "Feast days",
        "time_zone": "Europe/Berlin",
        "rules": "exclude saturday sunday",
        "holidays": SimpleUploadedFile("h.ics", ICS.encode()),
    }
    client = browser("acme-admin")
    page = client.get(reverse("new-filter"))
    owner = page.context["form"].fields.get("tenant")
    assert client.post(reverse("new-filter"), {**data, **({"tenant": acme.pk} if owner else {})}).status_code == 302
    row = ScheduleFilter.objects.get(name="Feast days")
    assert filters.lines_from_rules(row.rules).splitlines() == [
        "exclude saturday sunday",
        "exclude 2027-03-26",
        "exclude 2027-12-24..2028-01-01",
        "exclude yearly 12-25 12-26",
    ]
    bad = client.post(
        reverse("edit-filter", args=[row.pk]), {**data, "holidays": SimpleUploadedFile("h.csv", b"soon\n1.x,y")}
    )
    assert bad.status_code == 200 and "holidays" in bad.context["form"].errors
