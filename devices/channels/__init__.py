"""The notification channels by key: one line each. A new one is its file beside this one, and its line here."""

from __future__ import annotations

from operator import attrgetter

from config.registry import by_key
from devices.channels.base import AnyChannel
from devices.channels.email import EMAIL
from devices.channels.snmp_trap import SNMP_TRAP
from devices.channels.webhook import WEBHOOK

#: In the order in which people see them.
CHANNELS: dict[str, AnyChannel] = by_key(
    "channel",
    (
        EMAIL,
        SNMP_TRAP,
        WEBHOOK,
    ),
    attrgetter("key"),
)
by_key("page of channels", CHANNELS.values(), attrgetter("slug"))


def with_page(slug: str) -> AnyChannel | None:
    """Return the channel whose page has this address."""
    return next((channel for channel in CHANNELS.values() if channel.slug == slug), None)


def label(key: str) -> str:
    """Return the name of a channel for people; one that there is not any more stands for itself."""
    return CHANNELS[key].label if key in CHANNELS else key


def target(key: str, text: str) -> str:
    """Return a message's target for people."""
    return CHANNELS[key].shown(text) if key in CHANNELS else text
