"""What a notification channel is: its page, the form and the secrets of its receivers, whom it reaches, how it sends.

One file per channel beside this one; the tables of receivers are in `devices/models/channels.py`. Form fields are data
here, which pages turn into forms. Nothing here writes: services keep receivers and messages.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias, TypeVar

from django import forms
from django.contrib.auth.models import User

from config import limits
from devices.domain.errors import DeliveryFailed, TargetDenied
from devices.domain.secrets import Secret
from devices.domain.targets import Reach
from devices.drivers import doors
from devices.models import OutboxMessage
from devices.models.tenants import TenantOwned


@dataclass(frozen=True, slots=True)
class Address:
    """Where one message goes: an address of a `recipient`, or the id of a receiver's row.

    The event's details are for recipients only.
    """

    target: str
    recipient: User | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message on its way. `id` is the same whenever the same event is sent to the same receiver.

    `words` say what happened; `url` is a whole address or empty; `at` is ISO 8601 with its offset.
    """

    id: str
    event: str
    words: str
    tenant: str
    tenant_name: str
    subject: str
    actor: str
    text: str
    details: str
    url: str
    at: str
    target: str

    def facts(self) -> dict[str, str]:
        """Return what machines are told."""
        names = ("event", "tenant", "subject", "actor", "text", "url", "at", "id")
        return {name: getattr(self, name) for name in names}


R = TypeVar("R", bound=TenantOwned)


class Channel(Protocol[R]):
    """One way to tell of events. What is given here is for channels whose receivers each get every event.

    `key` is stored with messages, `slug` stands in the address of its page, `noun` is what one receiver is called.
    `model` is the receivers' table: tenant, `enabled`, a column for each of `fields`, and one named `<secret>_sealed`
    for each of `secrets`, which are fields, too. Of a `single` channel a tenant has one receiver.
    """

    key: str
    label: str
    slug: str
    title: str
    noun: str
    icon: str
    model: type[R]
    fields: Mapping[str, forms.Field]
    secrets: tuple[str, ...] = ()
    single: bool = False

    @property
    def intro(self) -> str:
        """What its page says on top."""
        ...

    def check(self, values: Mapping[str, object], held: Collection[str]) -> None:
        """Raise Invalid, by field, where a receiver cannot be as it is; `held` names the secrets that it will have."""
        return

    def addresses(self, receivers: Sequence[int], people: Iterable[User]) -> list[Address]:
        """Return where an event goes, of the receivers (ids) of its tenant and those above, and its own recipients."""
        return [Address(str(pk)) for pk in receivers]

    def test_address(self, receiver: R, by: User) -> Address:
        """Return where a test message goes; Invalid when it can go nowhere."""
        return Address(str(receiver.pk))

    def receiver(self, message: OutboxMessage) -> R:
        """Return the row that takes a message now; DeliveryFailed when there is none any more."""
        row = self.model._default_manager.filter(pk=int(message.target), enabled=True).first()
        if row is None:
            raise DeliveryFailed(f"The {self.noun} was removed or switched off.", final=True)
        return row

    def send(self, receiver: R, secrets: Mapping[str, Secret], message: Message) -> None:
        """Send one message; DeliveryFailed says why not."""
        ...

    def shown(self, target: str) -> str:
        """Return a message's target for people."""
        return f"receiver {target}"


#: A channel, whatever its receivers are.
AnyChannel: TypeAlias = Channel[Any]  # Any: each channel keeps its receivers in a table of its own


def unreached(where: str, error: Exception) -> DeliveryFailed:
    """Return the one failure of whatever happens before a receiver has answered in its own protocol; the log says what
    it was.

    Told apart, these tell whoever may name receivers which names, hosts and ports there are. What this installation
    denies by an address alone tells nothing of the network.
    """
    if isinstance(error, TargetDenied):
        return DeliveryFailed(error.message, final=True)
    return DeliveryFailed(
        f"{where} did not take it: the name is unknown, nobody answers there or not as expected, its certificate is "
        "not trusted, or this installation does not connect there. Its log says which.",
        cause=str(error) or type(error).__name__,
    )


def flaw_of_host(host: str, reach: Reach) -> list[str]:
    """Return what is wrong with the host of a receiver, as far as that is known without looking it up."""
    try:
        doors.look(host, replace(reach, names=True))
    except TargetDenied as error:
        return [error.message]
    return []


def secret_field(
    *, label: str | None = None, help_text: str = "", min_length: int | None = None, widget: forms.Widget | None = None
) -> forms.CharField:
    """Return the form field of a secret: what is typed is not shown and kept byte for byte, and empty keeps what is
    stored."""
    return forms.CharField(
        required=False,
        label=label,
        help_text=help_text,
        min_length=min_length,
        strip=False,
        max_length=limits.MOST_SECRET_CHARACTERS,
        widget=widget or forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


def port_field(initial: int) -> forms.IntegerField:
    """Return the form field of a TCP or UDP port."""
    return forms.IntegerField(initial=initial, min_value=1, max_value=65535)


def enabled_field() -> forms.BooleanField:
    """Return the form field that switches a receiver on and off."""
    return forms.BooleanField(required=False, initial=True)
