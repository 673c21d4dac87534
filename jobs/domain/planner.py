"""Plan devices: from what a template, a job and a device say to exactly what will be sent, with no look at anything
else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from config.one_line import flaw, visible
from devices.drivers.platforms import line_flaw, lines_sent, only_reads
from jobs.domain.plan import SNAPSHOT, SNAPSHOTS, CredentialChoice, DevicePlan, HopChoice, PlannedStep
from templates_app.domain.content import StepKind, TemplateContent, TemplateStep, VariableType
from templates_app.domain.rendering import Renderer, TemplateProblem, secret_mark
from templates_app.domain.scripts import compose
from templates_app.domain.variables import BUILT_IN, resolve

NO_CREDENTIAL = "No credential applies: give the device, the job or the tenant one."


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
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
    legacy: bool = False
    console: bool = False
    via: tuple[HopChoice, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """What a job says about one step, resolved. `devices` None means all."""

    step: int
    devices: frozenset[str] | None
    profile: Mapping[str, str]
    credential: CredentialChoice | None = None


class Planner:
    """Plans devices for one job: what its template, its tasks and the values given say to each.

    A step whose text does not speak of the device (a script never does) is the same for all devices of a platform, and
    is rendered once.
    """

    def __init__(
        self,
        content: TemplateContent,
        tasks: Mapping[int, TaskFacts],
        variables: Mapping[str, str],
        *,
        snapshots: bool,
        renderer: Renderer | None = None,
    ) -> None:
        self.content, self.variables, self.snapshots = content, variables, snapshots
        self.renderer = renderer or Renderer()
        self.tasks = [tasks.get(n, TaskFacts(n, None, {})) for n in range(len(content.steps))]
        # A place in the plan for each step that any device can have, so that a position means the same on all of them.
        first = len(_kept(content, "before")) if snapshots else 0
        self.places = list(accumulate((_width(step) for step in content.steps), initial=first))
        self.needs_base = snapshots or any(task.credential is None for task in self.tasks)
        self._around: dict[str, tuple[list[PlannedStep], list[PlannedStep]]] = {}
        self._same: dict[tuple[str, int, int], tuple[PlannedStep, str]] = {}
        self._values: dict[int, tuple[dict[str, object], str]] = {}

    def plan(self, device: DeviceFacts, credential: CredentialChoice | None) -> DevicePlan:
        """Render every step for one device; a mistake becomes the plan's `problem`, so that one device never hides
        others."""
        steps: list[PlannedStep] = []
        problem = device.problem or (NO_CREDENTIAL if self.needs_base and not credential else "")
        before, after = self._looks(device)
        steps += before
        for place, step, task in zip(self.places, self.content.steps, self.tasks, strict=False):
            if task.devices is not None and device.id not in task.devices:
                continue
            planned, wrong = self._step(place, step, task, device)
            steps += _guarded(planned, step.save, device.words) if planned.guard and planned.commands else [planned]
            problem = problem or wrong
        if not any(s.commands for s in steps if s.kind != SNAPSHOT):
            problem = problem or "There is nothing to send: no step has commands for this device."
        else:
            steps += after
        return DevicePlan(
            device=device.id,
            name=device.name,
            address=device.address,
            platform=device.platform,
            credential=credential,
            preparation=device.words.preparation,
            steps=tuple(steps),
            problem=problem,
            endpoint=device.endpoint,
            telnet=device.telnet,
            legacy=device.legacy,
            console=device.console,
            via=device.via,
        )

    def _looks(self, device: DeviceFacts) -> tuple[list[PlannedStep], list[PlannedStep]]:
        """Return the steps that read the configurations before and after; the same for all devices of a platform."""
        if not self.snapshots:
            return [], []
        if device.platform not in self._around:
            around = _around(self.content, device)
            looks = _snapshots(around, "before", 0), _snapshots(around, "after", self.places[-1])
            self._around[device.platform] = looks
        return self._around[device.platform]

    def _step(self, position: int, step: TemplateStep, task: TaskFacts, device: DeviceFacts) -> tuple[PlannedStep, str]:
        """Return one step on one device, and what is wrong with it."""
        texts = [step.body(device.platform) or "", *(answer for _, answer in step.answers)]
        key = (device.platform, task.step, position)
        if any(name in text for name in BUILT_IN for text in texts):
            return self._rendered(position, step, task, device)
        if key not in self._same:
            self._same[key] = self._rendered(position, step, task, device)
        return self._same[key]

    def _rendered(
        self, position: int, step: TemplateStep, task: TaskFacts, device: DeviceFacts
    ) -> tuple[PlannedStep, str]:
        body = step.body(device.platform)
        if not (body or "").strip():
            note = f"The template has no commands for {device.platform_label} in this step."
            nothing = PlannedStep(
                position=position,
                name=step.name,
                kind=step.kind.value,
                commands=(),
                timeout=step.timeout,
                note=note,
                credential=task.credential,
            )
            return nothing, ""
        script, problem = "", ""
        try:
            values = self._known(task, device)
            lines = lines_sent(device.platform, self.renderer.render(body or "", values))
            answers = tuple((question, self._answer(answer, values)) for question, answer in step.answers)
            if step.script:
                script = compose(step.language, step.script, _parameters(self.content, values))
        except TemplateProblem as error:
            problem, lines, answers = f"Step '{step.name}': {error}", [], ()
        sent = [*lines, *(answer for _, answer in answers)]
        problem = problem or _flaw(step.name, sent, device.platform)
        guard = _guard(step)
        if guard and not device.words.guard_confirm:
            problem = problem or f"Step '{step.name}': {device.platform_label} cannot take a change back by itself."
        commands = _wrapped(lines, step.kind, step.save and not guard, device.words, guard)
        planned = PlannedStep(
            position=position,
            name=step.name,
            kind=step.kind.value,
            commands=commands,
            timeout=step.timeout,
            credential=task.credential,
            answers=answers,
            keep=step.keep,
            checks=step.checks,
            script=script,
            language=step.language,
            resumable=step.resumable,
            restarts=step.restarts,
            guard=guard,
            changing=_changing(step, commands, device.platform),
        )
        return planned, problem

    def _answer(self, text: str, values: Mapping[str, object]) -> str:
        """Return an answer with its variables' values; what is not one line is refused as a line is."""
        return "\n".join(self.renderer.render(text, values)) if text else ""

    def _known(self, task: TaskFacts, device: DeviceFacts) -> dict[str, object]:
        """Return what the texts of a step may say; values are checked once for all devices."""
        if task.step not in self._values:
            self._values[task.step] = _values(self.content, task, self.variables)
        values, problem = self._values[task.step]
        if problem:
            raise TemplateProblem(problem)
        if said := flaw(device.name):
            raise TemplateProblem(f"the device's name {said}")
        return {**values, "device": {"name": device.name, "address": device.address, "platform": device.platform}}


def _flaw(name: str, lines: Sequence[str], platform: str) -> str:
    """Say which line of a step is not one line on its platform; empty where each is."""
    if not line_flaw(platform, " ".join(lines)):
        return ""
    found = ((line, line_flaw(platform, line)) for line in lines)
    return next((f"Step '{name}': the line '{visible(line[:60])}' {said}" for line, said in found if said), "")


def _changing(step: TemplateStep, commands: Sequence[str], platform: str) -> str:
    """Return what makes a step a change that its template calls reading: the first line that is not known to only
    read, or an answer that it gives; empty where there is none, and for a step that is called a change."""
    if step.kind is not StepKind.READ or not commands:
        return ""
    for line in commands:
        if not only_reads(platform, line):
            return line
    for question, answer in step.answers:
        return f"{question} => {answer}"
    return commands[0] if step.script else ""


def _guard(step: TemplateStep) -> int:
    """Return after how many minutes the device takes the step back; 0 where it does not."""
    return step.guard if step.kind is StepKind.CONFIG else 0


def _width(step: TemplateStep) -> int:
    """Return how many places a step takes: one, and with a guard those that confirm and save it."""
    return 1 + (1 + step.save if _guard(step) else 0)


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


def _values(content: TemplateContent, task: TaskFacts, variables: Mapping[str, str]) -> tuple[dict[str, object], str]:
    """Return the values of the variables in a step, and what is wrong with the first one that is not as it must be."""
    typed, problems = resolve(content.variables, task.profile, variables)
    for name, sentence in problems.items():
        return {}, f"variable '{name}': {sentence[:1].lower()}{sentence[1:]}"
    values: dict[str, object] = {name: "" if value is None else value for name, value in typed.items()}
    for variable in content.variables:
        if variable.type is VariableType.SECRET and values[variable.name]:
            values[variable.name] = secret_mark(variable.name)
    return values, ""


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
    """Return the commands that read the configurations around the steps."""
    running, startup = device.words.show_running, device.words.show_startup
    kept = [*_kept(content, "before"), *_kept(content, "after")]
    found = {keep: startup if keep.startswith("startup") else running for keep in kept}
    return {keep: command for keep, command in found.items() if command and running}


def _kept(content: TemplateContent, when: str) -> list[str]:
    """Return which configurations are read before or after the steps; the startup one only where a change is made."""
    return [
        keep
        for keep in SNAPSHOTS
        if keep.endswith(when) and (content.changes_devices or not keep.startswith("startup"))
    ]


def _snapshots(around: Mapping[str, str], when: str, position: int) -> list[PlannedStep]:
    places = enumerate([keep for keep in SNAPSHOTS if keep.endswith(when)], position)
    return [
        PlannedStep(
            position=place, name=SNAPSHOTS[keep], kind=SNAPSHOT, commands=(around[keep],), timeout=60, keep=keep
        )
        for place, keep in places
        if keep in around
    ]
