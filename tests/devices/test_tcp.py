"""Where a device's name leads: looked at once, and never a denied network."""

import socket

import pytest

from config import env
from devices.domain.errors import TargetDenied, Unreachable
from devices.drivers import tcp


def answers(*addresses):
    return lambda *words, **options: [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 22)) for address in addresses
    ]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "::1",
        "0.0.0.0",
        "169.254.169.254",
        "224.0.0.5",
        "255.255.255.255",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b:1::a9fe:a9fe",
        "2002:7f00:1::1",
        "2001:0:7f00:1::1",
        "fe80::1",
        "fe80::1%eth0",
    ],
)
def test_what_is_denied_unless_somebody_says_otherwise(address, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", answers(address))
    with pytest.raises(TargetDenied, match="Nothing was sent"):
        tcp.resolve("router.example", 22, env.NEVER_TARGETS)


@pytest.mark.parametrize("address", ["192.0.2.1", "10.0.0.1", "2001:db8::1", "64:ff9b::192.0.2.1", "::ffff:192.0.2.1"])
def test_what_is_not(address, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", answers(address))
    assert tcp.resolve("router.example", 22, env.NEVER_TARGETS) == [address]


def test_a_name_with_one_denied_address_is_denied(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", answers("192.0.2.1", "127.0.0.1"))
    with pytest.raises(TargetDenied, match="router.example is 127.0.0.1, in the network 127.0.0.0/8"):
        tcp.resolve("router.example", 22, env.NEVER_TARGETS)


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
    sock = tcp.connect("router.example", port, 2, ["127.0.0.66/32"])
    assert sock.getpeername() == ("127.0.0.1", port) and len(asked) == 1
    sock.close()
    server.close()


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 300, "bad..name", ""])
def test_a_name_without_an_address(host, monkeypatch):
    if not host:
        monkeypatch.setattr(socket, "getaddrinfo", answers())
    with pytest.raises(Unreachable, match="Nothing was sent"):
        tcp.connect(host, 22, 1, [])
