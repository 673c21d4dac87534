"""The platforms: those that the product drives itself, and Netmiko's other device types.

How to talk to them: `drivers`.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices.domain.netmiko_types import TYPES


@dataclass(frozen=True, slots=True)
class PlatformName:
    """One row of the platform table; `key` is what devices, templates and the API store.

    `telnet`: its Telnet login is known.
    """

    key: str
    label: str
    vendor: str
    os: str
    telnet: bool = False


def _others() -> list[PlatformName]:
    rows = [[cell.strip() for cell in line.split("|")] for line in TYPES.splitlines()]
    return [
        PlatformName(key, name, vendor, name.removeprefix(vendor).strip(), bool(telnet))
        for key, name, vendor, telnet in rows
    ]


#: Those that the product drives itself.
OWN: dict[str, PlatformName] = {
    row.key: row
    for row in (
        PlatformName("cisco_ios", "Cisco IOS", "Cisco", "IOS", telnet=True),
        PlatformName("arista_eos", "Arista EOS", "Arista", "EOS", telnet=True),
        PlatformName("juniper_junos", "Juniper Junos", "Juniper", "Junos", telnet=True),
        PlatformName("linux", "Linux", "Linux", "Linux"),
        PlatformName("windows", "Windows", "Microsoft", "Windows"),
    )
}
PLATFORMS: dict[str, PlatformName] = OWN | {row.key: row for row in _others()}
#: Commands for "any platform" do not mean these, whose commands have little in common with the others'.
ONLY_BY_NAME = frozenset({"windows", *(PLATFORMS.keys() - OWN.keys())})


def choices() -> list[tuple[str, str]]:
    """Return (key, name): our own first, then the others by name."""
    others = sorted((row.label, row.key) for row in PLATFORMS.values() if row.key not in OWN)
    return [*((row.key, row.label) for row in OWN.values()), *((key, name) for name, key in others)]


CHOICES = choices()


def label(key: str) -> str:
    """Return the name of a platform for people; an unknown key stands for itself."""
    return PLATFORMS[key].label if key in PLATFORMS else key
