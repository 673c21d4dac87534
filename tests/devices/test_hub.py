"""Many conversations in one thread: while one waits, the others go on, and each gets what it waited for."""

import socket
import threading
import time
from concurrent.futures import Future
from concurrent.futures import wait as all_of

import pytest

from devices.domain.targets import Reach
from devices.drivers import hub
from devices.drivers.doors import resolve
from devices.drivers.hub import READ, WRITE, Hub


@pytest.fixture
def many():
    found = Hub("test")
    yield found
    found.stop()
    assert not found.thread.is_alive()


@pytest.fixture
def pair():
    both = socket.socketpair()
    yield both
    for sock in both:
        sock.close()


def results(futures, seconds=5):
    done, left = all_of(futures, seconds)
    assert not left
    return [future.result() for future in futures]


def test_a_thousand_waits_take_as_long_as_one(many):
    began = time.monotonic()
    results([many.submit(hub.sleep, 0.3) for _ in range(1000)])
    assert 0.3 <= time.monotonic() - began < 2


def test_all_run_in_the_hubs_thread_and_know_it(many):
    idents = results([many.submit(lambda: (threading.get_ident(), hub.current())) for _ in range(5)])
    assert set(idents) == {(many.thread.ident, many)}
    assert hub.current() is None


def test_what_goes_wrong_belongs_to_who_asked(many):
    broken = many.submit(lambda: 1 / 0)
    assert results([many.submit(lambda: "fine")]) == ["fine"]
    with pytest.raises(ZeroDivisionError):
        broken.result(5)


@pytest.mark.parametrize("within", [True, False])
def test_a_socket_is_ready_when_something_comes(many, pair, within):
    here, there = pair
    began = time.monotonic()
    threading.Timer(0.2, there.send, [b"x"]).start()
    ask = many.submit if within else (lambda work, *given: done(work(*given)))
    assert ask(hub.ready, here.fileno(), READ, 5.0).result(5) & READ
    assert 0.1 < time.monotonic() - began < 1
    assert here.recv(1) == b"x"
    assert ask(hub.ready, here.fileno(), READ | WRITE, 5.0).result(5) & WRITE
    assert ask(hub.ready, here.fileno(), READ, 0.05).result(5) == 0
    assert ask(hub.ready, here.fileno(), READ, 0.0).result(5) == 0


def done(value):
    future = Future()
    future.set_result(value)
    return future


def test_the_same_socket_is_waited_for_again_and_again(many, pair):
    here, there = pair

    def echo():
        found = b""
        while len(found) < 50:
            while not hub.ready(here.fileno(), READ, 1.0):
                pass
            found += here.recv(1)
            here.send(b"!")
        return found

    future = many.submit(echo)
    for _ in range(50):
        there.send(b"x")
        assert there.recv(1) == b"!"
    assert results([future]) == [b"x" * 50]


def test_who_is_cut_off_notices_at_once_and_who_has_no_socket_left_is_told(many, pair):
    here, _ = pair
    future = many.submit(hub.ready, here.fileno(), READ, 5.0)
    time.sleep(0.1)
    here.shutdown(socket.SHUT_RDWR)
    began = time.monotonic()
    assert future.result(5) and time.monotonic() - began < 0.5
    here.close()
    with pytest.raises(OSError, match="closed"):
        many.submit(hub.ready, here.fileno(), READ, 5.0).result(5)


def test_a_socket_that_took_the_number_of_a_closed_one_is_not_forgotten(many):
    old, peer = socket.socketpair()
    stale = many.submit(hub.ready, old.fileno(), READ, 0.6)
    time.sleep(0.1)
    number = old.fileno()
    old.close()
    new, other = socket.socketpair()
    if new.fileno() != number:
        new, other = other, new
    assert new.fileno() == number
    fresh = many.submit(hub.ready, new.fileno(), READ, hub.MOST_WAIT_SECONDS)
    assert stale.result(5) == 0
    began = time.monotonic()
    other.send(b"x")
    assert fresh.result(5) & READ and time.monotonic() - began < 0.3
    for sock in (peer, new, other):
        sock.close()


def test_what_was_seen_of_a_closed_socket_is_not_told_of_the_one_that_took_its_number(many):
    first, push_first = socket.socketpair()
    second, push_second = socket.socketpair()

    def take_over():
        hub.ready(first.fileno(), READ, 1.0)
        number = second.fileno()
        second.close()
        new, other = socket.socketpair()
        if new.fileno() != number:
            new, other = other, new
        assert new.fileno() == number
        found = hub.ready(new.fileno(), READ, 0.2)
        new.close(), other.close()
        return found

    done_first, done_second = many.submit(take_over), many.submit(hub.ready, second.fileno(), READ, 0.5)
    time.sleep(0.1)
    many.call(lambda: (push_first.send(b"x"), push_second.send(b"x")))  # both are seen in the same look
    assert results([done_first, done_second]) == [0, 0]
    for sock in (first, push_first, push_second):
        sock.close()


def test_no_call_of_many_threads_is_overlooked(many):
    counts, threads = [], []
    for _ in range(4):
        threads.append(threading.Thread(target=lambda: [many.call(lambda: counts.append(1)) for _ in range(3000)]))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert results([many.submit(lambda: len(counts))]) == [12_000]


def test_results_of_other_threads_are_waited_for_without_keeping_anybody(many):
    future = Future()
    waiting = many.submit(hub.result, future)
    assert results([many.submit(lambda: "meanwhile")]) == ["meanwhile"]
    future.set_result("late")
    assert waiting.result(5) == "late"
    failed = Future()
    failed.set_exception(ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        many.submit(hub.result, failed).result(5)


def test_what_blocks_is_done_elsewhere(many):
    began = time.monotonic()
    slow = [many.submit(hub.elsewhere, time.sleep, 0.4) for _ in range(hub.LOOKUPS)]
    assert results([many.submit(lambda: "meanwhile")]) == ["meanwhile"] and time.monotonic() - began < 0.3
    results(slow)
    assert time.monotonic() - began < 1.5


def test_a_name_is_looked_up_elsewhere_and_an_address_not_at_all(many, monkeypatch):
    where = []

    def look(host, port, *given, **options):
        where.append(threading.get_ident())
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", look)
    results([many.submit(resolve, name, 22, Reach(denied=())) for name in ("device.example", "127.0.0.1")])
    assert len(where) == 1 and many.thread.ident not in where
