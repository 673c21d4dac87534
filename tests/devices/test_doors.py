"""The one door out: a name is looked up once, every address of it is looked at, and nothing else is connected to."""

import socket
import time

import pytest
from environ import ImproperlyConfigured

from config import env
from devices.domain.errors import TargetDenied, Unreachable
from devices.domain.targets import Reach, literal, obstacle
from devices.drivers import doors

USUAL = Reach(denied=tuple(env.NEVER_TARGETS))
OPEN = Reach(denied=())


def answers(*addresses):
    return lambda *words, **options: [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 22)) for address in addresses
    ]


@pytest.fixture
def nobody_is_asked(monkeypatch):
    def asked(*given, **options):
        raise AssertionError(f"{given} was looked up")

    monkeypatch.setattr(socket, "getaddrinfo", asked)


DENIED = [
    "127.0.0.1",
    "127.9.9.9",
    "::1",
    "::",
    "0.0.0.0",
    "0.0.0.1",
    "169.254.169.254",
    "224.0.0.5",
    "255.255.255.255",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:192.0.2.1",
    "::ffff:0:192.0.2.1",
    "::127.0.0.1",
    "::192.0.2.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::192.0.2.1",
    "64:ff9b:1::a9fe:a9fe",
    "64:ff9b:1:ffff:ffff:ffff:c000:201",
    "2002:7f00:1::1",
    "2002:c000:201::1",
    "2001:0:7f00:1::1",
    "2001:0:c000:201::1",
    "fe80::1",
    "fe80::1%eth0",
    "2001:db8::1%eth0",
    "fec0::1",
    "2001:db8::5efe:127.0.0.1",
    "2001:db8::200:5efe:169.254.169.254",
    "fd00:ec2::254",
    "fd20:ce::254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
]


@pytest.mark.parametrize("address", DENIED)
def test_what_is_denied_unless_somebody_says_otherwise(address, monkeypatch):
    with pytest.raises(TargetDenied, match="Nothing was sent"):
        doors.resolve(address, 22, USUAL)
    monkeypatch.setattr(socket, "getaddrinfo", answers(address))
    with pytest.raises(Unreachable, match="Nothing was sent"):
        doors.resolve("router.example", 22, USUAL)


@pytest.mark.parametrize("address", ["192.0.2.1", "10.0.0.1", "2001:db8::1", "fd12::1", "2001:db8::5efe:c000:201"])
def test_what_is_not(address, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", answers(address))
    assert doors.resolve("router.example", 22, USUAL) == doors.resolve(address, 22, USUAL) == [address]


def test_what_is_allowed_wins_and_whoever_says_nothing_reaches_nothing():
    usual = tuple(env.NEVER_TARGETS)
    assert not obstacle("127.0.0.1", Reach(allowed=("127.0.0.0/8",), denied=usual))
    assert obstacle("127.0.0.1", Reach(allowed=("127.0.1.0/24",), denied=usual))
    assert obstacle("192.0.2.1", Reach()) and obstacle("2001:db8::1", Reach())


def test_who_allows_a_translator_does_not_allow_what_is_denied_behind_it():
    translator = Reach(allowed=("64:ff9b::/96",), denied=tuple(env.NEVER_TARGETS))
    assert not obstacle("64:ff9b::192.0.2.1", translator)
    assert obstacle("64:ff9b::127.0.0.1", translator) and obstacle("64:ff9b::169.254.169.254", translator)
    public = Reach(allowed=("64:ff9b::/96",), denied=(), public=True)
    assert obstacle("64:ff9b::10.0.0.1", public) and not obstacle("64:ff9b::8.8.8.8", public)


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "fd12::1", "192.0.2.1"])
def test_a_private_address_must_be_allowed_by_name_where_only_public_ones_are_meant(address):
    assert obstacle(address, Reach(denied=(), public=True))
    assert not obstacle(address, Reach(allowed=("0.0.0.0/0", "::/0"), denied=("0.0.0.0/0", "::/0"), public=True))


def test_a_name_with_one_denied_address_is_denied_and_said_as_an_unknown_one_is(monkeypatch, log_lines):
    said = set()
    for found in (answers("192.0.2.1", "127.0.0.1"), answers("127.0.0.1", "192.0.2.1"), answers(), None):
        if found is None:

            def found(*given, **options):
                raise socket.gaierror(-2, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", found)
        with pytest.raises(Unreachable) as caught:
            doors.resolve("router.example", 22, USUAL)
        said.add((type(caught.value), caught.value.message))
    assert len(said) == 1 and "127.0.0.1" not in said.pop()[1]
    assert [line["action"] for line in log_lines] == ["target.denied"] * 2 + ["target.unknown"] * 2
    assert "in the denied network 127.0.0.0/8" in log_lines[0]["message"]


def test_what_was_looked_at_is_what_is_connected_to(monkeypatch):
    """A name that leads elsewhere when it is asked again does not lead there."""
    server = socket.create_server(("127.0.0.1", 0))
    port, asked, plain = server.getsockname()[1], [], socket.getaddrinfo

    def once(host, *words, **options):
        if host != "router.example":
            return plain(host, *words, **options)
        asked.append(host)
        return answers("127.0.0.1" if len(asked) == 1 else "127.0.0.66")()

    monkeypatch.setattr(socket, "getaddrinfo", once)
    sock = doors.connect("router.example", port, 2, Reach(denied=("127.0.0.66/32",)))
    assert sock.getpeername() == ("127.0.0.1", port) and len(asked) == 1
    sock.close()
    server.close()


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "127.0.0.01", "127.0.0.1.", "①②⑦.0.0.1", "0", "0x0"],
)
def test_other_spellings_of_an_address_are_names_that_are_looked_up_and_looked_at(host, monkeypatch, nobody_is_asked):
    """Whatever the resolver makes of them is judged; where no names are looked up, they lead nowhere."""
    assert literal(host) == ""
    with pytest.raises(TargetDenied, match="looks up no names"):
        doors.resolve(host, 22, Reach(denied=(), names=False))
    monkeypatch.undo()
    numeric = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *words: numeric(*words, flags=socket.AI_NUMERICHOST)
    )  # none of them is asked of a server
    with pytest.raises(Unreachable):
        doors.resolve(host, 22, USUAL)


@pytest.mark.parametrize(
    "host", ["a" * 300, "bad..name", "", "nul\0.example", "a b", "[::1]", "::1]", "user@127.0.0.1"]
)
def test_a_name_without_an_address(host, monkeypatch):
    numeric = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda *words: numeric(*words, flags=socket.AI_NUMERICHOST))
    with pytest.raises(Unreachable, match="Nothing was sent"):
        doors.connect(host, 22, 1, OPEN)


def test_a_name_with_many_addresses_that_hang_takes_no_longer_than_one(monkeypatch):
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    port = full.getsockname()[1]
    fill = [socket.socket() for _ in range(4)]
    for sock in fill:
        sock.setblocking(False)
        sock.connect_ex(("127.0.0.1", port))
    monkeypatch.setattr(socket, "getaddrinfo", answers(*["127.0.0.1"] * 3))
    monkeypatch.setattr(doors, "_looked_up", lambda *given: ["127.0.0.1"] * 50)
    began = time.monotonic()
    with pytest.raises(Unreachable, match="no answer in time"):
        doors.connect("many.example", port, 0.8, OPEN, tries=1)
    assert time.monotonic() - began < 2
    for sock in (full, *fill):
        sock.close()


class TestSettings:
    def test_the_usual_list_is_meant_by_a_word_so_that_a_network_can_be_added(self):
        assert env.targets(False, [], ["default", " 10.9.0.0/24"]) == ([], [*env.NEVER_TARGETS, "10.9.0.0/24"])

    @pytest.mark.parametrize("wrong", ["10.0.0.1/8", "example.com", "10.0.0.0/33", "127.0.0.1-5"])
    def test_what_is_no_network_is_refused_at_the_start(self, wrong):
        for given in ([wrong], []), ([], [wrong]):
            with pytest.raises(ImproperlyConfigured, match="INTERLOCK_(ALLOWED|DENIED)_TARGETS: .*Give networks"):
                env.targets(False, *given)

    def test_a_demo_reaches_its_fleet_and_nothing_else(self):
        given = ["0.0.0.0/0", "10.0.0.0/8", "127.70.0.0/16", "::/0", "::1/128", "192.0.2.1", "126.0.0.0/7"]
        allowed, denied = env.targets(True, given, [])
        assert allowed == ["127.20.0.0/14", "127.70.0.0/16", "::1/128"]
        demo = Reach(allowed=tuple(allowed), denied=tuple(denied), names=False)
        for address in ("127.20.0.10", "127.23.255.1", "127.70.0.1"):
            assert not obstacle(address, demo)
        for address in ("127.0.0.1", "127.24.0.1", "127.19.255.255", "10.0.0.1", "8.8.8.8", "2001:db8::1", *DENIED):
            assert address == "::1" or obstacle(address, demo)

    def test_every_device_of_the_demo_is_in_the_fleet(self):
        from jobs.demo import world

        reach = Reach(allowed=(env.FLEET,))
        for count in (16, 24, 1000):
            assert not [s for specs in world.fleet(count).values() for s in specs if obstacle(s.address, reach)]

    def test_installations_ask_settings_each_time(self, settings):
        settings.DEMO, settings.ALLOWED_TARGETS, settings.DENIED_TARGETS = False, ["10.0.0.0/8"], ["10.0.0.0/9"]
        assert doors.installations() == Reach(allowed=("10.0.0.0/8",), denied=("10.0.0.0/9",))
        assert doors.installations(public=True).public and doors.installations().names
        assert doors.installations(devices=True) == doors.installations()
        settings.DEMO = True
        assert obstacle("127.0.0.1", doors.installations(public=True)), "a receiver"
        played = doors.installations(devices=True)
        assert not obstacle("127.0.0.1", played) and not obstacle("127.20.0.5", played)
        assert played.allowed == ("10.0.0.0/8", "127.0.0.0/8")
        assert not doors.installations().names
