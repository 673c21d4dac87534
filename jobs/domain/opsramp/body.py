"""OpsRamp's job body as values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from jobs.domain.opsramp.patterns import read_schedule
from jobs.domain.opsramp.reader import Reader, Wrong

VERSIONS = ("ALL_VERSIONS", "VERSION_WITH_CHANGES")


class Kind(StrEnum):
    """OpsRamp's job types that run here."""

    AD_CHECK_LIST = "adCheckList"
    CONFIG_BACKUP = "networkconfigbackup"
    APP_INSTALL = "appinstall"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a custom script; the value stays a text."""

    number: int
    value: str


@dataclass(frozen=True, slots=True)
class Body:
    """A job as OpsRamp's body says it.

    `pattern` is in canonical form and key order; `start` is an aware minute or None.

    `config` holds networkconfigbackup's parameters, `approval` appinstall's; `app` and `version` are our addition
    (X-25).
    """

    kind: Kind
    name: str = ""
    queued: bool = False
    devices: tuple[str, ...] = ()
    start: datetime | None = None
    pattern: dict[str, Any] = field(default_factory=lambda: {"type": "never"})
    config: dict[str, Any] = field(default_factory=dict)
    approval: dict[str, Any] = field(default_factory=dict)
    app: str = ""
    app_version: str = ""
    script: int | None = None
    user_type: int | None = None
    parameters: tuple[Parameter, ...] = ()
    credential: str = ""


def parse(data: Any) -> Body:
    """Read a body; Wrong names every field that cannot be."""
    read = Reader()
    top = ("name", "jobQueued", "entities", "script", "schedule", "credentialSet", "userType", "parameters", "id")
    body = read.mapping(data, "", top)
    script = body.get("script")
    known = ("jobType", "configParams", "approvalType", "app", "version", "customScript", "userType", "parameters")
    script = read.mapping(script if script is not None else {}, "script", known)
    kind = read.choice(script.get("jobType"), "script.jobType", [one.value for one in Kind])
    if read.fields and not kind:
        raise Wrong(read.fields)
    kind = Kind(kind)
    needs_name = kind in (Kind.AD_CHECK_LIST, Kind.CONFIG_BACKUP)
    values: dict[str, Any] = {
        "kind": kind,
        "name": read.text(body.get("name"), "name", 160, needs_name),
        "queued": read.boolean(body.get("jobQueued", False), "jobQueued"),
        "devices": _entities(read, body.get("entities"), kind),
    }
    values["start"], values["pattern"] = read_schedule(
        read, body.get("schedule"), kind in (Kind.APP_INSTALL, Kind.CUSTOM)
    )
    values |= _PARTS[kind](read, body, script)
    foreign = {
        "configParams": Kind.CONFIG_BACKUP,
        "approvalType": Kind.APP_INSTALL,
        "app": Kind.APP_INSTALL,
        "version": Kind.APP_INSTALL,
        "customScript": Kind.CUSTOM,
        "userType": Kind.CUSTOM,
        "parameters": Kind.CUSTOM,
    }
    for key, owner in foreign.items():
        if key in script and owner is not kind:
            read.wrong(f"script.{key}", f"Belongs to job type {owner.value}.")
    for key in ("userType", "parameters", "credentialSet"):
        if key in body and kind is not Kind.CUSTOM:
            read.wrong(key, f"Belongs to job type {Kind.CUSTOM.value}.")
    if read.fields:
        raise Wrong(read.fields)
    return Body(**values)


def _entities(read: Reader, given: Any, kind: Kind) -> tuple[str, ...]:
    if given is None and kind is not Kind.CONFIG_BACKUP:
        return ()
    if not isinstance(given, list) or (not given and kind is Kind.CONFIG_BACKUP):
        read.wrong("entities", 'Give a list of at least one {"resource": {"id": …, "type": "DEVICE"}}.')
        return ()
    found: dict[str, None] = {}
    for number, entity in enumerate(given):
        path = f"entities.{number}.resource"
        inner = read.mapping(entity, f"entities.{number}", ("resource",)).get("resource", {})
        resource = read.mapping(inner, path, ("id", "type", "generalInfo", "clientUniqueId"))
        read.choice(resource.get("type"), f"{path}.type", ("DEVICE",))
        try:
            found[str(UUID(resource.get("id")))] = None
        except (ValueError, TypeError, AttributeError):
            read.wrong(f"{path}.id", "Give the id of a device.")
    return tuple(found)


def _config(read: Reader, body: dict[str, Any], script: dict[str, Any]) -> dict[str, Any]:
    path = "script.configParams"
    flags = (
        "backUpTrigger",
        "startupConfigAlert",
        "runtimeConfigAlert",
        "startUpConfigFilesBackUp",
        "runTimeConfigFilesBackUp",
    )
    given = read.mapping(script.get("configParams", {}), path, ("versionsSaved", *flags, "runConfigAlert"))
    found: dict[str, Any] = {
        "versionsSaved": read.choice(given.get("versionsSaved", VERSIONS[0]), f"{path}.versionsSaved", VERSIONS)
    }
    for flag in flags:
        # Without a word about it, the running configuration is what a backup is of.
        found[flag] = read.boolean(given.get(flag, flag == "runTimeConfigFilesBackUp"), f"{path}.{flag}")
    if "runConfigAlert" in given:
        other = read.boolean(given["runConfigAlert"], f"{path}.runConfigAlert")
        if "runtimeConfigAlert" in given:
            read.same(found["runtimeConfigAlert"], other, f"{path}.runConfigAlert {path}.runtimeConfigAlert")
        found["runtimeConfigAlert"] = other
    if not found["startUpConfigFilesBackUp"] and not found["runTimeConfigFilesBackUp"]:
        read.wrong(f"{path}.runTimeConfigFilesBackUp", "Back up at least one of the two configurations.")
    return {"config": found}


def _approval(read: Reader, body: dict[str, Any], script: dict[str, Any]) -> dict[str, Any]:
    path = "script.approvalType"
    found: dict[str, Any] = {}
    if "approvalType" in script:
        given = read.mapping(script["approvalType"], path, ("approvalType", "approvalReason", "alertRequired"))
        found["approvalType"] = read.integer(given.get("approvalType"), f"{path}.approvalType", 0, 1)
        if "approvalReason" in given:
            found["approvalReason"] = read.text(given["approvalReason"], f"{path}.approvalReason", 500)
        if "alertRequired" in given:
            found["alertRequired"] = read.boolean(given["alertRequired"], f"{path}.alertRequired")
    return {
        "approval": found,
        "app": read.text(script.get("app"), "script.app", 120, False),
        "app_version": read.text(script.get("version"), "script.version", 120, False),
    }


def _custom(read: Reader, body: dict[str, Any], script: dict[str, Any]) -> dict[str, Any]:
    given = read.mapping(
        script.get("customScript", {}), "script.customScript", ("id", "name", "description", "platforms")
    )
    found: dict[str, Any] = {"script": read.integer(given.get("id"), "script.customScript.id", 1, 999_999_999)}
    users = [
        (where, place["userType"])
        for where, place in (("script.userType", script), ("userType", body))
        if "userType" in place
    ]
    types = [read.integer(value, where, 1, 2) for where, value in users]
    if len(types) == 2:
        read.same(types[0], types[1], "script.userType userType")
    found["user_type"] = types[0] if types else None
    lists = [
        (where, place["parameters"])
        for where, place in (("script.parameters", script), ("parameters", body))
        if "parameters" in place
    ]
    values = [_parameters(read, where, value) for where, value in lists]
    if len(values) == 2:
        read.same(values[0], values[1], "script.parameters parameters")
    found["parameters"] = values[0] if values else ()
    if body.get("credentialSet") is not None:
        chosen = read.mapping(body["credentialSet"], "credentialSet", ("uniqueId",))
        found["credential"] = read.text(chosen.get("uniqueId"), "credentialSet.uniqueId", 60)
    return found


def _parameters(read: Reader, path: str, given: Any) -> tuple[Parameter, ...]:
    if not isinstance(given, list):
        read.wrong(path, 'Give a list of {"paramId": …, "value": …}.')
        return ()
    found: dict[int, str] = {}
    for index, item in enumerate(given):
        where = f"{path}.{index}"
        one = read.mapping(item, where, ("paramId", "name", "value", "itopMacro"))
        number = read.integer(one.get("paramId"), f"{where}.paramId", 1, 999_999)
        if "itopMacro" in one:
            read.wrong(f"{where}.itopMacro", "This server has no macros; give a value.")
            continue
        value = one.get("value")
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            read.wrong(f"{where}.value", "Give a text.")
        elif number in found:
            read.wrong(f"{where}.paramId", "This parameter is given twice.")
        else:
            found[number] = value
    return tuple(Parameter(number, value) for number, value in found.items())


_PARTS: dict[Kind, Callable[[Reader, dict[str, Any], dict[str, Any]], dict[str, Any]]] = {
    Kind.AD_CHECK_LIST: lambda read, body, script: {},
    Kind.CONFIG_BACKUP: _config,
    Kind.APP_INSTALL: _approval,
    Kind.CUSTOM: _custom,
}
