"""Bring devices in from a CSV file, all or none, and hand them out as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias, TypeVar

from django.contrib.auth.models import User
from django.db import transaction

from config.errors import Invalid
from devices import access
from devices.domain.addresses import UnreadableFile, normal_address
from devices.domain.device_csv import DeviceLine, boolean, read_devices, written
from devices.domain.roles import Verb
from devices.drivers.platforms import PLATFORMS, own_choices
from devices.models import AssetTag, Credential, Device, Network, Tenant
from devices.services import inventory

#: Of a device, by column.
Values: TypeAlias = dict[str, Any]  # Any: each column is read by a reader of its own, which the line's words name
M = TypeVar("M", Network, Credential, AssetTag)


def import_devices(*, by: User, tenant: Tenant, data: bytes) -> dict[str, int]:
    """Add the devices of a file to a tenant, and change those whose name it has.

    Returns how many were created and changed.

    Invalid names each line that is wrong, and nothing is done. A column that the file lacks stays as it is.
    """
    access.check_may(by, Verb.ADMINISTER, tenant)
    try:
        lines = read_devices(data)
    except UnreadableFile as error:
        raise Invalid(fields={"file": [str(error)]}) from None
    reader = _Reader(tenant)
    problems: dict[str, list[str]] = {}
    done = {"created": 0, "changed": 0}
    with transaction.atomic():
        present = {row.name.lower(): row for row in Device.objects.filter(tenant=tenant)}
        for line in lines:
            values, wrong = reader.read(line)
            if not wrong:
                instance = present.get(values["name"].lower())
                try:
                    saved = inventory.save_device(by=by, tenant=tenant, instance=instance, **values)
                    present[saved.name.lower()] = saved
                    done["changed" if instance else "created"] += 1
                except Invalid as error:
                    wrong = {"": [error.message]} if not error.fields else error.fields
            problems |= {f"line {line.line}, {column}": said for column, said in wrong.items()}
        if problems:
            raise Invalid(fields=problems)
    return done


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
        self.tags = {row.name.lower(): row for row in AssetTag.objects.filter(**owned)}
        self.lines: dict[str, int] = {}

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
    _legacy_ssh = _enabled = staticmethod(boolean)

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

    def _tags(self, text: str) -> list[AssetTag]:
        return [_known(self.tags, word.strip(), "asset tag") for word in text.split(";") if word.strip()]

    def _connect_host(self, text: str) -> str:
        if len(text) > 255:
            raise ValueError("Give at most 255 characters.")
        return text

    def _connect_port(self, text: str) -> int:
        if not text.isascii() or not text.isdecimal() or not 0 < int(text) < 65536:
            raise ValueError(f"'{text[:20]}' is no port; give a number from 1 to 65535.")
        return int(text)


def _known(rows: dict[str, M], text: str, kind: str) -> M:
    if text.lower() not in rows:
        raise ValueError(f"There is no {kind} '{text[:60]}' in this customer; add it first.")
    return rows[text.lower()]
