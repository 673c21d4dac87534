"""Leases: who renews keeps its devices, who cannot hangs up, and nobody is waited for who is gone."""

import os
import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from config.errors import Conflict, Forbidden
from devices.models import Agent, Worker
from devices.services import workers
from jobs import control
from jobs.demo import world
from jobs.models import DeviceLock, DeviceRun, JobRun
from jobs.models.sql import claims
from jobs.worker import leases, recovery
from jobs.worker.journal import Journal
from tests import make
from tests.jobs.by_hand import claim, start, statuses

pytestmark = pytest.mark.django_db


class TestLeases:
    def test_a_living_worker_keeps_what_it_owns(self, acme, person):
        run = start(acme, person("acme-operator"), make.devices(acme, "linux"))
        (row,) = claim(run)
        journal = Journal(row)
        later = timezone.now() + timedelta(seconds=10)
        leases.renew(worker=row.worker, journals={row.pk: journal}, now=later)
        row.refresh_from_db()
        assert row.lease_expires_at == later + workers.LEASE and not journal.lost

    def test_what_cannot_be_renewed_is_hung_up(self, acme, person):
        run = start(acme, person("acme-operator"), make.devices(acme, "linux"))
        (row,) = claim(run)
        journal, closed = Journal(row), []
        journal.hang_up = lambda: closed.append(True)
        leases.renew(worker=row.worker, journals={row.pk: journal}, now=timezone.now() + workers.LEASE * 2)
        assert journal.lost and closed

    def test_a_silent_worker_is_killed_before_its_devices_are_declared(self, acme, person, monkeypatch):
        run = start(acme, person("acme-admin"), make.devices(acme, "linux"), changes=True)
        (row,) = claim(run)
        DeviceRun.objects.filter(pk=row.pk).update(intended=2, confirmed=1)
        events = []
        monkeypatch.setattr(
            workers, "end", lambda worker: events.append(("killed", run.device_runs.get().status)) or True
        )
        monkeypatch.setattr("jobs.worker.recovery.time.monotonic", lambda: len(events) * 0 + clock[0])
        clock = [0.0]
        reaper, later = recovery.Reaper(), timezone.now() + workers.LEASE * 2
        assert reaper.look(now=later) == 0, "it is given time to say that it lives"
        clock[0] = 60.0
        assert reaper.look(now=later) == 1
        assert events == [("killed", "running")]
        row.refresh_from_db()
        assert row.status == "interrupted" and "command 1 confirmed; command 2" in row.message
        assert not DeviceLock.objects.exists() and JobRun.objects.get(pk=run.pk).status == "interrupted"

    def test_a_worker_on_another_machine_leaves_its_devices_held(self, acme, person, browser):
        device = make.devices(acme, "linux")
        run, following = (start(acme, person("acme-admin"), device, changes=True) for _ in range(2))
        (row,) = claim(run)
        Worker.objects.filter(pk=row.worker_id).update(host="elsewhere/boot-1/1")
        later = timezone.now() + workers.LEASE * 2
        assert recovery.Reaper().look(now=later) == 1
        assert run.device_runs.get().status == "interrupted"
        assert claim(following, now=later) == [], "nobody knows whether that worker has stopped"
        page = browser("acme-admin").get(f"/runs/{run.pk}/devices/{row.pk}/").content.decode()
        assert "Free the device" in page
        browser("acme-operator").post(f"/runs/{run.pk}/devices/{row.pk}/release/")
        assert claim(following, now=later) == []
        browser("acme-admin").post(f"/runs/{run.pk}/devices/{row.pk}/release/")
        assert len(claim(following, now=later)) == 1

    def test_a_worker_that_was_given_up_frees_its_devices_itself_when_it_has_hung_up(self, acme, person):
        run = start(acme, person("acme-admin"), make.devices(acme, "linux"), changes=True)
        (row,) = claim(run)
        recovery.interrupt([row], timezone.now(), quarantined=True)
        for busy, held in (([row.pk], True), ([], False)):
            recovery.Reaper().look(now=timezone.now(), me=row.worker, busy=busy)
            assert DeviceLock.objects.exists() is held

    def test_only_an_administrator_releases_a_device_and_only_a_held_one(self, acme, person):
        run = start(acme, person("acme-operator"), make.devices(acme, "linux"))
        row = run.device_runs.get()
        with pytest.raises(Forbidden):
            control.release_device(by=person("acme-operator"), device_run=row)
        with pytest.raises(Conflict):
            control.release_device(by=person("acme-admin"), device_run=row)

    def test_a_machine_started_anew_has_no_old_workers(self, acme, person):
        run = start(acme, person("acme-admin"), make.devices(acme, "linux"), changes=True)
        (row,) = claim(run)
        name, _, space = workers.this_host().split("/")
        Worker.objects.filter(pk=row.worker_id).update(host=f"{name}/another-boot/{space}")
        assert recovery.Reaper().look(now=timezone.now() + workers.LEASE * 2) == 1
        assert not DeviceLock.objects.exists()

    def test_a_worker_whose_process_is_gone_is_not_waited_for(self, acme, person):
        run = start(acme, person("acme-operator"), make.devices(acme, "linux"))
        (row,) = claim(run)
        assert recovery.Reaper().look(now=timezone.now()) == 0, "it lives, and its lease runs"
        Worker.objects.filter(pk=row.worker_id).update(pid=999_999_999)
        assert recovery.Reaper().look(now=timezone.now()) == 1

    def test_a_worker_ends_what_it_owns_and_does_not_work_on(self, acme, person):
        run = start(acme, person("acme-operator"), make.devices(acme, "linux", "cisco_ios"))
        one, other = claim(run)
        assert recovery.abandon(worker=one.worker, keep=[one.pk], now=timezone.now()) == 1
        assert statuses(run) == ["interrupted", "running"]

    def test_this_process_is_alive_and_another_start_of_its_number_is_not(self, acme):
        mine = make.worker()
        assert mine.pid == os.getpid() and not workers.is_gone(mine)
        mine.started -= 1
        assert workers.is_gone(mine)

    def test_those_count_that_live_and_serve_the_same_agents(self, acme):
        now, mine = timezone.now(), make.worker()
        assert workers.count(like=mine, now=now) == 1
        more = [make.worker() for _ in range(4)]
        Worker.objects.filter(pk=more[0].pk).update(queues=["agent.other"])
        Worker.objects.filter(pk=more[1].pk).update(ended_at=now)
        Worker.objects.filter(pk=more[2].pk).update(beat_at=now - workers.LEASE)
        assert workers.count(like=mine, now=now) == 2


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite locks no rows.")
@pytest.mark.django_db(transaction=True)
def test_what_hangs_in_the_database_costs_no_other_device_its_lease(tenant, person, wakeups):
    """A commit that hangs, of a result or of a claim, held up the heartbeat: all devices of the worker lost their
    leases."""
    run = start(tenant("acme"), person("acme-operator"), make.devices(tenant("acme"), "linux", "cisco_ios"))
    locked, free = claim(run)
    journals = {row.pk: Journal(row) for row in (locked, free)}
    owned = {pk: journal.owned_until for pk, journal in journals.items()}
    hangs, over = threading.Event(), threading.Event()

    def hang():
        with transaction.atomic():
            list(DeviceRun.objects.filter(pk=locked.pk).select_for_update())
            list(Agent.objects.select_for_update())
            hangs.set()
            over.wait(20)
        connection.close()

    thread = threading.Thread(target=hang)
    thread.start()
    assert hangs.wait(10)
    began, later = time.monotonic(), timezone.now() + timedelta(seconds=1)
    try:
        workers.beat(worker=free.worker, active=2, now=later)
        renewed = leases.renew(worker=free.worker, journals=journals, now=later)
        took = time.monotonic() - began
    finally:
        over.set()
        thread.join()
    assert took < 5 and not renewed
    assert Worker.objects.get(pk=free.worker.pk).beat_at == later
    assert journals[free.pk].owned_until > owned[free.pk] and journals[locked.pk].owned_until == owned[locked.pk]
    assert not any(journal.lost for journal in journals.values())
    assert leases.renew(worker=free.worker, journals=journals, now=later)
    assert journals[locked.pk].owned_until > owned[locked.pk]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite locks no rows.")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "change",
    [{"token": 99}, {"status": "interrupted"}, {"cancel_requested_at": timezone.now()}, {"lease_expires_at": None}],
    ids=lambda change: next(iter(change)),
)
def test_what_happens_to_a_row_while_its_intent_waits_for_it_counts(tenant, person, wakeups, change):
    world.load(24, 2222)
    (row,) = claim(start(tenant("acme"), person("acme-operator"), make.devices(tenant("acme"), "linux")))
    taken = []

    def intend():
        taken.append(claims.intend([(row.pk, row.token, 1, 0)]))
        connection.close()

    thread = threading.Thread(target=intend)
    with transaction.atomic():
        DeviceRun.objects.filter(pk=row.pk).update(**change)
        thread.start()
        deadline = time.monotonic() + 10
        while not _somebody_waits() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert _somebody_waits() and not taken
    thread.join()
    assert taken == [set()] and DeviceRun.objects.get(pk=row.pk).intended == 0


def _somebody_waits():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0] > 0
