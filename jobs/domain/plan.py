"""The plan: exactly what will be sent to which device, in order, as values and as canonical JSON with its SHA-256.

The review page, the approver and the worker see this very object; every line that a device will get stands in it,
the ones that change modes and take snapshots included.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from templates_app.domain.content import StepKind, TemplateContent, TemplateStep, VariableType, extras
from templates_app.domain.rendering import SECRET_MARK, TemplateProblem, render, secret_mark
from templates_app.domain.scripts import compose
from templates_app.domain.variables import resolve

SNAPSHOT = "snapshot"
#: The configurations read around a change: which one, and the name of its step.
SNAPSHOTS = {
    "before": "Configuration before", "startup_before": "Startup configuration before",
    "after": "Configuration after", "startup_after": "Startup configuration after",
}  # fmt: skip
NO_CREDENTIAL = "No credential applies: give the device, the job or the tenant one."


@dataclass(frozen=True, slots=True)
class PlatformWords:
    """The lines around a template's commands on one platform; those of a guard hold `{minutes}`."""

    preparation: tuple[str, ...] = ()
    config_enter: tuple[str, ...] = ()
    config_leave: tuple[str, ...] = ()
    save: tuple[str, ...] = ()
    show_running: str = ""
    show_startup: str = ""
    guard_enter: tuple[str, ...] = ()
    guard_leave: tuple[str, ...] = ()
    guard_confirm: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """What the plan must know of a device; `problem` is why it cannot be run on at all."""

    id: str
    name: str
    address: str
    platform: str
    platform_label: str
    words: PlatformWords
    endpoint: str = ""
    telnet: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class CredentialChoice:
    """Which credential wins for a device (X-18), by name and by where it comes from; never its content."""

    id: str
    name: str
    source: str


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """What a job says about one step, resolved. `devices` None means all."""

    step: int
    devices: frozenset[str] | None
    profile: Mapping[str, str]
    credential: CredentialChoice | None = None


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step on one device. `note` says why there are no commands; `credential` is set where a task has its own.

    `keep` and `checks` are the template's; of a snapshot, `keep` says which one it is (`SNAPSHOTS`). `script` is what the
    one command reads, in a `language` of `scripts.LANGUAGES`. `fresh` begins on a connection of its own; with a `guard`
    (minutes) the device takes the lines back unless the next step confirms them.
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

    @property
    def journaled(self) -> bool:
        """Say whether each command's intent is stored before it is sent (it is sent at most once)."""
        return self.kind in (StepKind.CONFIG.value, StepKind.EXEC.value)


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """All that one device gets. `endpoint` is `host:port` to connect to. `preparation` opens each session, after `enable` where the device starts unprivileged.

    `problem` is why the device cannot be run on, in a sentence. With `telnet` all of it is sent in clear text.
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

    @property
    def commands(self) -> tuple[str, ...]:
        """All commands in the order they are sent."""
        return tuple(command for step in self.steps for command in step.commands)

    @property
    def has_secrets(self) -> bool:
        """Say whether a secret is put into a line right before it is sent."""
        texts = (text for step in self.steps for text in (*step.commands, step.script))
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

    def as_json(self) -> dict[str, Any]:
        """Return the form that is stored and hashed."""
        return {
            "device": self.device,
            "name": self.name,
            "address": self.address,
            "endpoint": self.endpoint,
            "platform": self.platform,
            "credential": _credential_json(self.credential),
            "preparation": list(self.preparation),
            "steps": [
                {
                    "name": s.name,
                    "kind": s.kind,
                    "commands": list(s.commands),
                    "timeout": s.timeout,
                    "note": s.note,
                    "credential": _credential_json(s.credential),
                    "answers": [list(pair) for pair in s.answers],
                    **{n: v for n, v in [*extras(s), ("guard", s.guard), ("fresh", s.fresh)] if v},
                }
                for s in self.steps
            ],
            "problem": self.problem,
            **({"telnet": True} if self.telnet else {}),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> DevicePlan:
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
                    n,
                    s["name"],
                    s["kind"],
                    tuple(s["commands"]),
                    s["timeout"],
                    s["note"],
                    _credential(s["credential"]),
                    tuple((question, answer) for question, answer in s.get("answers", ())),
                    s.get("keep", ""),
                    tuple((verdict, pattern) for verdict, pattern in s.get("checks", ())),
                    s.get("script", ""),
                    s.get("language", ""),
                    s.get("resumable", False),
                    s.get("restarts", False),
                    s.get("guard", 0),
                    s.get("fresh", False),
                )
                for n, s in enumerate(data["steps"])
            ),
            problem=data["problem"],
            endpoint=data.get("endpoint", ""),
            telnet=data.get("telnet", False),
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of one run or one approval. `networks` names where the devices are; it is no part of the digest."""

    template: str
    version: int
    devices: tuple[DevicePlan, ...]
    networks: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the canonical JSON."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()

    def canonical(self) -> str:
        """Return the one JSON text of this plan: keys sorted, no spaces, devices by id."""
        body = {
            "template": self.template,
            "version": self.version,
            "devices": [d.as_json() for d in sorted(self.devices, key=lambda d: d.device)],
        }
        return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def plan_device(
    device: DeviceFacts,
    content: TemplateContent,
    tasks: Mapping[int, TaskFacts],
    variables: Mapping[str, str],
    credential: CredentialChoice | None,
    *,
    snapshots: bool,
) -> DevicePlan:
    """Render every step for one device; a mistake becomes the plan's `problem`, so that one device never hides others."""
    steps: list[PlannedStep] = []
    needs_base = snapshots or any(
        tasks.get(n, TaskFacts(n, None, {})).credential is None for n in range(len(content.steps))
    )
    problem = device.problem or (NO_CREDENTIAL if needs_base and not credential else "")
    around = _around(content, device) if snapshots else {}
    steps += _snapshots(around, "before", len(steps))
    for number, step in enumerate(content.steps):
        task = tasks.get(number, TaskFacts(number, None, {}))
        if task.devices is not None and device.id not in task.devices:
            continue
        planned, wrong = _planned(len(steps), step, task, content, variables, device)
        steps += _guarded(planned, step.save, device.words) if planned.guard and planned.commands else [planned]
        problem = problem or wrong
    if not any(s.commands for s in steps if s.kind != SNAPSHOT):
        problem = problem or "There is nothing to send: no step has commands for this device."
    else:
        steps += _snapshots(around, "after", len(steps))
    return DevicePlan(
        device.id, device.name, device.address, device.platform, credential,
        device.words.preparation, tuple(steps), problem, device.endpoint, device.telnet,
    )  # fmt: skip


def _planned(
    position: int,
    step: TemplateStep,
    task: TaskFacts,
    content: TemplateContent,
    variables: Mapping[str, str],
    device: DeviceFacts,
) -> tuple[PlannedStep, str]:
    """Return one step on one device, and what is wrong with it."""
    body = step.body(device.platform)
    if not (body or "").strip():
        note = f"The template has no commands for {device.platform_label} in this step."
        return PlannedStep(position, step.name, step.kind.value, (), step.timeout, note, task.credential), ""
    script, problem = "", ""
    try:
        values = _values(content, task, variables, device)
        lines = render(body or "", values)
        if step.script:
            script = compose(step.language, step.script, _parameters(content, values))
    except TemplateProblem as error:
        problem, lines = f"Step '{step.name}': {error}", []
    guard = step.guard if step.kind is StepKind.CONFIG else 0
    if guard and not device.words.guard_confirm:
        problem = problem or f"Step '{step.name}': {device.platform_label} cannot take a change back by itself."
    commands = _wrapped(lines, step.kind, step.save and not guard, device.words, guard)
    planned = PlannedStep(
        position, step.name, step.kind.value, commands, step.timeout, "", task.credential, step.answers, step.keep, step.checks,
        script, step.language, step.resumable, step.restarts, guard,
    )  # fmt: skip
    return planned, problem


def _guarded(planned: PlannedStep, save: bool, words: PlatformWords) -> list[PlannedStep]:
    """Return a guarded step and the one that confirms it, over a connection of its own: so the way in still works."""
    more = replace(planned, resumable=False, restarts=False, guard=0, checks=(), keep="")
    confirm = replace(
        more, position=planned.position + 1, name=f"Confirm: {planned.name}", commands=words.guard_confirm, fresh=True
    )
    if not save or not words.save:
        return [planned, confirm]
    return [
        planned,
        confirm,
        replace(more, position=planned.position + 2, name=f"Save: {planned.name}", commands=words.save),
    ]


def _values(
    content: TemplateContent, task: TaskFacts, variables: Mapping[str, str], device: DeviceFacts
) -> dict[str, object]:
    typed, problems = resolve(content.variables, task.profile, variables)
    for name, sentence in problems.items():
        raise TemplateProblem(f"variable '{name}': {sentence[:1].lower()}{sentence[1:]}")
    values: dict[str, object] = {name: "" if value is None else value for name, value in typed.items()}
    for variable in content.variables:
        if variable.type is VariableType.SECRET and values[variable.name]:
            values[variable.name] = secret_mark(variable.name)
    values["device"] = {"name": device.name, "address": device.address, "platform": device.platform}
    return values


def _parameters(content: TemplateContent, values: Mapping[str, object]) -> dict[str, str]:
    """Return a script's parameters by the name they have in it."""
    return {variable.label or variable.name: str(values[variable.name]) for variable in content.variables}


def _wrapped(lines: list[str], kind: StepKind, save: bool, words: PlatformWords, guard: int) -> tuple[str, ...]:
    if not lines:
        return ()
    saving = words.save if save else ()
    if guard:
        enter, leave = ([w.format(minutes=guard) for w in part] for part in (words.guard_enter, words.guard_leave))
        return (*enter, *lines, *leave)
    if kind is StepKind.CONFIG:
        return (*words.config_enter, *lines, *words.config_leave, *saving)
    return (*lines, *saving)


def _around(content: TemplateContent, device: DeviceFacts) -> dict[str, str]:
    """Return the commands that read the configurations around the steps; the startup one only where a change is made."""
    found = {"before": device.words.show_running, "after": device.words.show_running}
    if content.changes_devices:
        found |= {"startup_before": device.words.show_startup, "startup_after": device.words.show_startup}
    return {keep: command for keep, command in found.items() if command and device.words.show_running}


def _snapshots(around: Mapping[str, str], when: str, position: int) -> list[PlannedStep]:
    chosen = [keep for keep in SNAPSHOTS if keep.endswith(when) and keep in around]
    return [
        PlannedStep(position + n, SNAPSHOTS[keep], SNAPSHOT, (around[keep],), 60, keep=keep)
        for n, keep in enumerate(chosen)
    ]


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


def _credential_json(credential: CredentialChoice | None) -> list[str] | None:
    return [credential.id, credential.name, credential.source] if credential else None


def _credential(data: list[str] | None) -> CredentialChoice | None:
    return CredentialChoice(*data) if data else None
