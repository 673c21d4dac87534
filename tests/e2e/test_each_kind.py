"""Each kind of trigger, made in a browser: the preview, the struck-out holiday, and exactly the previewed occurrence
executed."""

import json
import time
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.conftest import sign_in
from tests.e2e.test_main_job import choose_template, details, go_on, pick

#: Making all the jobs in the browser takes less than this.
LEAD = timedelta(seconds=75)


def call(demo, path, who="acme-operator", **body):
    """Ask the API; a body makes it a POST."""
    data = json.dumps(body).encode() if body else None
    headers = {"Authorization": f"Bearer demo-{who}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{demo.url}/api/v1/{path}", data, headers)) as answer:
        return json.load(answer)


def kinds(due):
    """Return, for each kind, what to enter so that it fires first at `due`, and a day on which it would fire again."""
    later = due.replace(year=due.year + (due.month == 12), month=due.month % 12 + 1, day=min(due.day, 28))
    week = ["first", "second", "third", "fourth", "last"][min((due.day - 1) // 7, 4)]
    day = f"{due:%A}".lower()
    found = {
        "once": (lambda page: None, None),
        "every": (
            lambda page: (page.fill("[name=t0-interval]", "2"), page.select_option("[name=t0-unit]", "D")),
            due + timedelta(days=2),
        ),
        "daily": (lambda page: page.fill("[name=t0-every]", "3"), due + timedelta(days=3)),
        "weekly": (lambda page: page.check(f"[name=t0-weekdays][value={day}]"), due + timedelta(days=7)),
        "monthly": (
            lambda page: (page.select_option("[name=t0-week]", week), page.select_option("[name=t0-weekday]", day)),
            None,
        ),
        "cron": (
            lambda page: page.fill("[name=t0-expression]", f"{due.minute} {due.hour} * * *"),
            due + timedelta(days=1),
        ),
    }
    if due.day <= 28:
        found["monthly"] = (lambda page: page.check(f"[name=t0-days][value='{due.day}']"), later)
    return found


def make(page, kind, enter, due, holidays):
    """Make a job in the wizard; return its URL and the preview's [(instant, struck out, text)]."""
    choose_template(page, "Compliance Check – Routers")
    details(page, f"Kind {kind}")
    pick(page, "acme-sw01")
    go_on(page)
    page.wait_for_selector("legend:has-text('Tasks')")
    go_on(page)
    page.wait_for_selector("text=Schedule Details")
    page.check("[name=execute][value=schedule]")
    page.select_option("[name=t0-kind]", kind)
    page.fill("[name=t0-at]", f"{due:%Y-%m-%dT%H:%M}")
    page.select_option("[name=t0-time_zone]", "UTC")
    page.select_option("[name=t0-schedule_filter]", label=holidays)
    with page.expect_response(lambda answer: "/live/" in answer.url):
        enter(page)
        page.fill("[name=t0-name]", kind)
    page.wait_for_selector(f"#coming li[data-at^='{due:%Y-%m-%dT%H:%M}']")
    rows = page.locator("#coming li").all()
    shown = [
        (row.get_attribute("data-at"), "removed" in (row.get_attribute("class") or ""), row.inner_text())
        for row in rows
    ]
    go_on(page)
    page.wait_for_selector("text=Coming runs")
    return page.url, shown


@pytest.mark.timeout(300)
def test_every_kind_fires_exactly_as_previewed(page, demo):
    due = (datetime.now(UTC) + LEAD + timedelta(minutes=1)).replace(second=0, microsecond=0)
    plans = kinds(due)
    dates = [f"{again:%Y-%m-%d}" for _, again in plans.values() if again]
    call(
        demo,
        "schedule-filters/",
        "acme-admin",
        tenant=call(demo, "tenants/?search=acme")["results"][0]["id"],
        name="Feasts",
        time_zone="UTC",
        rules=[{"mode": "exclude", "dates": dates}],
    )
    sign_in(page, "acme-operator")
    before, jobs = len(demo.executed()), {}
    for kind, (enter, again) in plans.items():
        url, shown = make(page, kind, enter, due, "Feasts")
        jobs[kind] = (url.rstrip("/").split("/")[-1], shown)
        assert datetime.fromisoformat(shown[0][0]) == due and not shown[0][1]
        if again:
            struck = {at[:10]: text for at, removed, text in shown if removed}
            assert "removed by Feasts" in struck[f"{again:%Y-%m-%d}"], (kind, shown)
    assert datetime.now(UTC) < due, "making the jobs took too long for this test"
    time.sleep((due - datetime.now(UTC)).total_seconds())
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        runs = call(demo, "runs/?page_size=50")["results"]
        mine = {run["job"]: run for run in runs if run["job"] in {pk for pk, _ in jobs.values()}}
        if len(mine) == len(jobs) and all(run["status"] in ("succeeded", "failed", "skipped") for run in mine.values()):
            break
        time.sleep(0.5)
    for kind, (pk, shown) in jobs.items():
        fired = [run for run in runs if run["job"] == pk]
        assert [datetime.fromisoformat(run["scheduled_for"]) for run in fired] == [due], kind
        assert fired[0]["status"] == "succeeded" and datetime.fromisoformat(fired[0]["started_at"]) >= due, fired
        ahead = call(demo, f"jobs/{pk}/upcoming/?n=10")["occurrences"]
        promised = [datetime.fromisoformat(at) for at, _, _ in shown[1:]]
        assert [datetime.fromisoformat(row["at"]) for row in ahead][: len(promised)] == promised, kind
    executed = [row["command"] for row in demo.executed(before)]
    assert executed.count("show version") == len(jobs)
