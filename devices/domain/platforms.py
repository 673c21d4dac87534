"""The platforms that the product drives itself: key, name, vendor and operating system. How to talk to them: `drivers`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlatformName:
    """One row of the platform table; `key` is what devices, templates and the API store."""

    key: str
    label: str
    vendor: str
    os: str


PLATFORMS: dict[str, PlatformName] = {
    row.key: row
    for row in (
        PlatformName("cisco_ios", "Cisco IOS", "Cisco", "IOS"),
        PlatformName("arista_eos", "Arista EOS", "Arista", "EOS"),
        PlatformName("juniper_junos", "Juniper Junos", "Juniper", "Junos"),
        PlatformName("linux", "Linux", "Linux", "Linux"),
        PlatformName("windows", "Windows", "Microsoft", "Windows"),
    )
}
#: Commands for "any platform" do not mean these, whose commands have nothing in common with the others'.
ONLY_BY_NAME = frozenset({"windows"})
CHOICES = [(row.key, row.label) for row in PLATFORMS.values()]


def label(key: str) -> str:
    """Return the name of a platform for people; an unknown key stands for itself."""
    return PLATFORMS[key].label if key in PLATFORMS else key
