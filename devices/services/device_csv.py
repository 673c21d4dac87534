"""Bring devices in from a CSV file, checked as a whole and written some lines at a time, and hand them out as one."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar, cast

from django.contrib.auth.models import User
from django.db import IntegrityError

from config.errors import Invalid
from devices import access
from devices.domain.addresses import UnreadableFile, normal_address
from devices.domain.device_csv import DIRECTLY, DeviceLine, boolean, read_devices, written
from devices.domain.endpoints import normal_host
from devices.domain.roles import Verb
from devices.drivers.platforms import PLATFORMS, own_choices
from devices.models import AssetTag, Credential, Device, JumpHost, Network, Tenant
from devices.services import inventory
from devices.services.values import DeviceValues

#: So many lines are written in one transaction: other writers wait for it, on SQLite all of them.
LINES_PER_TRANSACTION = 50
#: Between two of them others come first.
PAUSE_SECONDS = 0.05
#: Of a device, by column.
Values: TypeAlias = dict[str, Any]  # Any: each column is read by a reader of its own, which the line's words name
M = TypeVar("M", Network, Credential, AssetTag, JumpHost)


@dataclass(slots=True)
class _Wish:
    """What a line asks for: a device with its new values, and the tags it has then."""

    line: int
    device: Device
    values: Values
    tags: list[AssetTag] | None

    @property
    def written(self) -> tuple[Device, DeviceValues, list[AssetTag] | None]:
        """The device, what of it is written, and its tags."""
        return self.device, cast(DeviceValues, self.values), self.tags


def import_devices(*, by: User, tenant: Tenant, data: bytes) -> dict[str, int]:
    """Add the devices of a file to a tenant, and change those whose name it has.

    Returns how many were created and changed.

    Invalid names each line that is wrong, and nothing is done. A column that the file lacks stays as it is. What is
    right is written some lines at a time, so that nobody waits for a whole file; Invalid also names the lines that
    somebody else was faster with.
    """
    access.check_may(by, Verb.ADMINISTER, tenant)
    try:
        lines = read_devices(data)
    except UnreadableFile as error:
        raise Invalid(fields={"file": [str(error)]}) from None
    wishes = _wishes(tenant, lines)
    created = sum(wish.device._state.adding for wish in wishes)
    problems: dict[str, list[str]] = {}
    for first in range(0, len(wishes), LINES_PER_TRANSACTION):
        if first:
            time.sleep(PAUSE_SECONDS)
        problems |= _write(by, tenant, wishes[first : first + LINES_PER_TRANSACTION])
    if problems:
        words = f"{len(wishes) - len(problems)} lines were imported; somebody changed the same devices meanwhile. "
        raise Invalid(f"{words}Import the file again.", fields=problems)
    return {"created": created, "changed": len(wishes) - created}


def _wishes(tenant: Tenant, lines: Sequence[DeviceLine]) -> list[_Wish]:
    """Return what the lines ask for; Invalid names what is wrong in each. Nothing is written."""
    reader = _Reader(tenant)
    problems: dict[str, list[str]] = {}
    found: list[_Wish] = []
    for line in lines:
        values, wrong = reader.read(line)
        if not wrong:
            wish = reader.wish(line.line, values)
            wrong = reader.taken(wish)
            found.append(wish)
        problems |= {f"line {line.line}, {column}": said for column, said in wrong.items()}
    if problems:
        raise Invalid(fields=problems)
    return found


def _write(by: User, tenant: Tenant, wishes: Sequence[_Wish]) -> dict[str, list[str]]:
    """Write some lines in one short transaction; where somebody was faster, each by itself. Return what is wrong."""
    fresh = [wish.device._state.adding for wish in wishes]
    try:
        inventory.write_devices(by=by, tenant=tenant, given=[wish.written for wish in wishes])
    except IntegrityError:
        for wish, adding in zip(wishes, fresh, strict=True):
            wish.device._state.adding = adding
        return {f"line {wish.line}": said for wish in wishes for said in [_write_one(by, tenant, wish)] if said}
    return {}


def _write_one(by: User, tenant: Tenant, wish: _Wish) -> list[str]:
    instance = Device.objects.filter(tenant=tenant, name__iexact=wish.device.name).first()
    try:
        inventory.save_device(by=by, tenant=tenant, instance=instance, tags=wish.tags, **wish.values)
    except Invalid as error:
        return [error.message]
    return []


def export_devices(rows: Iterable[Device]) -> Iterator[str]:
    """Yield a file of devices (with network, credential and tags fetched) that `import_devices` takes back."""
    yes = {True: "yes", False: "no"}
    return written(
        [
            row.name,
            row.address,
            row.platform,
            row.network.name,
            row.credential.name if row.credential else "",
            ";".join(sorted(tag.name for tag in row.tags.all())),
            row.connect_host,
            str(row.connect_port),
            DIRECTLY if row.direct else row.jump_host.name if row.jump_host else "",
            yes[row.console],
            yes[row.legacy_ssh],
            row.protocol,
            yes[row.enabled],
        ]
        for row in rows
    )


class _Reader:
    """Turns the words of a line into what a device of one tenant is made of."""

    def __init__(self, tenant: Tenant) -> None:
        owned = {"tenant": tenant}
        self.networks = {row.name.lower(): row for row in Network.objects.filter(**owned)}
        self.credentials = {row.name.lower(): row for row in Credential.objects.filter(**owned).exclude(name="")}
        self.jump_hosts = {row.name.lower(): row for row in JumpHost.objects.filter(**owned)}
        self.tags = {row.name.lower(): row for row in AssetTag.objects.filter(**owned)}
        self.lines: dict[str, int] = {}
        self.tenant = tenant
        self.present = {row.name.lower(): row for row in Device.objects.filter(tenant=tenant)}
        rows = Device.objects.filter(network__in=self.networks.values()).values_list("network_id", "address", "pk")
        self.places = {(network, address): pk for network, address, pk in rows}

    def wish(self, line: int, values: Values) -> _Wish:
        """Return the device that a line means, with its values."""
        tags = values.pop("tags", None)
        if "jump_host" in values:
            values["direct"] = values["jump_host"] == DIRECTLY
            values["jump_host"] = None if values["direct"] else values["jump_host"]
        name = values["name"].lower()
        device = self.present.get(name) or Device(tenant=self.tenant)
        self.places.pop((device.network_id, device.address), None)
        for column, value in values.items():
            setattr(device, column, value)
        self.present[name] = device
        return _Wish(line, device, values, tags)

    def taken(self, wish: _Wish) -> dict[str, list[str]]:
        """Return what is wrong where another device has the address already, or it cannot be reached so."""
        if wrong := inventory.settle_address(wish.device):
            return wrong
        place = wish.device.network_id, wish.device.address
        if self.places.setdefault(place, wish.device.pk) == wish.device.pk:
            return {}
        return {"address": [f"Another device of this network has the address {wish.device.address}."]}

    def read(self, line: DeviceLine) -> tuple[Values, dict[str, list[str]]]:
        """Return the values of a line and what is wrong in it, by column."""
        values: Values = {}
        wrong: dict[str, list[str]] = {}
        for column, text in line.values.items():
            try:
                values[column] = getattr(self, f"_{column}")(text)
            except ValueError as error:
                wrong[column] = [str(error)]
        name = str(values.get("name", "")).lower()
        if name and self.lines.setdefault(name, line.line) != line.line:
            wrong["name"] = [f"The same name stands in line {self.lines[name]}."]
        return values, wrong

    def _name(self, text: str) -> str:
        if not text or len(text) > 120:
            raise ValueError("Give a host name of at most 120 characters.")
        return text

    _address = staticmethod(normal_address)
    _legacy_ssh = _enabled = _console = staticmethod(boolean)

    def _platform(self, text: str) -> str:
        if text not in PLATFORMS:
            own = ", ".join(key for key, _ in own_choices())
            raise ValueError(f"'{text[:40]}' is no platform; choose one of {own}, or one of Netmiko's device types.")
        return text

    def _protocol(self, text: str) -> str:
        if text not in Device.Protocol.values:
            raise ValueError(f"'{text[:20]}' is neither ssh nor telnet.")
        return text

    def _network(self, text: str) -> Network:
        return _known(self.networks, text, "network")

    def _credential(self, text: str) -> Credential | None:
        return _known(self.credentials, text, "credential") if text else None

    def _jump_host(self, text: str) -> JumpHost | str | None:
        if text.lower() == DIRECTLY:
            return DIRECTLY
        return _known(self.jump_hosts, text, "jump host") if text else None

    def _tags(self, text: str) -> list[AssetTag]:
        return [_known(self.tags, word.strip(), "asset tag") for word in text.split(";") if word.strip()]

    def _connect_host(self, text: str) -> str:
        if len(text) > 255:
            raise ValueError("Give at most 255 characters.")
        return normal_host(text) if text else ""

    def _connect_port(self, text: str) -> int:
        if not text.isascii() or not text.isdecimal() or not 0 < int(text) < 65536:
            raise ValueError(f"'{text[:20]}' is no port; give a number from 1 to 65535.")
        return int(text)


def _known(rows: dict[str, M], text: str, kind: str) -> M:
    if text.lower() not in rows:
        raise ValueError(f"There is no {kind} '{text[:60]}' in this customer; add it first.")
    return rows[text.lower()]
