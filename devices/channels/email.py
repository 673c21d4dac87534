"""Email to the people of an event, through the nearest mail server of their tenant and those above it."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Collection, Iterable, Mapping, Sequence
from email.message import EmailMessage
from email.utils import formatdate
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib.auth.models import User

from config.errors import Invalid
from devices.channels.base import (
    Address,
    Channel,
    Message,
    enabled_field,
    flaw_of_host,
    port_field,
    secret_field,
    unreached,
)
from devices.channels.time_limit import time_limit
from devices.domain.errors import DeliveryFailed, DeviceError
from devices.domain.secrets import Secret
from devices.domain.targets import Reach, literal
from devices.drivers import doors
from devices.models import MailServer, OutboxMessage
from devices.selectors import own_and_above

#: Of each reading and writing; all together have `time_limit`.
TIMEOUT_SECONDS = 10.0
MOST_REPLY_BYTES = 256 * 1024
#: What mail servers reply with (RFC 5321, 4.2.1); whoever says anything else is none.
REPLIES = range(200, 600)


class Email(Channel[MailServer]):
    """Mails go to each event's own recipients, so that a server is no receiver of events by itself."""

    key, label = "mail", "Email"
    slug, title, noun, icon = "mail-servers", "Mail Server", "mail server", "bell"
    intro = "Takes the mails to the people of a customer; customers below use it until they have their own."
    model = MailServer
    single = True
    secrets = ("password",)
    fields = {
        "host": forms.CharField(max_length=255, help_text="For example mail.example.com."),
        "port": port_field(587),
        "security": forms.ChoiceField(
            choices=[("starttls", "STARTTLS"), ("tls", "TLS"), ("none", "None: mails travel readable")]
        ),
        "username": forms.CharField(label="User name", max_length=200, required=False),
        "password": secret_field(),
        "sender": forms.EmailField(help_text="The address that mails come from."),
        "enabled": enabled_field(),
    }

    def check(self, values: Mapping[str, object], held: Collection[str]) -> None:
        """Refuse an address that can never be sent to."""
        if wrong := flaw_of_host(str(values["host"]), doors.installations()):
            raise Invalid(fields={"host": wrong})

    def addresses(self, receivers: Sequence[int], people: Iterable[User]) -> list[Address]:
        """Return the event's own recipients that have an address, where there is any server."""
        return [Address(user.email, user) for user in people if user.email] if receivers else []

    def test_address(self, receiver: MailServer, by: User) -> Address:
        """Return the caller; Invalid when his account has no address."""
        if not by.email:
            raise Invalid("Your account has no email address to send a test to. Give it one first.")
        return Address(by.email, by)

    def receiver(self, message: OutboxMessage) -> MailServer:
        """Return the nearest server; DeliveryFailed when there is none, or the recipient's account was switched off."""
        above = own_and_above(message.tenant)
        servers = MailServer.objects.filter(tenant__in=above, enabled=True).order_by("-tenant__path")
        server: MailServer | None = servers.first()
        if server is None:
            raise DeliveryFailed("There is no mail server any more.", final=True)
        if message.recipient and not message.recipient.is_active:
            raise DeliveryFailed("The recipient's account was switched off.", final=True)
        return server

    def send(self, receiver: MailServer, secrets: Mapping[str, Secret], message: Message) -> None:
        """Hand a text to the server. The same event to the same person carries the same Message-ID."""
        mail = _mail(receiver.sender, message)
        where = f"{receiver.host}:{receiver.port}"
        try:
            client = _client(receiver, doors.installations())
            with time_limit(lambda: client.sock), client:
                client.connect(receiver.host, receiver.port)
                if receiver.security == "starttls":
                    client.starttls(context=ssl.create_default_context())
                if receiver.username:
                    client.login(receiver.username, secrets["password"].reveal())
                client.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            reason = f"The server refuses {message.target}: {_text(said)}"
            raise DeliveryFailed(reason, final=500 <= code < 600) from None
        except smtplib.SMTPAuthenticationError:
            raise DeliveryFailed("The mail server refuses the user name and password.") from None
        except smtplib.SMTPResponseException as error:
            if error.smtp_code not in REPLIES:
                raise unreached(f"The mail server {where}", error) from None
            raise DeliveryFailed(
                f"The mail server {where} did not take it: {error.smtp_code} {_text(error.smtp_error)}"
            ) from None
        except smtplib.SMTPNotSupportedError as error:
            raise DeliveryFailed(f"The mail server {where} did not take it: {error}"[:280]) from None
        except (DeviceError, smtplib.SMTPException, OSError, ValueError) as error:
            raise unreached(f"The mail server {where}", error) from None

    def shown(self, target: str) -> str:
        """Return the mail address."""
        return target


EMAIL = Email()


def _mail(sender: str, message: Message) -> EmailMessage:
    mail = EmailMessage()
    subject = f"[Interlock] {message.words}: {message.subject}"
    mail["From"], mail["To"], mail["Subject"] = sender, message.target, " ".join(subject.split())[:200]
    mail["Date"], mail["Auto-Submitted"] = formatdate(), "auto-generated"
    event, person = message.id.replace(":", "."), message.target.replace("@", ".at.")
    mail["Message-ID"] = f"<{event}.{message.tenant}.{person}@interlock>"
    mail.set_content(
        f"{message.words}: {message.subject}\nCustomer: {message.tenant_name}\nBy: {message.actor}\n\n"
        f"{message.text}\n\n{message.url}\n{message.details}"
    )
    return mail


class _Replies:
    """What a mail server says, up to a limit: one without end is no reply."""

    def __init__(self, sock: socket.socket) -> None:
        self._file, self._left = sock.makefile("rb"), MOST_REPLY_BYTES

    def readline(self, size: int) -> bytes:
        line = self._file.readline(size)
        self._left -= len(line)
        if self._left < 0:
            raise OSError("its answers have no end")
        return line

    def close(self) -> None:
        self._file.close()


class _Plain(smtplib.SMTP):
    """A connection to a mail server that is not open yet; what the server says is limited."""

    file: _Replies | None
    _host: str
    reach: Reach

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return doors.connect(host, port, timeout, self.reach, tries=1)

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Replies(self.sock)
        return super().getreply()


class _Encrypted(_Plain):
    """The same, encrypted from its first byte."""

    def __init__(self, *, local_hostname: str, timeout: float, context: ssl.SSLContext) -> None:
        super().__init__(local_hostname=local_hostname, timeout=timeout)
        self._context = context

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._context.wrap_socket(super()._get_socket(host, port, timeout), server_hostname=self._host)


def _client(server: MailServer, reach: Reach) -> _Plain:
    name = _own_name()
    client = (
        _Encrypted(local_hostname=name, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context())
        if server.security == "tls"
        else _Plain(local_hostname=name, timeout=TIMEOUT_SECONDS)
    )
    client.reach = reach
    # The name that the certificate must have; smtplib takes it only from a constructor that connects at once.
    client._host = server.host
    return client


def _own_name() -> str:
    """Return the name to greet mail servers with (RFC 5321, 4.1.1.1): the web server's, which people know anyway.

    The library would look up what this machine is called.
    """
    host = urlsplit(settings.BASE_URL).hostname or "localhost"
    if address := literal(host):
        return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
    return host


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace")[:120] if isinstance(said, bytes) else str(said)[:120]
