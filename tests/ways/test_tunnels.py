"""Jump hosts below the jobs: the bytes go through, the errors say which of the two failed, nothing is retried."""

import threading
import time
from functools import partial

import pytest

from devices.domain.errors import ForwardingRefused, HostKeyChanged, JumpLoginRefused, TargetDenied, Unreachable
from devices.domain.secrets import Login, Secret
from devices.domain.targets import Reach
from devices.drivers import hub
from devices.drivers.conversation import open_session
from devices.drivers.handshake import Endpoint, Hop
from devices.drivers.paramiko_transport import OfferingTransport
from devices.drivers.platforms import PLATFORMS
from devices.drivers.transport import open_ssh
from tests.ways.servers import Box, served

HERE = Reach(allowed=("127.0.0.0/8",))
LOGIN = Login("ops", Secret("pw"))


def hop(box, name="dc1-bastion", password="pw", host_key="", pins=None, said=None):
    return Hop(
        name=name,
        host="127.0.0.1",
        port=box.port,
        host_key=host_key,
        login=lambda: Login("jumper", Secret(password)),
        pin=(pins if pins is not None else []).append,
        said=(said if said is not None else []).append,
    )


def endpoint(device, *hops, **more):
    given = {"host": "127.0.0.1", "port": device.port, "reach": HERE, "via": hops, "login_timeout": 5.0, **more}
    return Endpoint(**given)


def show_version(where, pins=None):
    session = open_session(where, LOGIN, (pins if pins is not None else []).append, PLATFORMS["cisco_ios"])
    try:
        session.open(LOGIN)
        return session.send("show version")
    finally:
        session.close()


@pytest.fixture
def boxes():
    with served(Box(), Box(), Box(), Box(), Box()) as found:
        yield found


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_device_is_reached_over_jump_hosts_and_all_keys_are_pinned(boxes, count):
    device, *jumps = boxes
    pins, device_pins, said = [], [], []
    hops = [hop(box, f"j{n}", pins=pins, said=said) for n, box in enumerate(jumps[:count])]
    assert "15.2" in show_version(endpoint(device, *hops), device_pins)
    assert pins == [box.fingerprint for box in jumps[:count]] and device_pins == [device.fingerprint]
    assert said == [True] * count
    following = [*jumps[1:count], device]
    assert [box.forwarded for box in jumps[:count]] == [[("127.0.0.1", box.port)] for box in following]


def test_many_sessions_over_one_jump_host_go_on_in_one_thread(boxes):
    device, jump, *_ = boxes
    many = hub.Hub("many")
    try:
        began = time.monotonic()
        futures = [many.submit(partial(show_version, endpoint(device, hop(jump)))) for _ in range(8)]
        assert all("15.2" in future.result(60) for future in futures)
        assert jump.connections == 8, "each session has its own connection to it"
        assert time.monotonic() - began < 40
    finally:
        many.stop()


def test_long_texts_go_through_in_both_directions(boxes):
    """More than the window of a channel and than the buffer of a socket."""
    device, jump, *_ = boxes

    async def echo_all(box, process):
        while data := await process.stdin.read(65536):
            process.stdout.write(data)

    big = Box()
    with served(big, shell=echo_all):
        found = open_ssh(endpoint(big, hop(jump)), LOGIN, [].append)
        text, got = b"0123456789abcde\n" * 200_000, 0
        writer = found.channel
        try:
            for start in range(0, len(text), 65536):
                found._transport.give(writer, text[start : start + 65536])
                while data := found.recv(0.0):
                    got += len(data)
            deadline = time.monotonic() + 30
            while got < len(text) and time.monotonic() < deadline:
                got += len(found.recv(1.0))
        finally:
            found.close()
        assert got == len(text)


def test_a_connection_with_a_thread_of_its_own_goes_through_too(boxes):
    """As Netmiko has it."""
    device, jump, *_ = boxes
    found = open_ssh(endpoint(device, hop(jump)), LOGIN, [].append, kind=OfferingTransport)
    found.send(b"show version\r")
    deadline, text = time.monotonic() + 10, b""
    while b"15.2" not in text and time.monotonic() < deadline:
        text += found.recv(1.0)
    found.close()
    assert b"15.2" in text and found.peer == ""


class TestWhichOfThemFailed:
    def test_the_jump_host_refuses_the_login(self, boxes):
        device, jump, *_ = boxes
        said = []
        with pytest.raises(JumpLoginRefused) as found:
            show_version(endpoint(device, hop(jump, password="wrong", said=said)))
        assert found.value.message.startswith("The jump host 'dc1-bastion' refused the login of 'jumper'.")
        assert jump.answers == ["wrong"] and not device.connections and said == [False]

    def test_the_device_refuses_it(self, boxes):
        device, jump, *_ = boxes
        device.password = "other"
        with pytest.raises(Exception, match="^The device refused the login of 'ops'"):
            show_version(endpoint(device, hop(jump)))
        assert device.answers == ["pw"]

    def test_the_jump_host_lies_about_its_key(self, boxes):
        device, jump, *_ = boxes
        with pytest.raises(HostKeyChanged, match="^The jump host 'dc1-bastion' shows host key .* No password was sent"):
            show_version(endpoint(device, hop(jump, host_key="SHA256:of-before")))
        assert not jump.answers and not device.connections

    def test_the_device_behind_it_shows_another_key(self, boxes):
        device, jump, *_ = boxes
        with pytest.raises(HostKeyChanged, match="^The device shows host key"):
            show_version(endpoint(device, hop(jump), host_key="SHA256:of-before"))
        assert not device.answers

    def test_the_jump_host_forwards_nothing(self, boxes):
        device, jump, *_ = boxes
        jump.forwards = False
        with pytest.raises(ForwardingRefused, match="^The jump host 'dc1-bastion' lets nobody connect further"):
            show_version(endpoint(device, hop(jump)))

    def test_nobody_listens_behind_it(self, boxes):
        device, jump, *_ = boxes
        with pytest.raises(Unreachable, match="^The device was not reached: the jump host 'dc1-bastion' has no conn"):
            show_version(endpoint(device, hop(jump), port=1))

    def test_nobody_listens_where_the_second_one_should_be(self, boxes):
        device, jump, *_ = boxes
        gone = Box()
        gone.port = 1
        with pytest.raises(Unreachable, match="^The jump host 'second' was not reached: the jump host 'dc1-bastion'"):
            show_version(endpoint(device, hop(jump), hop(gone, "second")))

    def test_the_jump_host_itself_goes_through_the_door(self, boxes):
        device, jump, *_ = boxes
        with pytest.raises(TargetDenied, match="^The jump host 'dc1-bastion' was not reached.*does not connect to 127"):
            show_version(endpoint(device, hop(jump), reach=Reach(denied=("127.0.0.0/8",))))
        assert not jump.connections

    @pytest.mark.parametrize("host", ["169.254.169.254", "fe80::1", "224.0.0.5", "0.0.0.0", "::", "fe80::1%eth0"])
    def test_what_is_no_machine_anywhere_is_asked_of_no_jump_host(self, boxes, host):
        device, jump, *_ = boxes
        with pytest.raises(TargetDenied, match="No jump host is asked to connect"):
            show_version(endpoint(device, hop(jump), host=host))
        assert not jump.connections


def test_whoever_hangs_up_from_another_thread_cuts_the_whole_way(boxes):
    device, jump, *_ = boxes
    found = open_ssh(endpoint(device, hop(jump)), LOGIN, [].append)
    found.recv(0.5)
    threading.Timer(0.3, found.close).start()
    began = time.monotonic()
    with pytest.raises(Exception, match="connection"):
        while time.monotonic() - began < 10:
            found.recv(5.0)
    assert time.monotonic() - began < 3
    found.close()
    assert not found.is_open and not any(under.is_active() for under in found._under)
