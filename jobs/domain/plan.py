"""The plan: exactly what will be sent to which device, in order, as values and as canonical JSON with its SHA-256.

The review page, the approver and the worker see this very object; every line that a device will get stands in it,
the ones that change modes and take snapshots included.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import NotRequired, TypedDict, cast

import orjson

from templates_app.domain.content import StepKind, extras
from templates_app.domain.rendering import SECRET_MARK

SNAPSHOT = "snapshot"
#: The configurations read around a change: which one, and the name of its step.
SNAPSHOTS = {
    "before": "Configuration before",
    "startup_before": "Startup configuration before",
    "after": "Configuration after",
    "startup_after": "Startup configuration after",
}


@dataclass(frozen=True, slots=True)
class CredentialChoice:
    """Which credential wins for a device (X-18), by name and by where it comes from; never its content."""

    id: str
    name: str
    source: str


@dataclass(frozen=True, slots=True)
class HopChoice:
    """A jump host (id, name) on the way to a device, where it is (`host:port`), and its credential (id, name)."""

    id: str
    name: str
    endpoint: str
    credential: str
    credential_name: str

    def __str__(self) -> str:
        return f"{self.name} ({self.endpoint}) with {self.credential_name}"


class StepBody(TypedDict):
    """A planned step as it is stored; what few steps have is there only where there is something."""

    position: int
    name: str
    kind: str
    commands: list[str]
    timeout: int
    note: str
    credential: list[str] | None
    answers: list[list[str]]
    keep: NotRequired[str]
    checks: NotRequired[list[list[str]]]
    script: NotRequired[str]
    language: NotRequired[str]
    resumable: NotRequired[bool]
    restarts: NotRequired[bool]
    guard: NotRequired[int]
    fresh: NotRequired[bool]
    changing: NotRequired[str]


class DeviceBody(TypedDict):
    """A device's plan as it is stored and hashed."""

    device: str
    name: str
    address: str
    endpoint: NotRequired[str]
    platform: str
    credential: list[str] | None
    preparation: list[str]
    steps: list[StepBody]
    problem: str
    telnet: NotRequired[bool]
    legacy: NotRequired[bool]
    console: NotRequired[bool]
    via: NotRequired[list[list[str]]]


@dataclass(frozen=True, slots=True)
class Change:
    """One line that is not known to only read: on which device (its name), in which step, and what is sent."""

    device: str
    step: str
    line: str

    def __str__(self) -> str:
        return f"'{self.line}' in step '{self.step}' on {self.device}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """One step on one device.

    Its `position` is the same on all devices of a plan: a device may lack some, and two steps
    may have one name. `note` says why there are no commands; `credential` is set where a task has its own.

    `keep` and `checks` are the template's; of a snapshot, `keep` says which one it is (`SNAPSHOTS`). `script` is what
    the one command reads, in a `language` of `scripts.LANGUAGES`. `fresh` begins on a connection of its own; with a
    `guard` (minutes) the device takes the lines back unless the next step confirms them. `changing` is the first line
    of a step that its template calls reading that is not known to only read: the step is a change.
    """

    position: int
    name: str
    kind: str
    commands: tuple[str, ...]
    timeout: int = 30
    note: str = ""
    credential: CredentialChoice | None = None
    answers: tuple[tuple[str, str], ...] = ()
    keep: str = ""
    checks: tuple[tuple[str, str], ...] = ()
    script: str = ""
    language: str = ""
    resumable: bool = False
    restarts: bool = False
    guard: int = 0
    fresh: bool = False
    changing: str = ""

    @property
    def journaled(self) -> bool:
        """Say whether each command's intent is stored before it is sent (it is sent at most once)."""
        return bool(self.changing) or self.kind in (StepKind.CONFIG.value, StepKind.EXEC.value)

    @property
    def change(self) -> str:
        """The first line by which the step changes the device; empty where it sends nothing, or only reads."""
        return (self.changing or self.commands[0]) if self.commands and self.journaled else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicePlan:
    """All that one device gets. `endpoint` is `host:port` to connect to.

    `preparation` opens each session, after `enable` where the device starts unprivileged.

    `problem` is why the device cannot be run on, in a sentence. With `telnet` all of it is sent in clear text;
    `legacy` allows what SSH has given up (SHA-1). On a `console` a serial line answers. `via` are the jump hosts on the
    way, the first one first.
    """

    device: str
    name: str
    address: str
    platform: str
    credential: CredentialChoice | None
    preparation: tuple[str, ...]
    steps: tuple[PlannedStep, ...]
    problem: str = ""
    endpoint: str = ""
    telnet: bool = False
    legacy: bool = False
    console: bool = False
    via: tuple[HopChoice, ...] = ()

    @property
    def commands(self) -> tuple[str, ...]:
        """All commands in the order they are sent."""
        return tuple(command for step in self.steps for command in step.commands)

    @property
    def credentials(self) -> set[str]:
        """The credentials (ids) that are used on the way to the device and on it."""
        choices = [self.credential, *(step.credential for step in self.steps)]
        return {choice.id for choice in choices if choice} | {hop.credential for hop in self.via}

    @property
    def has_secrets(self) -> bool:
        """Say whether a secret is put into a line right before it is sent."""
        texts = (
            text
            for step in self.steps
            for text in (*step.commands, step.script, *(answer for _, answer in step.answers))
        )
        return any(SECRET_MARK.search(text) for text in texts)

    def unconfirmed(self, begun: int, confirmed: int) -> int:
        """Return after how many minutes the device takes a change back that was begun and not confirmed, or 0.

        Counts are of commands in plan order; the step after a guarded one confirms it.
        """
        at = 0
        for step, after in zip(self.steps, self.steps[1:], strict=False):
            if step.guard and begun > at and confirmed < at + len(step.commands) + len(after.commands):
                return step.guard
            at += len(step.commands)
        return 0

    def as_json(self) -> DeviceBody:
        """Return the form that is stored and hashed."""
        body: DeviceBody = {
            "device": self.device,
            "name": self.name,
            "address": self.address,
            "endpoint": self.endpoint,
            "platform": self.platform,
            "credential": _credential_json(self.credential),
            "preparation": list(self.preparation),
            "steps": [_step_json(step) for step in self.steps],
            "problem": self.problem,
        }
        if self.telnet:
            body["telnet"] = True
        if self.legacy:
            body["legacy"] = True
        if self.console:
            body["console"] = True
        if self.via:
            body["via"] = [[h.id, h.name, h.endpoint, h.credential, h.credential_name] for h in self.via]
        return body

    @classmethod
    def from_json(cls, data: DeviceBody) -> DevicePlan:
        """Read what `as_json` wrote."""
        return cls(
            device=data["device"],
            name=data["name"],
            address=data["address"],
            platform=data["platform"],
            credential=_credential(data["credential"]),
            preparation=tuple(data["preparation"]),
            steps=tuple(
                PlannedStep(
                    position=s["position"],
                    name=s["name"],
                    kind=s["kind"],
                    commands=tuple(s["commands"]),
                    timeout=s["timeout"],
                    note=s["note"],
                    credential=_credential(s["credential"]),
                    answers=tuple((question, answer) for question, answer in s.get("answers", ())),
                    keep=s.get("keep", ""),
                    checks=tuple((verdict, pattern) for verdict, pattern in s.get("checks", ())),
                    script=s.get("script", ""),
                    language=s.get("language", ""),
                    resumable=s.get("resumable", False),
                    restarts=s.get("restarts", False),
                    guard=s.get("guard", 0),
                    fresh=s.get("fresh", False),
                    changing=s.get("changing", ""),
                )
                for s in data["steps"]
            ),
            problem=data["problem"],
            endpoint=data.get("endpoint", ""),
            telnet=data.get("telnet", False),
            legacy=data.get("legacy", False),
            console=data.get("console", False),
            via=tuple(HopChoice(*hop) for hop in data.get("via", ())),
        )


@dataclass(frozen=True)
class Plan:
    """The plan of one run or one approval. `networks` names where the devices are; it is no part of the digest."""

    template: str
    version: int
    devices: tuple[DevicePlan, ...]
    networks: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the canonical JSON."""
        return hashlib.sha256(self.canonical()).hexdigest()

    def canonical(self) -> bytes:
        """Return the one JSON text of this plan in UTF-8: keys sorted, no spaces, devices by id."""
        body = {
            "template": self.template,
            "version": self.version,
            "devices": sorted(self.bodies, key=lambda body: body["device"]),
        }
        return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)

    @property
    def columns(self) -> list[tuple[int, str]]:
        """The steps, (position, name), that its devices have between them, in order."""
        return sorted({(step.position, step.name) for device in self.devices for step in device.steps})

    @cached_property
    def changes_devices(self) -> bool:
        """Say whether any line of any device is not known to only read, or stands in a step that is called a change."""
        return next(self._changes(), None) is not None

    def changes(self, most: int = 3) -> tuple[Change, ...]:
        """Return the first lines, one of each step on each device, by which the plan is a change."""
        return tuple(islice(self._changes(), most))

    def _changes(self) -> Iterator[Change]:
        return (
            Change(device.name, step.name, step.change)
            for device in self.devices
            for step in device.steps
            if step.change
        )

    @cached_property
    def bodies(self) -> tuple[DeviceBody, ...]:
        """The form in which each device's plan is stored and hashed, in the order of `devices`."""
        return tuple(device.as_json() for device in self.devices)


def resumed(plan: DevicePlan, step: int, run: int) -> DevicePlan:
    """Return a plan that goes on at a step (position), for what comes before it was done in an earlier run (id).

    Snapshots are taken anew.
    """
    note = f"Done in run {run}."
    steps = [
        s if s.position >= step or s.kind == SNAPSHOT else replace(s, commands=(), note=note, guard=0, script="")
        for s in plan.steps
    ]
    return replace(plan, steps=tuple(steps))


def _step_json(step: PlannedStep) -> StepBody:
    body = {
        "position": step.position,
        "name": step.name,
        "kind": step.kind,
        "commands": list(step.commands),
        "timeout": step.timeout,
        "note": step.note,
        "credential": _credential_json(step.credential),
        "answers": [list(pair) for pair in step.answers],
        **{
            name: value
            for name, value in [
                *extras(step),
                ("guard", step.guard),
                ("fresh", step.fresh),
                ("changing", step.changing),
            ]
            if value
        },
    }
    return cast(StepBody, body)


def _credential_json(credential: CredentialChoice | None) -> list[str] | None:
    return [credential.id, credential.name, credential.source] if credential else None


def _credential(data: list[str] | None) -> CredentialChoice | None:
    return CredentialChoice(*data) if data else None
