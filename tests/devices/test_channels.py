"""Messages about events: written with the event, delivered by real servers, nothing lost, nothing twice, nobody
foreign."""

import hashlib
import hmac
import json
import shutil
import subprocess
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from operator import attrgetter
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from django import forms
from django.utils import timezone

from config.errors import Forbidden, Invalid
from config.registry import by_key
from devices.channels import CHANNELS, snmp_trap, webhook
from devices.channels.base import Channel, enabled_field, secret_field
from devices.channels.email import EMAIL
from devices.channels.snmp_trap import SNMP_TRAP
from devices.channels.webhook import WEBHOOK
from devices.domain.errors import DeliveryFailed
from devices.domain.secrets import Secret
from devices.domain.targets import Reach
from devices.models import MailServer, Notice, OutboxMessage, Webhook
from devices.services import channels, delivery, outbox, tenants
from tests.e2e.conftest import need
from tests.servers import free_port

MIBS = Path(__file__).resolve().parents[2] / "docs"
EVENTS = [event for event in outbox.EVENTS if event != "test"]


class Mailbox:
    """A real SMTP server that can be stopped and started again on the same port."""

    def __init__(self):
        self.port, self.mails, self.server = free_port(), [], None

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((envelope.rcpt_tos, envelope.content.decode()))
        return "250 OK"

    def start(self):
        self.server = Controller(self, hostname="127.0.0.1", port=self.port)
        self.server.start()

    def stop(self):
        self.server.stop()


@pytest.fixture
def mailbox():
    found = Mailbox()
    found.start()
    yield found
    if found.server.loop.is_running():
        found.stop()


@pytest.fixture
def acme(tenant, person, wakeups):
    for name in ("acme-operator", "acme-approver-1", "acme-admin"):
        account = person(name)
        account.email = f"{name}@acme.example"
        account.save()
    return tenant("acme")


def server(acme, person, port, **more):
    values = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "interlock@acme.example", **more}
    return channels.save_channel(
        by=person("acme-admin"), tenant=acme, channel=EMAIL, secrets={"password": None}, **values
    )


def tell(tenant, people, event="approved", key="k1", **more):
    values = {"subject": "Core upgrade", "text": "one line", "url": "/jobs/x/approval/", **more}
    told = outbox.Event(tenant=tenant, event=event, key=key, recipients=people, **values)
    outbox.announce(told, now=timezone.now())


def later(**span):
    return timezone.now() + timedelta(**span)


@pytest.mark.django_db
class TestMail:
    def test_each_recipient_gets_each_event_once_with_a_link_and_no_more(self, acme, person, mailbox):
        server(acme, person, mailbox.port)
        people = [person("acme-operator"), person("acme-approver-1")]
        for _ in range(2):
            tell(acme, people)
        assert delivery.deliver(now=later(seconds=1)) == 2 and delivery.deliver(now=later(hours=9)) == 0
        assert sorted(to[0] for to, _ in mailbox.mails) == [
            "acme-approver-1@acme.example",
            "acme-operator@acme.example",
        ]
        text = mailbox.mails[0][1]
        assert (
            "Subject: [Interlock] Approved: Core upgrade" in text and "http://127.0.0.1:8000/jobs/x/approval/" in text
        )
        assert "Message-ID: <k1." in text
        assert Notice.objects.filter(key="k1").count() == 2

    def test_nothing_is_lost_while_the_server_is_away_and_nothing_comes_twice(self, acme, person, mailbox):
        server(acme, person, mailbox.port)
        tell(acme, [person("acme-operator")], key="before")
        delivery.deliver(now=later(seconds=1))
        mailbox.stop()
        now = timezone.now()
        for minute in range(0, 60, 5):
            tell(acme, [person("acme-operator")], key=f"away{minute}")
            delivery.deliver(now=now + timedelta(minutes=minute, seconds=1))
        waiting = OutboxMessage.objects.filter(status="waiting")
        assert waiting.count() == 12 and "did not take it" in waiting.last().error and waiting.last().attempts > 1
        mailbox.start()
        for hour in range(1, 4):
            delivery.deliver(now=now + timedelta(hours=hour))
        assert len(mailbox.mails) == 13 and OutboxMessage.objects.filter(status="sent").count() == 13
        assert len({text.split("Message-ID: ")[1].split()[0] for _, text in mailbox.mails}) == 13

    def test_two_senders_at_once_send_once_and_a_dead_one_is_replaced(self, acme, person, mailbox):
        server(acme, person, mailbox.port)
        tell(acme, [person("acme-operator")])
        now = later(seconds=1)
        claimed = delivery._claim(now)
        assert len(claimed) == 1 and delivery.deliver(now=now) == 0, "another one has it in hand"
        assert delivery.deliver(now=now + delivery.SENDING) == 1, "who had it never came back"
        delivery._ended(claimed[0], None, now)
        assert OutboxMessage.objects.get().attempts == 2 and OutboxMessage.objects.get().status == "sent"

    def test_a_line_break_in_a_name_makes_no_header(self, acme, person, mailbox):
        server(acme, person, mailbox.port)
        tell(acme, [person("acme-operator")], subject="Core\r\nBcc: all@example.com")
        delivery.deliver(now=later(seconds=1))
        head = mailbox.mails[0][1].split("\r\n\r\n")[0]
        assert "\nBcc:" not in head and len(mailbox.mails[0][0]) == 1

    def test_a_customer_uses_the_server_above_it_until_it_has_its_own(self, acme, person, tenant, mailbox):
        channels.save_channel(
            by=person("msp-admin"),
            tenant=tenant("msp_12"),
            channel=EMAIL,
            secrets={},
            host="127.0.0.1",
            port=mailbox.port,
            security="none",
            sender="msp@example.com",
        )
        child = tenant("client_13")
        someone = person("client13-operator")
        someone.email = "op@client13.example"
        someone.save()
        tell(child, [someone])
        other = tenants.create_tenant(by=None, key="other", name="Other", kind="msp")
        tell(other, [person("acme-operator")], key="not below it")
        delivery.deliver(now=later(seconds=1))
        assert [to for to, _ in mailbox.mails] == [["op@client13.example"]]

    def test_the_password_is_sealed_and_never_shown(self, acme, person, browser, mailbox):
        secret = "mail-canary-4711"
        url = f"/settings/mail-servers/{server(acme, person, mailbox.port).pk}/"
        data = {
            "host": "127.0.0.1",
            "port": mailbox.port,
            "security": "none",
            "username": "u",
            "password": secret,
            "sender": "a@b.example",
            "enabled": "on",
        }
        assert browser("acme-admin").post(url, data).status_code == 302
        row = MailServer.objects.get(tenant=acme)
        assert row.password_sealed and secret not in row.password_sealed
        assert secret not in browser("acme-admin").get(url).content.decode()
        assert channels.opened(EMAIL, row)["password"].reveal() == secret


@pytest.fixture
def snmptrapd(tmp_path):
    """net-snmp's receiver with our MIB; yields (port, read its lines)."""
    need(shutil.which("snmptrapd"), "net-snmp's receiver is not installed: 'apt install snmptrapd'.")
    port, log = free_port(), tmp_path / "traps.log"
    (tmp_path / "snmptrapd.conf").write_text(
        "disableAuthorization yes\n"
        f"createUser -e 0x{snmp_trap.engine_id()} locker SHA auth-canary-1 AES priv-canary-1\n"
        "authUser log locker priv\n"
    )
    words = [
        "snmptrapd",
        "-f",
        "-C",
        "-c",
        tmp_path / "snmptrapd.conf",
        "-M",
        f"+{MIBS}",
        "-m",
        "+INTERLOCK-MIB",
        "-OS",
        "-Lf",
        log,
        f"udp:127.0.0.1:{port}",
    ]
    child = subprocess.Popen(
        list(map(str, words)), env={"SNMP_PERSISTENT_DIR": str(tmp_path), "PATH": "/usr/bin:/bin:/usr/sbin"}
    )
    deadline = time.monotonic() + 10
    while "NET-SNMP version" not in (log.read_text() if log.exists() else "") and time.monotonic() < deadline:
        time.sleep(0.05)

    def lines(count, seconds=8):
        until = time.monotonic() + seconds
        while log.read_text().count("INTERLOCK-MIB::interlockEventId") < count and time.monotonic() < until:
            time.sleep(0.05)
        return log.read_text()

    yield port, lines
    child.terminate()
    child.wait(10)


@pytest.mark.django_db
@pytest.mark.parametrize("version", ["v2c", "v3"])
def test_net_snmp_receives_and_names_each_event(version, snmptrapd, acme, person):
    port, lines = snmptrapd
    secrets = {"community": Secret("public"), "auth_key": Secret("auth-canary-1"), "priv_key": Secret("priv-canary-1")}
    channels.save_channel(
        by=person("acme-admin"),
        tenant=acme,
        channel=SNMP_TRAP,
        secrets=secrets,
        name="NOC",
        host="127.0.0.1",
        port=port,
        version=version,
        username="locker",
        auth="sha",
        priv="aes",
    )
    for number, event in enumerate(EVENTS):
        tell(acme, [], event=event, key=f"{event}:{number}", subject=f"Job {event}")
    assert delivery.deliver(now=later(seconds=1)) == len(EVENTS)
    text = lines(len(EVENTS))
    for number, event in enumerate(EVENTS):
        assert (
            text.count(f"INTERLOCK-MIB::interlock{event.title().replace('_', '')}\n")
            + text.count(f"INTERLOCK-MIB::interlock{event.title().replace('_', '')}\t")
            == 1
        ), (event, text[-2000:])
        assert text.count(f'STRING: "Job {event}"') == 1 and text.count(f'STRING: "{event}:{number}"') == 1
    assert 'INTERLOCK-MIB::interlockTenant.0 = STRING: "acme"' in text and "canary" not in text


def test_every_event_has_its_number_in_the_mib():
    mib = (MIBS / "INTERLOCK-MIB.txt").read_text()
    assert list(outbox.EVENTS) == list(snmp_trap.NOTIFICATIONS)
    for number, event in enumerate(snmp_trap.NOTIFICATIONS, 1):
        assert (
            f"interlock{event.title().replace('_', '')} NOTIFICATION-TYPE" in mib
            and f"::= {{ interlockNotifications {number} }}" in mib
        )


@pytest.fixture
def catcher():
    """A web server that keeps what it was posted, and answers as told."""
    caught, answers = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            caught.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(answers.pop(0) if answers else 204)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()

        def log_message(self, *args):
            pass

    found = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield found.server_port, caught, answers
    found.shutdown()


@pytest.mark.django_db
class TestWebhooks:
    def hook(self, acme, person, port):
        url = f"http://127.0.0.1:{port}/in?x=1"
        secrets = {"secret": Secret("hook-canary")}
        return channels.save_channel(
            by=person("acme-admin"), tenant=acme, channel=WEBHOOK, secrets=secrets, name="CI", url=url
        )

    def test_an_event_is_signed_and_sent_again_until_it_is_taken(self, acme, person, catcher):
        port, caught, answers = catcher
        self.hook(acme, person, port)
        answers += [500, 302, 200]
        tell(acme, [])
        now = later(seconds=1)
        assert [delivery.deliver(now=now + timedelta(minutes=5 * n)) for n in range(4)] == [0, 0, 1, 0]
        headers, body = caught[-1]
        signed = hmac.new(
            b"hook-canary", f"{headers['X-Interlock-Timestamp']}.".encode() + body, hashlib.sha256
        ).hexdigest()
        assert headers["X-Interlock-Signature"] == f"sha256={signed}" and headers["X-Interlock-Id"] == "k1"
        assert json.loads(body)["tenant"] == "acme" and b"canary" not in body
        assert len(caught) == 3, "a redirect is not followed"

    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1:9/",
            "http://localhost:9/",
            "http://169.254.169.254/",
            "http://[::1]:9/",
            "http://10.0.0.1/",
        ],
    )
    def test_the_machines_own_doors_are_closed(self, url):
        with pytest.raises(DeliveryFailed) as caught:
            webhook.post(url, Secret("x"), {"id": "1"}, Reach(denied=(), public=True))
        assert caught.value.final

    def test_an_address_without_tls_or_with_a_user_is_refused(self):
        for url in (
            "http://example.com/",
            "ftp://example.com/",
            "https://a:b@example.com/",
            "https://@example.com/",
            "https://example.com:0/",
            "https://example.com:99999/",
            "https://[::1/",
            "https://127.0.0.1/",
        ):
            with pytest.raises(Invalid):
                webhook.check_address(url, Reach(denied=("127.0.0.0/8",)))


@pytest.mark.django_db
def test_only_administrators_set_channels_up_and_read_deliveries(acme, person, browser):
    with pytest.raises(Forbidden):
        server(acme, type("P", (), {"__call__": lambda self, name: person("acme-operator")})(), 25)
    tell(acme, [])
    assert browser("acme-operator").get("/deliveries/").status_code == 200
    assert "Core upgrade" not in browser("acme-operator").get("/deliveries/").content.decode()


@pytest.mark.django_db
def test_a_message_given_up_says_why_and_can_be_sent_again(acme, person, browser, mailbox):
    row = server(acme, person, mailbox.port)
    tell(acme, [person("acme-operator")])
    MailServer.objects.filter(pk=row.pk).update(enabled=False)
    delivery.deliver(now=later(seconds=1))
    message = OutboxMessage.objects.get()
    assert (message.status, message.error) == ("failed", "There is no mail server any more.")
    assert "There is no mail server any more." in browser("acme-admin").get("/deliveries/").content.decode()
    MailServer.objects.filter(pk=row.pk).update(enabled=True)
    assert browser("acme-admin").post(f"/deliveries/{message.pk}/again/").status_code == 302
    assert delivery.deliver(now=later(seconds=1)) == 1 and len(mailbox.mails) == 1


@pytest.mark.django_db
def test_the_test_button_sends_through_the_channel(acme, person, browser, mailbox):
    data = {
        "tenant": acme.pk,
        "host": "127.0.0.1",
        "port": mailbox.port,
        "security": "none",
        "sender": "a@b.example",
        "enabled": "on",
        "action": "test",
    }
    assert browser("acme-admin").post("/settings/mail-servers/new/", data).status_code == 302
    delivery.deliver(now=later(seconds=1))
    assert [to for to, _ in mailbox.mails] == [["acme-admin@acme.example"]]


class Chat(Channel):
    """What the file of a channel of one's own says; its receivers are in a table that there is."""

    key, label = "chat", "Chat room"
    slug, title, noun, icon, intro = "chat-rooms", "Chat Rooms", "chat room", "bell", "Rooms that hear of every event."
    model = Webhook
    secrets = ("secret",)
    fields = {
        "name": forms.CharField(),
        "url": forms.URLField(assume_scheme="https"),
        "secret": secret_field(),
        "enabled": enabled_field(),
    }

    def __init__(self):
        self.said = []

    def check(self, values, held):
        if "secret" not in held:
            raise Invalid(fields={"secret": ["A room has a key."]})

    def send(self, receiver, secrets, message):
        self.said.append((receiver.name, secrets["secret"].reveal(), message.words, message.facts()["subject"]))


@pytest.fixture
def chat(monkeypatch):
    """The line that the registry would have."""
    found = Chat()
    monkeypatch.setitem(CHANNELS, "chat", found)
    return found


@pytest.mark.django_db
def test_a_channel_of_ones_own_is_in_the_settings_kept_by_its_form_and_told_of_events(acme, person, browser, chat):
    client = browser("acme-admin")
    assert '<a href="/settings/chat-rooms/"' in client.get("/").content.decode()
    data = {"tenant": acme.pk, "name": "War room", "url": "https://chat.example/", "enabled": "on"}
    refused = client.post("/settings/chat-rooms/new/", data)
    assert refused.context["form"].errors == {"secret": ["A room has a key."]}
    saved = client.post("/settings/chat-rooms/new/", {**data, "secret": "chat-canary", "action": "test"})
    assert (saved.status_code, saved["Location"]) == (302, "/settings/chat-rooms/")
    page = client.get("/settings/chat-rooms/").content.decode()
    assert "War room" in page and "Rooms that hear of every event." in page and "New chat room" in page
    assert "chat-canary" not in client.get(f"/settings/chat-rooms/{Webhook.objects.get().pk}/").content.decode()
    tell(acme, [])
    delivery.deliver(now=later(seconds=1))
    assert sorted(chat.said) == [
        ("War room", "chat-canary", "Approved", "Core upgrade"),
        ("War room", "chat-canary", "Test message", "War room"),
    ]
    assert "Chat room" in client.get("/deliveries/?channel=chat").content.decode()


@pytest.mark.django_db
def test_a_message_of_a_channel_that_is_no_more_is_given_up_and_still_listed(acme, person, browser, chat, monkeypatch):
    channels.save_channel(
        by=person("acme-admin"),
        tenant=acme,
        channel=chat,
        secrets={"secret": Secret("x")},
        name="Room",
        url="https://x/",
    )
    tell(acme, [])
    monkeypatch.delitem(CHANNELS, "chat")
    delivery.deliver(now=later(seconds=1))
    message = OutboxMessage.objects.get(channel="chat")
    assert (message.status, message.error) == ("failed", "There is no channel 'chat' any more.")
    assert "There is no channel" in browser("acme-admin").get("/deliveries/").content.decode()
    assert browser("acme-admin").get("/settings/chat-rooms/").status_code == 404


def test_a_channel_with_the_key_of_another_is_refused():
    with pytest.raises(ValueError, match="The channel 'mail' is given twice; give each one a key of its own."):
        by_key("channel", [*CHANNELS.values(), EMAIL], attrgetter("key"))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "values,secrets,field",
    [
        ({}, ("auth_key", "priv_key"), "username"),
        ({"username": "u"}, ("priv_key",), "auth_key"),
        ({"username": "u"}, ("auth_key",), "priv_key"),
        ({"username": "u", "auth": "none"}, ("priv_key",), "priv"),
        ({"version": "v2c"}, (), None),
        ({"username": "u", "auth": "none", "priv": "none"}, (), None),
        ({"username": "u"}, ("auth_key", "priv_key"), None),
    ],
)
def test_what_a_trap_receiver_needs_is_asked_for_by_every_face(values, secrets, field, acme, person):
    given = {name: Secret("8 or more characters") for name in secrets}
    words = {"by": person("acme-admin"), "tenant": acme, "channel": SNMP_TRAP, "secrets": given}
    if field is None:
        row = channels.save_channel(**words, name="NOC", host="127.0.0.1", **values)
        channels.save_channel(**{**words, "secrets": {}}, instance=row, name="NOC 2")  # what is stored is held
        return
    with pytest.raises(Invalid) as refused:
        channels.save_channel(**words, name="NOC", host="127.0.0.1", **values)
    assert list(refused.value.fields) == [field]
