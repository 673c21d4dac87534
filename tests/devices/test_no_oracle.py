"""Who may name receivers does not learn from their failures which names, hosts and ports there are."""

import socket
import threading
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
from django.utils import timezone

from config.errors import Invalid
from devices.channels import CHANNELS
from devices.channels import email as mail
from devices.channels.email import EMAIL
from devices.channels.snmp_trap import SNMP_TRAP
from devices.channels.webhook import WEBHOOK
from devices.domain.errors import DeliveryFailed
from devices.domain.secrets import Secret
from devices.models import DemoAccount, OutboxMessage
from devices.services import channels, delivery, outbox
from tests.servers import free_port

#: Names of the world of these tests, which nobody is asked for.
WORLD = {"inside.example": "10.1.2.3", "metadata.example": "169.254.169.254", "here.example": "127.0.0.1"}


@contextmanager
def port_that(says):
    """A port that takes connections, says something and hangs up."""
    listening = socket.create_server(("127.0.0.1", 0))

    def accept():
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                with client, suppress(OSError):
                    client.sendall(says)
                    client.settimeout(0.2)
                    client.recv(1000)

    threading.Thread(target=accept, daemon=True).start()
    yield listening.getsockname()[1]
    listening.close()


@pytest.fixture
def world(monkeypatch, settings, db):
    DemoAccount.objects.all().delete()  # its people are those of an installation
    settings.DEMO, settings.ALLOWED_TARGETS = False, ["127.0.0.0/8"]
    settings.DENIED_TARGETS = ["10.0.0.0/8", "169.254.0.0/16"]

    def look(host, port, *rest, **options):
        if host in WORLD:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (WORLD[host], port))]
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look)


def told(tenant, person, channel, values, secrets):
    """Save a receiver, tell it of an event, and return what the customer reads of that."""
    row = channels.save_channel(by=person("acme-admin"), tenant=tenant, channel=channel, secrets=secrets, **values)
    someone = person("acme-operator")
    someone.email = "op@acme.example"
    someone.save()
    outbox.announce(
        outbox.Event(
            tenant=tenant, event="approved", key="k", subject="S", text="T", url="/jobs/", recipients=[someone]
        ),
        now=timezone.now(),
    )
    delivery.deliver(now=timezone.now() + timedelta(seconds=1))
    message = OutboxMessage.objects.get(channel=channel.key)
    found = (message.status, message.error)
    OutboxMessage.objects.all().delete()
    row.delete()
    return found


def without_ports(found, *ports):
    status, error = found
    for port in ports:
        error = error.replace(str(port), "PORT")
    for name in (*WORLD, "unknown.example", "127.0.0.1"):
        error = error.replace(name, "HOST")
    return status, error


@pytest.mark.django_db
@pytest.mark.parametrize("security", ["none", "tls", "starttls"])
def test_a_mail_server_that_is_none(security, tenant, person, wakeups, world, log_lines):
    acme, found = tenant("acme"), set()
    banners = (b"", b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x15\x03\x01\x00\x02\x02\x46")
    with port_that(banners[0]) as a, port_that(banners[1]) as b, port_that(banners[2]) as c, port_that(banners[3]) as d:
        places = [("127.0.0.1", port) for port in (a, b, c, d, free_port())]
        places += [(name, free_port()) for name in (*WORLD, "unknown.example")]
        for host, port in places:
            values = {"host": host, "port": port, "security": security, "sender": "i@acme.example"}
            found.add(without_ports(told(acme, person, EMAIL, values, {}), port))
    assert len(found) == 1, found
    assert found.pop()[0] == "waiting"
    lines = [line["cause"] for line in log_lines if line["action"] == "message.postponed"]
    assert len(lines) == len(places) and len(set(lines)) > 5 and all(lines), "the log says which"
    denied = [line for line in log_lines if line["action"] == "target.denied"]
    assert "169.254.169.254" in denied[1]["message"] and denied[1]["tenant"] == "acme"


@pytest.mark.django_db
def test_a_webhook_that_is_none(tenant, person, wakeups, world, log_lines):
    acme, found = tenant("acme"), set()
    with port_that(b"") as a, port_that(b"SSH-2.0-OpenSSH_9\r\n") as b:
        places = [f"https://127.0.0.1:{port}/" for port in (a, b, free_port())]
        places += [f"http://127.0.0.1:{port}/" for port in (a, b, free_port())]
        places += [f"https://{name}:{a}/" for name in (*WORLD, "unknown.example")]
        for url in places:
            values = {"name": "Hook", "url": url}
            found.add(without_ports(told(acme, person, WEBHOOK, values, {"secret": Secret("x")})))
    assert len(found) == 1, found
    assert found.pop()[0] == "waiting"


@pytest.mark.django_db
def test_a_trap_receiver_that_is_none(tenant, person, wakeups, world, log_lines):
    acme, found = tenant("acme"), set()
    for name in ("inside.example", "metadata.example", "unknown.example"):
        values = {"name": "NOC", "host": name, "port": 9, "version": "v2c", "auth": "none", "priv": "none"}
        found.add(without_ports(told(acme, person, SNMP_TRAP, values, {"community": Secret("x")})))
    assert len(found) == 1, found


@pytest.mark.django_db
@pytest.mark.parametrize("key", sorted(CHANNELS))
@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254"])
def test_an_address_that_is_denied_is_refused_where_it_is_typed(key, host, tenant, person, wakeups, world):
    values = {
        "mail": {"host": host, "port": 25, "security": "none", "sender": "i@acme.example"},
        "trap": {"name": "NOC", "host": host, "port": 9, "version": "v2c", "auth": "none", "priv": "none"},
        "webhook": {"name": "Hook", "url": f"https://{host}/"},
    }[key]
    with pytest.raises(Invalid) as caught:
        channels.save_channel(
            by=person("acme-admin"), tenant=tenant("acme"), channel=CHANNELS[key], secrets={}, **values
        )
    assert "INTERLOCK_ALLOWED_TARGETS" in str(caught.value.fields)


@pytest.mark.django_db
def test_a_webhook_saved_before_its_address_was_denied_is_not_sent_to(tenant, person, wakeups, world, settings):
    acme = tenant("acme")
    with port_that(b"HTTP/1.1 204 No Content\r\n\r\n") as port:
        hook = channels.save_channel(
            by=person("acme-admin"),
            tenant=acme,
            channel=WEBHOOK,
            secrets={"secret": Secret("x")},
            name="Hook",
            url=f"http://127.0.0.1:{port}/",
        )
        settings.ALLOWED_TARGETS = []
        told_of = outbox.Event(tenant=acme, event="approved", key="k", subject="S", text="T", url="/", recipients=[])
        outbox.announce(told_of, now=timezone.now())
        assert delivery.deliver(now=timezone.now() + timedelta(seconds=1)) == 0
    assert hook.pk and OutboxMessage.objects.get(channel="webhook").status == "failed"


def test_no_mail_asks_what_this_machine_is_called(monkeypatch, settings):
    for name in ("getfqdn", "gethostname", "gethostbyname"):
        monkeypatch.setattr(socket, name, lambda *given: pytest.fail("it was asked"))
    for url, greeting in (
        ("https://lock.example:8443", "lock.example"),
        ("http://127.0.0.1:8000", "[127.0.0.1]"),
        ("http://[::1]:8000", "[IPv6:::1]"),
    ):
        settings.BASE_URL = url
        assert mail._own_name() == greeting


def test_a_private_webhook_is_sent_to_where_the_installation_allows_it(settings):
    settings.DEMO, settings.ALLOWED_TARGETS, settings.DENIED_TARGETS = False, ["127.0.0.0/8"], []
    facts = {"id": "1"}
    from devices.channels import webhook
    from devices.drivers import doors

    with port_that(b"HTTP/1.1 204 No Content\r\n\r\n") as port:
        webhook.post(f"http://127.0.0.1:{port}/", Secret("x"), facts, doors.installations(public=True))
        settings.ALLOWED_TARGETS = []
        with pytest.raises(DeliveryFailed):
            webhook.post(f"https://127.0.0.1:{port}/", Secret("x"), facts, doors.installations(public=True))
