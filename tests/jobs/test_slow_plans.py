"""A template that spins costs its tenant an error: nobody else waits for it, and no transaction is open meanwhile."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from config.errors import Conflict
from devices.models import Device, Network
from jobs.dispatch import starter
from jobs.domain.spec import once_at
from jobs.models import JobRun
from jobs.plan import builder
from templates_app.domain import rendering
from tests import make

START = datetime(2031, 3, 3, 9, 0, tzinfo=UTC)
#: Some tenth of a second on each device.
SPINS = (
    "{% for i in range(1000) %}{% for j in range(300) %}{% if device %}{% endif %}{% endfor %}{% endfor %}show clock"
)
ONCE = (once_at(START),)


@pytest.fixture
def depths(monkeypatch):
    """Note of each rendering how deep in transactions it was, and how many steps it took."""
    found, really = [], rendering.Renderer._rendered

    def rendered(self, text, values):
        before = self.left.steps
        try:
            return really(self, text, values)
        finally:
            found.append((len(connection.savepoint_ids), before - self.left.steps))

    monkeypatch.setattr(rendering.Renderer, "_rendered", rendered)
    return found


def devices(tenant, count):
    """Return so many devices of a tenant, made anew."""
    network = Network.objects.filter(tenant=tenant).first()
    credential = make.devices(tenant, "cisco_ios")[0].credential
    rows = [
        Device(
            tenant=tenant,
            name=f"slow-{n}",
            address=f"198.51.100.{n}",
            platform="cisco_ios",
            network=network,
            credential=credential,
        )
        for n in range(count)
    ]
    Device.objects.bulk_create(rows, ignore_conflicts=True)
    return list(Device.objects.filter(tenant=tenant, name__startswith="slow-").order_by("name")[:count])


def job(by, tenant, text, name, count=1, **more):
    found = make.new_template(tenant, {"cisco_ios": text}, name=name)
    chosen = devices(tenant, count)
    return make.job(by, found, chosen, triggers=ONCE, name=name, **more)[0]


@pytest.mark.django_db
def test_a_slow_plan_is_made_outside_of_transactions_and_after_those_of_others(acme, tenant, person, depths):
    spinning = job(person("acme-operator"), acme, SPINS, "Spins", count=8)
    plain = job(person("globex-operator"), tenant("globex"), "show clock", "Plain")
    here = len(connection.savepoint_ids)
    depths.clear()
    make.tick(START + timedelta(seconds=1))
    slow, quick = (JobRun.objects.get(job=found) for found in (spinning, plain))
    assert (slow.status, quick.status) == ("queued", "queued") and slow.device_count == 8
    assert slow.pk < quick.pk and slow.planned_at >= quick.planned_at
    in_transactions = sum(steps for depth, steps in depths if depth > here)
    assert in_transactions <= starter.STEPS_PER_TRANSACTION < sum(steps for _, steps in depths)
    assert all(row.plan.steps[-1].commands == ("show clock",) for row in slow.device_runs.all())


@pytest.mark.django_db
def test_a_template_that_never_ends_is_that_runs_failure_and_nobody_elses(acme, tenant, person):
    spinning = [job(person("acme-operator"), acme, SPINS, f"Spins {n}", count=40) for n in range(2)]
    plain = job(person("globex-operator"), tenant("globex"), "show clock", "Plain")
    started = time.thread_time()
    make.tick(START + timedelta(seconds=1))
    assert time.thread_time() - started < 30
    assert JobRun.objects.get(job=plain).status == "queued"
    for found in spinning:
        run = JobRun.objects.get(job=found)
        assert (run.status, run.reason) == ("skipped", builder.TOO_MUCH)


@pytest.mark.django_db
def test_a_person_who_starts_a_slow_job_waits_for_no_plan(acme, person, wakeups, depths):
    operator = person("acme-operator")
    spinning = job(operator, acme, SPINS, "Spins", count=8)
    depths.clear()
    wakeups.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.db.transaction.on_commit", lambda work, *given, **named: work())
        run = starter.run_now(by=operator, job=spinning, now=START)
    assert run.status == "queued" and run.planned_at is None
    assert sum(steps for _, steps in depths) <= starter.STEPS_PER_TRANSACTION
    assert ("jobs.start_runs", [], "celery") in wakeups
    starter.start_queued(now=START)
    run.refresh_from_db()
    assert run.planned_at and run.device_count == 8 and run.executed_by == operator


@pytest.mark.django_db
def test_a_plan_that_changes_while_it_is_made_is_made_again(acme, person, monkeypatch):
    spinning = job(person("acme-operator"), acme, SPINS, "Spins", count=8)
    really, made = starter._is_planned_ahead, []

    def planned(run, renderer):
        found = really(run, renderer)
        made.append(run.pk)
        if len(made) == 1:
            for device in Device.objects.filter(name__startswith="slow-"):
                device.name += "-new"
                device.save()
        return found

    monkeypatch.setattr(starter, "_is_planned_ahead", planned)
    make.tick(START + timedelta(seconds=1))
    run = JobRun.objects.get(job=spinning)
    assert run.status == "queued" and len(made) == 2
    assert all(row.device_name.endswith("-new") for row in run.device_runs.all())


@pytest.mark.django_db
def test_whoever_looks_at_such_a_plan_is_told_what_to_do(acme, person, api):
    spinning = job(person("acme-operator"), acme, SPINS, "Spins", count=40)
    with pytest.raises(Conflict, match="takes too long"):
        builder.plan_of(spinning, person("acme-operator"))
    answer = api("acme-operator").get(f"/api/v1/jobs/{spinning.pk}/plan/")
    assert answer.status_code == 409 and "takes too long" in answer.json()["detail"]
