"""The content of one template version: ordered steps and typed runtime variables, as values and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from config.json_value import Json
from devices.drivers.platforms import is_only_by_name

ANY_PLATFORM = "*"
#: A device waits at most so many minutes for the confirmation of a change.
MOST_GUARD_MINUTES = 59


class StepKind(StrEnum):
    """What a step does to a device. `read` changes nothing; `config` and `exec` are sent at most once."""

    READ = "read"
    CONFIG = "config"
    EXEC = "exec"


KIND_LABELS = {
    StepKind.READ: "Read: commands that change nothing",
    StepKind.CONFIG: "Configure: lines in configuration mode",
    StepKind.EXEC: "Execute: commands that may change the device",
}


class VariableType(StrEnum):
    """How the value of a runtime variable is checked."""

    TEXT = "text"
    INTEGER = "integer"
    ADDRESS = "address"
    CHOICE = "choice"
    BOOLEAN = "boolean"
    LINES = "lines"
    SECRET = "secret"
    WORD = "word"


TYPE_LABELS = {
    VariableType.TEXT: "Text, one line",
    VariableType.INTEGER: "Whole number",
    VariableType.ADDRESS: "IP address",
    VariableType.CHOICE: "Choice",
    VariableType.BOOLEAN: "Yes or no",
    VariableType.LINES: "Lines, each sent as a command line of its own",
    VariableType.SECRET: "Secret, never shown again",
    VariableType.WORD: "One word: letters, digits and . _ + : / -",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateStep:
    """One step: its commands per platform key, `*` standing for every platform without its own
    but those meant only by their name.

    `answers` are (question, answer): a text in the device's last line while it waits, and what is sent then. No
    question is ever answered that the step does not declare. `keep` says which configuration (running or startup) the
    answer is, to be kept as one. `checks` judge the answer (`templates_app.domain.checks`). `script` is fed to the
    command's standard input, after the variables as assignments in its `language` (`templates_app.domain.scripts`).

    A `resumable` step may be done again from its beginning after it failed. A step that `restarts` the device ends with
    the connection; the next one waits until the device is back. With a `guard` (minutes) the device takes the lines
    back by itself unless they are confirmed within that time, over a new connection.
    """

    name: str
    kind: StepKind
    commands: dict[str, str]
    save: bool = False
    timeout: int = 30
    answers: tuple[tuple[str, str], ...] = ()
    keep: str = ""
    checks: tuple[tuple[str, str], ...] = ()
    script: str = ""
    language: str = ""
    resumable: bool = False
    restarts: bool = False
    guard: int = 0

    @property
    def is_change(self) -> bool:
        """Say whether the step itself says that it may change a device; it never says that it only reads."""
        return self.kind is not StepKind.READ or self.save or bool(self.answers or self.script)

    def body(self, platform: str) -> str | None:
        """Return the command text for a platform; None when the step has none for it."""
        general = None if is_only_by_name(platform) else self.commands.get(ANY_PLATFORM)
        return self.commands.get(platform, general)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeVariable:
    """A value asked for when a job is made. `choices` belongs to type choice."""

    name: str
    type: VariableType = VariableType.TEXT
    label: str = ""
    help: str = ""
    required: bool = True
    default: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TemplateContent:
    """All that a version says. `platforms` is empty when it is for any platform."""

    steps: tuple[TemplateStep, ...]
    variables: tuple[RuntimeVariable, ...] = ()
    platforms: tuple[str, ...] = ()

    @property
    def changes_devices(self) -> bool:
        """Say whether the template alone says that it changes devices, whatever the values are.

        Where it does not, its plan says: `Plan.changes_devices` looks at each line as it is sent.
        """
        return any(step.is_change for step in self.steps)

    def as_json(self) -> dict[str, Json]:
        """Return the form in which a version stores it."""
        return {
            "platforms": list(self.platforms),
            "variables": [
                {
                    "name": v.name,
                    "type": v.type.value,
                    "label": v.label,
                    "help": v.help,
                    "required": v.required,
                    "default": v.default,
                    "choices": list(v.choices),
                }
                for v in self.variables
            ],
            "steps": [
                {
                    "name": s.name,
                    "kind": s.kind.value,
                    "commands": dict(s.commands),
                    "save": s.save,
                    "timeout": s.timeout,
                    "answers": [list(pair) for pair in s.answers],
                    **{name: value for name, value in [*extras(s), ("guard", s.guard)] if value},
                }
                for s in self.steps
            ],
        }

    @classmethod
    def from_json(cls, data: dict[str, Json]) -> TemplateContent:
        """Read what `as_json` wrote; ValueError or KeyError when it is something else."""
        return cls(
            platforms=tuple(str(p) for p in data.get("platforms", ())),
            variables=tuple(
                RuntimeVariable(
                    name=str(v["name"]),
                    type=VariableType(v.get("type", "text")),
                    label=str(v.get("label", "")),
                    help=str(v.get("help", "")),
                    required=bool(v.get("required", True)),
                    default=str(v.get("default", "")),
                    choices=tuple(str(c) for c in v.get("choices", ())),
                )
                for v in data.get("variables", ())
            ),
            steps=tuple(
                TemplateStep(
                    name=str(s["name"]),
                    kind=StepKind(s.get("kind", "read")),
                    commands={str(k): str(c) for k, c in dict(s["commands"]).items()},
                    save=bool(s.get("save", False)),
                    timeout=int(s.get("timeout", 30)),
                    answers=tuple((str(q), str(a)) for q, a in s.get("answers", ())),
                    keep=str(s.get("keep", "")),
                    checks=tuple((str(verdict), str(pattern)) for verdict, pattern in s.get("checks", ())),
                    script=str(s.get("script", "")),
                    language=str(s.get("language", "")),
                    resumable=bool(s.get("resumable", False)),
                    restarts=bool(s.get("restarts", False)),
                    guard=int(s.get("guard", 0)),
                )
                for s in data["steps"]
            ),
        )


class Step(Protocol):
    """A template's step or a plan's, as far as few steps have these fields."""

    @property
    def keep(self) -> str: ...
    @property
    def checks(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def script(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def resumable(self) -> bool: ...
    @property
    def restarts(self) -> bool: ...


def extras(step: Step) -> list[tuple[str, object]]:
    """Return the fields that few steps have, of a template's or of a plan's step; stored only where there is
    something."""
    checks = [list(pair) for pair in step.checks]
    return [
        ("keep", step.keep),
        ("checks", checks),
        ("script", step.script),
        ("language", step.language),
        ("resumable", step.resumable),
        ("restarts", step.restarts),
    ]
