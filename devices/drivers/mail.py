"""Hand one mail to an SMTP server."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate

from devices.domain.errors import DeliveryFailed
from devices.domain.secrets import Secret

TIMEOUT = 15.0


@dataclass(frozen=True, slots=True)
class Server:
    """Where and as whom; `security` is starttls, tls or none."""

    host: str
    port: int
    security: str
    username: str
    password: Secret
    sender: str


def send(server: Server, *, to: str, subject: str, body: str, message_id: str) -> None:
    """Send a text; DeliveryFailed says why not. The same event to the same person carries the same Message-ID."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = server.sender, to, " ".join(subject.split())[:200]
    mail["Date"], mail["Auto-Submitted"] = formatdate(), "auto-generated"
    mail["Message-ID"] = f"<{message_id}.{to.replace('@', '.at.')}@interlock>"
    mail.set_content(body)
    try:
        with _connect(server) as client:
            if server.username:
                client.login(server.username, server.password.reveal())
            client.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()))
        raise DeliveryFailed(f"The server refuses {to}: {_text(said)}", final=500 <= code < 600) from None
    except smtplib.SMTPAuthenticationError:
        raise DeliveryFailed("The mail server refuses the user name and password.") from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise DeliveryFailed(f"The mail server {server.host}:{server.port} did not take it: {error}"[:280]) from None


def _connect(server: Server) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if server.security == "tls":
        return smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT, context=context)
    client = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT)
    if server.security == "starttls":
        client.starttls(context=context)
    return client


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace")[:120] if isinstance(said, bytes) else str(said)[:120]
