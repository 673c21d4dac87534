"""How far device runs have come: stored together, refused one by one, and never by somebody who lost them."""

import queue
import threading
import time
from concurrent.futures import Future
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from devices.drivers import hub as words
from devices.drivers.hub import Hub
from jobs.models import DeviceRun, JobRun
from jobs.models.sql import claims
from jobs.worker import executor
from jobs.worker.claims import claim
from jobs.worker.journal import Journal
from jobs.worker.journal_writer import SHOW_SECONDS, BatchingWriter
from jobs.worker.pool import FEWEST_DEVICES, GATHER_SECONDS, MOST_BUSY_DEVICES, MOST_THREADS, DevicePool, following
from tests import make


@pytest.fixture
def shared():
    writer = BatchingWriter()
    yield writer
    writer.stop()
    assert not writer.thread.is_alive()


class Table:
    """Stands for the database: takes the rows of odd ids, each statement for a while."""

    def __init__(self, monkeypatch, failing=0):
        self.statements, self.failing = [], failing
        monkeypatch.setattr(claims, "intend", self.intend)

    def intend(self, rows):
        self.statements.append(len(rows))
        time.sleep(0.05)
        if self.failing and len(rows) > 1:
            self.failing -= 1
            raise OperationalError("deadlock detected")
        return {row[0] for row in rows if row[0] % 2}


def ask_at_once(shared, count):
    """Ask in as many conversations of a hub; return their answers by id."""
    hub = Hub("test")
    try:
        asked = {pk: hub.submit(shared.intend, (pk, 1, 1, 0)) for pk in range(count)}
        return {pk: future.result(10) for pk, future in asked.items()}
    finally:
        hub.stop()


def test_what_is_asked_at_once_shares_statements_and_each_gets_its_own_answer(shared, monkeypatch):
    table = Table(monkeypatch)
    assert ask_at_once(shared, 40) == {pk: bool(pk % 2) for pk in range(40)}
    assert sum(table.statements) == 40 and len(table.statements) <= 4


@pytest.mark.parametrize(("is_busy", "statements"), [(True, [10]), (False, [1, 9])])
def test_intents_wait_for_others_only_where_the_process_has_its_hands_full(monkeypatch, is_busy, statements):
    table, writer = Table(monkeypatch), BatchingWriter(is_busy=lambda: is_busy)
    monkeypatch.setattr("jobs.worker.journal_writer.GATHER_SECONDS", 0.2)
    writer._asked.put(((1, 1, 1, 0), first := Future()))
    while not is_busy and not table.statements:
        time.sleep(0.001)
    others = [Future() for _ in range(9)]
    for future in others:
        writer._asked.put(((3, 1, 1, 0), future))
    assert all(future.result(5) for future in [first, *others])
    assert table.statements == statements
    writer.stop()


def test_what_fails_together_is_done_one_by_one(shared, monkeypatch):
    table = Table(monkeypatch, failing=1)
    assert ask_at_once(shared, 10) == {pk: bool(pk % 2) for pk in range(10)}
    assert table.statements.count(1) >= 9


def test_a_database_that_fails_is_said_to_each_and_the_writer_goes_on(shared, monkeypatch):
    def broken(rows):
        raise OperationalError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(claims, "intend", broken)
        for _ in range(2):
            with pytest.raises(OperationalError):
                shared.intend((1, 1, 1, 0))
    Table(monkeypatch)
    assert shared.intend((1, 1, 1, 0)) is True
    assert shared.do(lambda: threading.current_thread().name) == "writer"
    with pytest.raises(LookupError):
        shared.do(lambda: {}["nothing"])


def test_a_database_that_is_gone_is_not_asked_for_each_of_many(shared, monkeypatch):
    asked = []

    def broken(rows):
        asked.append(len(rows))
        time.sleep(0.05)
        raise OperationalError("gone")

    monkeypatch.setattr(claims, "intend", broken)
    hub = Hub("test")
    futures = [hub.submit(shared.intend, (pk, 1, 1, 0)) for pk in range(30)]
    assert {type(future.exception(10)) for future in futures} == {OperationalError}
    hub.stop()
    assert len(asked) <= 6


@pytest.mark.parametrize("begin", [BatchingWriter, lambda edge: Hub("test", edge)])
def test_a_thread_that_ends_by_a_defect_is_not_left_unseen(begin, monkeypatch):
    seen = threading.Event()

    def edge(loop):
        try:
            loop()
        except ZeroDivisionError:
            seen.set()

    found = begin(edge)
    if isinstance(found, Hub):
        found.call(lambda: 1 / 0)
    else:
        monkeypatch.setattr(found, "_intend", lambda wishes: 1 / 0)
        found._asked.put(((1, 1, 1, 0), Future()))
    assert seen.wait(5)


@pytest.mark.django_db
class TestIntend:
    @pytest.fixture
    def rows(self, tenant, person, wakeups):
        acme = tenant("acme")
        devices = make.devices(acme, "cisco_ios", "arista_eos", "juniper_junos")
        _, run = make.job(person("acme-operator"), make.template(acme), devices)
        claimed = claim(worker=make.worker(), now=timezone.now(), limit=3, only=run.pk)
        assert len(claimed) == 3
        return [item.device_run for item in claimed]

    def stored(self, row):
        return tuple(DeviceRun.objects.filter(pk=row.pk).values_list("intended", "confirmed").get())

    def test_many_rows_are_stored_in_one_statement(self, rows, django_assert_num_queries):
        with django_assert_num_queries(1):
            assert claims.intend([(row.pk, row.token, n + 1, n) for n, row in enumerate(rows)]) == {
                row.pk for row in rows
            }
        assert [self.stored(row) for row in rows] == [(1, 0), (2, 1), (3, 2)]

    @pytest.mark.parametrize(
        "lost",
        [
            lambda row: DeviceRun.objects.filter(pk=row.pk).update(token=row.token + 1),
            lambda row: DeviceRun.objects.filter(pk=row.pk).update(status="interrupted"),
            lambda row: DeviceRun.objects.filter(pk=row.pk).update(cancel_requested_at=timezone.now()),
            lambda row: DeviceRun.objects.filter(pk=row.pk).update(
                lease_expires_at=timezone.now() - timedelta(seconds=1)
            ),
        ],
        ids=["taken over", "ended", "cancelled", "lease over"],
    )
    def test_who_lost_one_stores_nothing_of_it_and_the_others_are_not_held_up(self, rows, lost):
        lost(rows[1])
        assert claims.intend([(row.pk, row.token, 5, 4) for row in rows]) == {rows[0].pk, rows[2].pk}
        assert [self.stored(row) for row in rows] == [(5, 4), (0, 0), (5, 4)]

    def test_a_cancelled_run_stops_all_its_devices(self, rows):
        JobRun.objects.filter(pk=rows[0].run_id).update(cancel_requested_at=timezone.now())
        assert claims.intend([(row.pk, row.token, 1, 0) for row in rows]) == set()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's database of tests is in memory.")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("together", [True, False])
def test_conversations_change_devices_and_leave_the_database_to_the_writer(
    tmp_path, tenant, person, wakeups, shared, together
):
    acme, many = tenant("acme"), DevicePool(10)
    with make.fleet(tmp_path, "acme") as (_, executed):
        devices = make.devices(acme, "cisco_ios", "arista_eos", "juniper_junos", "linux")
        _, run = make.job(
            person("acme-admin"),
            make.template(acme, "Set NTP server"),
            devices,
            variables={"ntp_server": "198.51.100.7"},
        )
        claimed, opened = [], []

        def converse(item):
            journal = Journal(item.device_run, item.plan.commands, item.claimed, shared)
            finished = executor.execute(item, journal)
            opened.append(connection.connection)
            return finished

        while len(claimed) < 4:  # the first device proves the credential for all others
            found = claim(worker=make.worker(), now=timezone.now(), limit=4, only=run.pk)
            assert all(executor.shares_a_thread(item) for item in found)
            begun = [many.submit(converse, item, shares=together) for item in found]
            executor.store([future.result(60) for future in begun])
            claimed += found
        assert opened == [None] * 4, "a conversation used the database"
        assert {row.status for row in run.device_runs.all()} == {"succeeded"}
        for device in devices:
            plan = run.device_runs.get(device=device).plan
            sent = [command for command in executed(device) if command != "enable"]
            assert sent == [*plan.preparation, *plan.commands]
    many.stop()


def test_what_is_shown_meanwhile_leaves_time_for_intents(shared):
    """However many ask: with hundreds of devices it took all of the writer's time."""
    began, shown = time.monotonic(), 0
    while time.monotonic() - began < 0.5:
        shown += shared.may_show()
    assert 5 <= shown <= 0.5 / SHOW_SECONDS + 1


class TestRoom:
    @pytest.fixture
    def many(self):
        found = DevicePool(60)
        yield found
        found.stop()

    def test_it_grows_while_devices_are_waited_for(self, many):
        gate, rooms = threading.Event(), [many.room()]
        futures = []
        while many.room():
            futures += [
                many.submit(lambda _: words.elsewhere(gate.wait, 20), n, shares=True) for n in range(many.room())
            ]
            rooms.append(many.room())
        assert rooms == [FEWEST_DEVICES, FEWEST_DEVICES, 10, 0]
        gate.set()
        for future in futures:
            future.result(20)
        assert many.room() == FEWEST_DEVICES

    def test_a_process_that_is_busy_takes_only_a_few(self, many, monkeypatch):
        monkeypatch.setattr(Hub, "load", 0.9)
        assert many.room() == FEWEST_DEVICES
        gate = threading.Event()
        futures = [many.submit(lambda _: words.elsewhere(gate.wait, 20), n, shares=True) for n in range(20)]
        assert many.room() == FEWEST_DEVICES - 20
        gate.set()
        for future in futures:
            future.result(20)

    @pytest.mark.parametrize(
        ("places", "workers", "room"),
        [
            (100, 2, 50),
            (60, 2, 30),
            (50, 2, FEWEST_DEVICES),
            (10, 1, FEWEST_DEVICES),
            (1000, 1, MOST_BUSY_DEVICES),
            (1000, 100, FEWEST_DEVICES),
        ],
    )
    def test_a_process_that_is_busy_takes_its_part_of_a_run(self, many, monkeypatch, places, workers, room):
        monkeypatch.setattr(Hub, "load", 0.9)
        many.share(places, workers)
        assert many.room() == room

    def test_what_needs_a_thread_of_its_own_is_bounded(self):
        many, gate = DevicePool(300), threading.Event()
        futures = [many.submit(lambda _: gate.wait(20), n, shares=False) for n in range(MOST_THREADS)]
        assert many.room() == 0
        gate.set()
        assert [future.result(20) for future in futures] == [True] * MOST_THREADS
        many.stop()


class TestFollowing:
    @pytest.fixture
    def inbox(self):
        return queue.SimpleQueue()

    @staticmethod
    def fill(inbox, pauses):
        for n, pause in enumerate(pauses):
            time.sleep(pause)
            inbox.put(n)

    def test_what_keeps_coming_is_taken_together(self, inbox, monkeypatch):
        monkeypatch.setattr("jobs.worker.pool.GATHER_SECONDS", 0.2)
        monkeypatch.setattr("jobs.worker.pool.MOST_GATHER_SECONDS", 5)
        thread = threading.Thread(target=self.fill, args=(inbox, [0.02] * 10 + [1]))
        thread.start()
        assert following(inbox, 100) == list(range(10))
        thread.join()

    def test_it_ends_when_all_are_there(self, inbox, monkeypatch):
        monkeypatch.setattr("jobs.worker.pool.GATHER_SECONDS", 30)
        self.fill(inbox, [0] * 5)
        assert following(inbox, 5) == list(range(5))
        assert following(inbox, 0) == []

    def test_it_does_not_wait_for_ever(self, inbox, monkeypatch):
        monkeypatch.setattr("jobs.worker.pool.MOST_GATHER_SECONDS", 0.2)
        stop = threading.Event()
        thread = threading.Thread(
            target=lambda: [inbox.put(0) for _ in iter(lambda: stop.wait(GATHER_SECONDS / 4), True)]
        )
        thread.start()
        began = time.monotonic()
        assert following(inbox, 10**6) and time.monotonic() - began < 2
        stop.set()
        thread.join()


def test_a_hub_says_how_busy_it_is():
    hub = Hub("test")
    assert hub.load == 0.0

    def work():
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            sum(range(1000))
            words.sleep(0)

    hub.submit(work).result(10)
    assert hub.load > 0.5
    time.sleep(0.5)
    assert hub.load == 0.0
    stuck = hub.submit(time.sleep, 0.6)  # one that never lets the others go on
    time.sleep(0.4)
    assert hub.load == 1.0
    stuck.result(10)
    hub.stop()
