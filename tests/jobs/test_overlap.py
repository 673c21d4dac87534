"""Runs that meet others: overlap policies, the queue, waiting and waking; and the worker's tick for a silent beat."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from devices.channels.webhook import WEBHOOK
from devices.models import OutboxMessage
from devices.services import channels
from jobs import control
from jobs.dispatch import dispatcher, starter
from jobs.domain.overlap import Ahead, Overlap, Turn, turn
from jobs.domain.spec import once_at
from jobs.models import DeviceRun, JobRun, Pulse
from jobs.worker import completion
from tests import make

START = datetime(2027, 3, 26, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "overlap,queued,ahead,expected",
    [
        ("skip", False, [], ""),
        ("queue", False, [], ""),
        ("allow", False, [Ahead(1, True, False, False)], ""),
        ("skip", False, [Ahead(1, True, False, False)], "skip"),
        ("queue", False, [Ahead(1, True, False, False)], "wait"),
        ("queue", False, [Ahead(1, True, False, False), Ahead(2, True, False, True)], "skip"),
        ("allow", True, [Ahead(1, False, True, False)], "wait"),
        ("allow", False, [Ahead(1, False, True, False)], ""),
        ("skip", True, [Ahead(1, False, True, False)], "wait"),
        ("skip", True, [Ahead(1, True, True, True)], "skip"),
    ],
)
def test_the_turn_of_a_run(overlap, queued, ahead, expected):
    found = turn(Overlap(overlap), queued, ahead)
    assert (bool(found.wait), bool(found.skip)) == (expected == "wait", expected == "skip")
    assert found == Turn() or "1" in found.wait + found.skip or "2" in found.skip


def at(minute):
    return once_at(START + timedelta(minutes=minute))


def job(acme, person, *minutes, **more):
    triggers = tuple(at(minute) for minute in minutes)
    return make.job(
        person("acme-operator"), make.template(acme), make.devices(acme, "linux"), triggers=triggers, **more
    )[0]


def finish(run):
    make.end(DeviceRun.objects.filter(run=run), ended_at=timezone.now())
    JobRun.objects.filter(pk=run.pk, status="queued").update(status="running")  # as the claim of its devices does
    completion.complete([run.pk])


def fates(job=None):
    rows = JobRun.objects.filter(job=job) if job else JobRun.objects.all()
    return list(rows.order_by("pk").values_list("status", flat=True))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "overlap,first,after",
    [
        (Overlap.ALLOW, ["queued"] * 3, ["succeeded", "queued", "queued"]),
        (Overlap.SKIP, ["queued", "skipped", "skipped"], ["succeeded", "skipped", "skipped"]),
        (Overlap.QUEUE, ["queued", "waiting", "skipped"], ["succeeded", "queued", "skipped"]),
    ],
)
def test_each_overlap_policy_does_what_it_says(overlap, first, after, acme, person):
    found = job(acme, person, 0, 1, 2, overlap=overlap)
    for minute in range(3):
        make.tick(START + timedelta(minutes=minute))
    assert fates(found) == first
    finish(JobRun.objects.filter(job=found).earliest("pk"))
    starter.start_queued()
    assert fates(found) == after
    assert all(run.reason for run in JobRun.objects.filter(job=found, status__in=["skipped", "waiting"]))


@pytest.mark.django_db
def test_queued_jobs_go_one_at_a_time_first_in_first_out(acme, person):
    jobs = [job(acme, person, minute, in_queue=True) for minute in (2, 0, 1)]
    free = job(acme, person, 0)
    make.tick(START + timedelta(minutes=2, seconds=1))
    order = [jobs[1], jobs[2], jobs[0]]
    assert fates(free) == ["queued"]
    for turn_of in range(3):
        starter.start_queued()
        assert [fates(found)[0] for found in order] == ["succeeded"] * turn_of + ["queued"] + ["waiting"] * (
            2 - turn_of
        )
        finish(order[turn_of].runs.get())
    assert JobRun.objects.get(job=order[2]).planned_at is not None


@pytest.mark.django_db
def test_a_cancelled_run_frees_the_one_that_waits_and_a_waiting_run_can_be_cancelled(acme, person):
    operator = person("acme-operator")
    found = job(acme, person, 0, 1)
    first, second = [run for minute in (0, 1) for run in make.tick(START + timedelta(minutes=minute))]
    assert fates(found) == ["queued", "waiting"]
    control.cancel_run(by=operator, run=second, now=timezone.now())
    assert fates(found) == ["queued", "cancelled"]
    third = starter.run_now(by=operator, job=found, now=timezone.now())
    assert third.status == "waiting"
    control.cancel_run(by=operator, run=first, now=timezone.now())
    starter.start_queued()
    assert fates(found) == ["cancelled", "cancelled", "queued"]


@pytest.mark.django_db
def test_who_cancels_what_nobody_has_planned_yet_tells_of_it(acme, person):
    admin = person("acme-admin")
    channels.save_channel(by=admin, tenant=acme, channel=WEBHOOK, secrets={}, name="Hook", url="https://acme.example/")
    found = job(acme, person, 0)
    assert dispatcher.dispatch_due(now=START) == 1
    run = JobRun.objects.get(job=found, planned_at=None)
    control.cancel_run(by=admin, run=run, now=timezone.now())
    (told,) = OutboxMessage.objects.filter(event="completed")
    assert told.key == f"run:{run.pk}:completed" and "Cancelled before it started." in told.text


@pytest.mark.django_db
def test_the_tick_wakes_what_was_left_waiting(acme, person):
    found = job(acme, person, 0, 1)
    first, _ = [run for minute in (0, 1) for run in make.tick(START + timedelta(minutes=minute))]
    make.end(JobRun.objects.filter(pk=first.pk))  # its end told nobody: the worker died right then
    make.tick(START + timedelta(minutes=3))
    assert fates(found) == ["succeeded", "queued"]


@pytest.mark.django_db
def test_a_run_that_is_not_planned_yet_is_not_taken_for_an_ended_one(acme, person):
    found = job(acme, person, 0)
    assert dispatcher.dispatch_due(now=START) == 1
    run = JobRun.objects.get(job=found)
    completion.complete([run.pk])
    run.refresh_from_db()
    assert run.status == "queued" and run.planned_at is None


@pytest.mark.django_db
def test_runs_that_nobody_planned_are_found_without_a_hint(acme, person):
    job(acme, person, 0)
    dispatcher.dispatch_due(now=START)
    assert not starter.any_forgotten(now=START + timedelta(seconds=1))
    assert starter.any_forgotten(now=START + timedelta(seconds=3))
    starter.start_queued(now=START)
    assert not starter.any_forgotten(now=START + timedelta(seconds=3))


@pytest.mark.django_db
def test_a_worker_ticks_for_a_silent_beat_and_only_then(acme, person):
    found = job(acme, person, 0)
    dispatcher.beat_ticked(now=START - timedelta(seconds=14))
    assert not dispatcher.tick_if_beat_is_silent(now=START)
    assert dispatcher.tick_if_beat_is_silent(now=START + timedelta(seconds=2))
    assert fates(found) == ["queued"] and found.runs.get().planned_at is not None
    assert not dispatcher.tick_if_beat_is_silent(now=START + timedelta(seconds=3)), "another worker just did"
    assert Pulse.objects.get().beat_at == START - timedelta(seconds=14)


@pytest.mark.django_db
def test_an_occurrence_that_has_its_run_does_not_get_another_when_the_clock_goes_back(acme, person):
    found = job(acme, person, 0)
    make.tick(START)
    found.triggers.update(next_run_at=START)
    assert make.tick(START) == [] and JobRun.objects.filter(job=found).count() == 1
