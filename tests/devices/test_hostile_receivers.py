"""One receiver stops nobody: those that hang, drip, flood, break off or talk nonsense are their own messages'
failure."""

import socket
import threading
import time
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
from django.utils import timezone

from devices.channels import CHANNELS, time_limit
from devices.channels.email import EMAIL
from devices.channels.webhook import WEBHOOK
from devices.domain.secrets import Secret
from devices.models import OutboxMessage
from devices.services import channels, delivery, outbox

#: A sending is cut after so many seconds here.
LIMIT = 1.5


def silent(client):
    time.sleep(30)


def drip(client):
    while True:
        client.sendall(b"H")
        time.sleep(0.2)


def drip_headers(client):
    client.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        client.sendall(b"X-A: b\r\n")
        time.sleep(0.2)


def flood(client):
    while True:
        client.sendall(b"220-welcome\r\n" * 10_000)


def flood_of_one_line(client):
    while True:
        client.sendall(b"2" * 1_000_000)


def go_on_forever(client):
    while True:
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


def nonsense(client):
    client.sendall(b"HTTP/1.1 5\xff\x00\xfe0 \xff\xfe\x00\r\nX\xff: \xff\r\n\r\n")


def no_number(client):
    client.sendall(b"HTTP/1.1 99999999999999999999 no\r\nContent-Length: -7\r\nTransfer-Encoding: chunked\r\n\r\n")


def mail_nonsense(client):
    client.sendall(b"220 \x00\xff\r\n")
    client.recv(1000)
    client.sendall(b"550 \x00\xff\xfe no\r\n" * 3)


def reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


def hang_up(client):
    pass


def never_read(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    time.sleep(30)


HOSTILE = (
    silent,
    drip,
    drip_headers,
    flood,
    flood_of_one_line,
    go_on_forever,
    nonsense,
    no_number,
    mail_nonsense,
    reset,
    hang_up,
    never_read,
)


@contextmanager
def receiver(behave):
    """Serve on the loopback address, each connection as told; yield the port."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve(client):
        with client, suppress(OSError):
            behave(client)

    def accept():
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listening.getsockname()[1]
    listening.close()


def good(client):
    client.recv(65536)
    client.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")


@pytest.fixture(autouse=True)
def limited(monkeypatch):
    monkeypatch.setattr(time_limit, "MOST_SECONDS", LIMIT)


@pytest.fixture
def acme(tenant, wakeups):
    return tenant("acme")


def hook(tenant, person, port, name="Hook", admin="acme-admin"):
    return channels.save_channel(
        by=person(admin),
        tenant=tenant,
        channel=WEBHOOK,
        secrets={"secret": Secret("x")},
        name=name,
        url=f"http://127.0.0.1:{port}/",
    )


def tell(tenant, *keys, people=()):
    for key in keys:
        outbox.announce(
            outbox.Event(
                tenant=tenant, event="approved", key=key, subject="S", text="T", url="/jobs/", recipients=people
            ),
            now=timezone.now(),
        )


@pytest.mark.django_db
@pytest.mark.parametrize("behave", HOSTILE)
@pytest.mark.parametrize("kind", ["webhook", "mail"])
def test_whatever_a_receiver_does_its_message_fails_in_time_with_a_reason(kind, behave, acme, person):
    with receiver(behave) as port:
        operator = person("acme-operator")
        operator.email = "op@acme.example"
        operator.save()
        if kind == "webhook":
            hook(acme, person, port)
        else:
            values = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "i@acme.example"}
            channels.save_channel(by=person("acme-admin"), tenant=acme, channel=EMAIL, secrets={}, **values)
        tell(acme, "k", people=[operator])
        started = time.monotonic()
        assert delivery.deliver(now=timezone.now() + timedelta(seconds=1)) == 0
        assert time.monotonic() - started < LIMIT + 3
    row = OutboxMessage.objects.get()
    assert row.attempts == 1 and row.error and row.error.isprintable() and "Interlock itself" not in row.error


class Odd(BaseException):
    """What libraries of green threads raise at a time-out: no Exception."""


@pytest.mark.django_db
@pytest.mark.parametrize(
    "error", [RuntimeError("x"), RecursionError(), UnicodeError("x"), KeyError("x"), MemoryError(), Odd("x")]
)
@pytest.mark.parametrize("key", sorted(CHANNELS))
def test_whatever_a_channel_raises_is_that_messages_failure(key, error, acme, person, monkeypatch):
    with receiver(good) as port:
        hook(acme, person, port)
        tell(acme, "first", "second")
        OutboxMessage.objects.filter(key="first").update(channel=key)
        real, broken = channels.CHANNELS[key], {}

        def fails(*given):
            broken["yes"] = True
            raise error

        monkeypatch.setattr(type(real), "receiver", lambda self, message: WEBHOOK.model.objects.get())
        monkeypatch.setattr(channels, "opened", lambda channel, row: {"secret": Secret("x")})
        if key == "webhook":
            really = type(real).send

            def send(self, row, secrets, told):
                (fails if told.id == "first" else really)(self, row, secrets, told)

        else:
            send = fails
        monkeypatch.setattr(type(real), "send", send)
        assert delivery.deliver(now=timezone.now() + timedelta(seconds=1)) == 1 and broken
    row = OutboxMessage.objects.get(key="first")
    assert row.status == "waiting" and row.attempts == 1 and type(error).__name__ in row.error
    assert OutboxMessage.objects.get(key="second").status == "sent"


@pytest.mark.django_db
def test_a_message_that_cannot_even_be_prepared_stops_no_other(acme, person):
    with receiver(good) as port:
        hook(acme, person, port)
        tell(acme, "first", "second")
        OutboxMessage.objects.filter(key="first").update(target="no number")
        assert delivery.deliver(now=timezone.now() + timedelta(seconds=1)) == 1
    assert "Interlock itself" in OutboxMessage.objects.get(key="first").error


@pytest.mark.django_db
def test_a_tenant_with_thousands_of_messages_to_a_dead_receiver_delays_nobody(acme, tenant, person, monkeypatch):
    monkeypatch.setattr(delivery, "SLOW_SECONDS", 1.0)
    globex, arrived = tenant("globex"), []

    def note(client):
        arrived.append(time.monotonic())
        good(client)

    with receiver(silent) as dead, receiver(note) as alive:
        hook(acme, person, dead)
        hook(globex, person, alive, admin="msp-admin")
        tell(acme, "first")
        row = OutboxMessage.objects.get()
        copies = []
        for n in range(2000):
            row.pk, row.key = None, f"k{n}"
            copies.append(OutboxMessage(**{f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields}))
        OutboxMessage.objects.bulk_create(copies)
        tell(globex, "theirs")
        started = time.monotonic()
        assert delivery.deliver(now=timezone.now() + timedelta(seconds=1)) == 1
        took = time.monotonic() - started
    assert arrived[0] - started < 1, "nobody waits for another tenant's receiver"
    assert took < 30, "the dead receiver was asked again and again"
    assert not OutboxMessage.objects.filter(attempts=0).exists()


@pytest.mark.django_db
def test_what_comes_while_a_receiver_hangs_is_sent_at_once(acme, tenant, person, monkeypatch):
    globex = tenant("globex")
    with receiver(silent) as dead, receiver(good) as alive:
        hook(acme, person, dead)
        hook(globex, person, alive, admin="msp-admin")
        tell(acme, "first")
        really, told = delivery._claim, []

        def claim(now, crowded=()):
            if not told:
                told.append(time.monotonic())
            elif len(told) == 1:
                tell(globex, "theirs")
                told.append(time.monotonic())
            return really(now, crowded)

        monkeypatch.setattr(delivery, "_claim", claim)
        ended = {}
        really_ended = delivery._ended

        def note(message, failure, now):
            ended[message.key] = time.monotonic()
            return really_ended(message, failure, now)

        monkeypatch.setattr(delivery, "_ended", note)
        assert delivery.deliver(now=timezone.now() + timedelta(seconds=1)) == 1
    assert ended["theirs"] < ended["first"]
