"""An SSH connection without a thread of its own, against a real SSH server: whoever waits reads, and nothing hangs.

Each test goes both ways: alone in a thread, and as one conversation of a hub.
"""

import asyncio
import contextlib
import functools
import hashlib
import inspect
import resource
import socket
import threading
import time
from types import SimpleNamespace

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paramiko import transport as stock

from devices.domain.errors import LoginRefused, OutputTooLarge, SessionLost, Unreachable
from devices.domain.secrets import Login, Secret
from devices.domain.targets import Reach
from devices.drivers.commands import run
from devices.drivers.handshake import Endpoint
from devices.drivers.hub import Hub
from devices.drivers.output import MAX_OUTPUT
from devices.drivers.paramiko_transport import OfferingTransport
from devices.drivers.transport import open_ssh

LOGIN = Login(username="netops", password=Secret("right"))
BIG = 4 * 2**20


async def serve(process):
    """A shell that repeats lines, `deaf` that reads nothing, `flood` that prints before it reads, `digest` that
    reads all, `endless` that prints 1 GB."""
    for _ in range(2**14 if process.command == "endless" else 0):
        process.stdout.write(b"z" * 2**16)
        await process.stdout.drain()
    while process.command == "deaf":
        await asyncio.sleep(0.1)
    if process.command == "flood":
        process.stdout.write(b"x" * BIG)
    if process.command:
        given = await process.stdin.read()
        process.stdout.write(hashlib.sha256(given).hexdigest().encode())
        process.exit(0)
        return
    process.stdout.write(b"ready>")
    with contextlib.suppress(asyncssh.BreakReceived, asyncssh.TerminalSizeChanged):
        while line := await process.stdin.readuntil(b"\r"):
            process.stdout.write(b"y" * BIG + b"end>" if line == b"much\r" else line.strip() + b">")


class Door(asyncssh.SSHServer):
    def begin_auth(self, username):
        return True

    def password_auth_supported(self):
        return True

    def validate_password(self, username, password):
        return password == "right"


@pytest.fixture(scope="module")
def loop():
    running = asyncio.new_event_loop()
    thread = threading.Thread(target=running.run_forever, daemon=True)
    thread.start()
    yield lambda work: asyncio.run_coroutine_threadsafe(work, running).result(20)
    running.call_soon_threadsafe(running.stop)
    thread.join(5)


@pytest.fixture(scope="module")
def server(loop):
    def start(**options):
        keys = [asyncssh.generate_private_key("ssh-ed25519")]

        async def listen():
            return await asyncssh.create_server(
                Door,
                "127.0.0.1",
                0,
                server_host_keys=keys,
                process_factory=serve,
                encoding=None,
                line_editor=False,
                **options,
            )

        return loop(listen()).sockets[0].getsockname()[1]

    return start


def connect(port, login=LOGIN, **options):
    return open_ssh(Endpoint(host="127.0.0.1", port=port, reach=Reach(denied=()), **options), login, lambda shown: None)


def until(transport, end, seconds=20):
    got, deadline = b"", time.monotonic() + seconds
    while not got.endswith(end):
        assert time.monotonic() < deadline, got[-80:]
        got += transport.recv(1.0)
    return got


@pytest.fixture(autouse=True)
def nothing_is_left():
    threads, known = set(threading.enumerate()), list(stock._active_threads)
    yield
    deadline = time.monotonic() + 5
    while (left := new_since(threads)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (left, stock._active_threads) == ([], known)


def both_ways(test):
    """Run a test in the calling thread, and in a hub among other conversations that must not wait for it."""

    @functools.wraps(test)
    def either(within, **given):
        if not within:
            return test(**given)
        hub = Hub("test")
        try:
            running = hub.submit(functools.partial(test, **given))
            slowest = 0.0
            while not running.done():
                began = time.monotonic()
                hub.submit(int).result(30)
                slowest = max(slowest, time.monotonic() - began)
                time.sleep(0.05)
            running.result()
            assert slowest < 0.5, "the others had to wait"
        finally:
            hub.stop()

    names = [*inspect.signature(test).parameters]
    kind = inspect.Parameter.KEYWORD_ONLY
    either.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in ["within", *names]])
    return pytest.mark.parametrize("within", [False, True], ids=["alone", "among others"])(either)


def new_since(threads):
    return [thread for thread in threading.enumerate() if thread not in threads and "asyncio" not in thread.name]


@both_ways
def test_lines_go_and_answers_come_without_any_thread(server):
    transport = connect(server())
    until(transport, b"ready>")
    for word in (b"one", b"two"):
        transport.send(word + b"\r")
        assert until(transport, word + b">") == word + b">"
    assert transport.is_open and transport.recv(0.05) == b""
    transport.close()
    transport.close()
    assert not transport.is_open


@both_ways
def test_a_wrong_password_is_said_to_be_wrong(server):
    with pytest.raises(LoginRefused):
        connect(server(), Login(username="netops", password=Secret("wrong")))


@both_ways
def test_keys_are_changed_in_the_midst_of_a_long_answer(server):
    transport = connect(server(rekey_bytes=200_000))
    until(transport, b"ready>")
    for _ in range(2):
        transport.send(b"much\r")
        assert len(until(transport, b"end>")) == BIG + 4
    transport.close()


@pytest.mark.parametrize("command", ["digest", "flood"])
@both_ways
def test_a_long_input_and_a_long_answer_do_not_wait_for_each_other(server, command):
    transport = connect(server())
    given = "0123456789abcdef" * (BIG // 16)
    said = run(transport, command, given, 20, lambda: None, None)
    assert said.endswith(hashlib.sha256(given.encode()).hexdigest())
    assert len(said) == 64 + (BIG if command == "flood" else 0)
    until(transport, b"ready>")  # the shell on the same connection is not disturbed
    transport.close()


@both_ways
def test_who_takes_no_input_is_not_waited_for_longer_than_allowed(server):
    transport, began = connect(server(), login_timeout=1), time.monotonic()
    with pytest.raises(SessionLost, match="nothing of the input was taken for 1 s"):
        run(transport, "deaf", "x" * BIG, 20, lambda: None, None)
    assert time.monotonic() - began < 5
    transport.close()


@both_ways
def test_a_socket_that_has_nothing_after_all_is_not_taken_for_ended(server, monkeypatch):
    transport = connect(server())
    until(transport, b"ready>")
    inner = transport._transport
    real, empty = inner.sock, iter([True])

    class Hasty:
        def recv(self, size):
            if next(empty, False):
                raise TimeoutError
            return real.recv(size)

        def __getattr__(self, name):
            return getattr(real, name)

    inner.sock = Hasty()
    transport.send(b"one\r")
    assert until(transport, b"one>") == b"one>"
    transport.close()


@both_ways
def test_a_gigabyte_is_cut_off_with_bounded_memory(server):
    transport, before = connect(server()), resident()
    with pytest.raises(OutputTooLarge):
        run(transport, "endless", "", 60, lambda: None, None)
    assert resident() - before < 50 * 2**20 + MAX_OUTPUT
    transport.close()


def resident():
    """Return how many bytes this process keeps in memory."""
    with open("/proc/self/statm") as stream:
        return int(stream.read().split()[1]) * resource.getpagesize()


@both_ways
def test_another_thread_ends_the_waiting_at_once(server):
    transport = connect(server())
    until(transport, b"ready>")
    threading.Timer(0.3, transport.close).start()
    began = time.monotonic()
    with pytest.raises(SessionLost):
        while True:
            transport.recv(10)
    assert 0.2 < time.monotonic() - began < 1.5
    transport.close()


@both_ways
def test_a_device_that_goes_away_is_noticed(server, loop):
    port = server()
    sock, relayed = socket.socket(), []
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    threading.Thread(target=relay, args=(sock, port, relayed, 0.0), daemon=True).start()
    transport = connect(sock.getsockname()[1])
    until(transport, b"ready>")
    relayed[1].shutdown(socket.SHUT_RDWR)  # the relay then ends the other side too
    with pytest.raises(SessionLost):
        transport.send(b"one\r")
        until(transport, b"one>")
    assert not transport.is_open
    transport.close()
    sock.close()


@both_ways
def test_packets_that_come_byte_by_byte_are_put_together(server):
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    threading.Thread(target=relay, args=(sock, server(), [], 0.0005), daemon=True).start()
    transport = connect(sock.getsockname()[1])
    until(transport, b"ready>")
    transport.send(b"one\r")
    assert until(transport, b"one>") == b"one>"
    transport.close()
    sock.close()


def relay(sock, port, ends, pause):
    """Pass one connection on; with a pause, what comes back goes byte by byte."""
    near, _ = sock.accept()
    far = socket.create_connection(("127.0.0.1", port))
    far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    ends += [near, far]

    def pump(source, target, pieces):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                for n in range(0, len(data), 1 if pieces else len(data)):
                    target.sendall(data[n : n + (1 if pieces else len(data))])
                    time.sleep(pause if pieces else 0)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    threading.Thread(target=pump, args=(near, far, False), daemon=True).start()
    pump(far, near, pause > 0)


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-silent\r\n"])
@both_ways
def test_who_says_nothing_is_not_waited_for_longer_than_allowed(greeting):
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    ends = []

    def accept():
        ends.append(sock.accept()[0])
        ends[0].sendall(greeting)

    threading.Thread(target=accept, daemon=True).start()
    began = time.monotonic()
    with pytest.raises(Unreachable):
        connect(sock.getsockname()[1], connect_timeout=1, login_timeout=1)
    assert time.monotonic() - began < 4
    for end in (*ends, sock):
        end.close()


@given(st.integers(1, 2**521), st.binary(min_size=20, max_size=64), st.sampled_from("ABCDEF"), st.integers(1, 200))
def test_keys_are_those_that_paramiko_would_make(shared, exchange, letter, size):
    for digest in (hashlib.sha1, hashlib.sha256, hashlib.sha512):
        after = SimpleNamespace(
            K=shared,
            H=exchange,
            session_id=b"first",
            kex_engine=SimpleNamespace(hash_algo=digest),
            _logged_hash_selection=1,
        )
        made = OfferingTransport._compute_key(after, letter, size)
        assert len(made) == size and made == stock.Transport._compute_key(after, letter, size)
