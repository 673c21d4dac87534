"""Run the steps of a plan on one open session and tell an observer; sessions and observers are Protocols."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from devices.domain.errors import (
    CommandRejected,
    DeviceError,
    EchoMissing,
    LateRefusal,
    NotConfirmed,
    NotWhole,
    PromptTimeout,
    SessionLost,
)
from jobs.domain.endings import quoted
from jobs.domain.plan import SNAPSHOT, PlannedStep
from jobs.domain.states import RunStatus
from templates_app.domain import scripts
from templates_app.domain.checks import Verdict, judge
from templates_app.domain.rendering import secret_mark

#: The reason of a result after which the device restarts; the steps after `step` are still to be done.
RESTARTED = "restarted"
#: What may be seen of a device that restarts.
AWAY = (SessionLost.code, PromptTimeout.code)

#: A configuration that is read around a change is evidence: that it cannot be read is remarked on and stops nothing.
EVIDENCE_ONLY = (CommandRejected.code, NotWhole.code)


class Cancelled(Exception):
    """Somebody asked to stop; nothing more is sent."""


class LeaseLost(Exception):
    """This worker no longer owns the device run; nothing more is sent and nothing more is written."""


class Conversation(Protocol):
    """What the engine needs of a device session.

    `late` is what came of the answer before the last line, after it had been taken for over; `remarks` are sentences on
    what was not asked for and did not work.
    """

    late: str
    remarks: list[str]

    def send(
        self,
        line: str,
        *,
        timeout: float | None = None,
        progress: Callable[[str], None] | None = None,
        answers: tuple[tuple[str, str], ...] = (),
        script: str = "",
        changes: bool = False,
    ) -> str:
        """Send one line, answer what is asked then as declared, return the answer; DeviceError when the device or
        the way to it says no.

        A `script` is what the command then reads from its standard input. A line that `changes` something is sent only
        behind the prompt of the one before.
        """

    def settle(self) -> None:
        """Make sure that the last answer is over; LateRefusal when it turns out to be a refusal."""

    def ended(self, timeout: float) -> bool:
        """Wait until the device ends the connection; False when it has not within so many seconds."""


class Observer(Protocol):
    """Who watches a device run: the database writer, a test. Every method may raise Cancelled or LeaseLost."""

    def step_started(self, step: PlannedStep) -> None:
        """A step begins."""

    def sending(self, step: PlannedStep, index: int, command: str) -> None:
        """A command is about to be sent: for a journaled step its intent must be durable on return."""

    def arriving(self, step: PlannedStep, index: int, text: str) -> None:
        """Output so far of a command that takes its time."""

    def answered(self, step: PlannedStep, index: int, command: str, answer: str, rejected: bool) -> None:
        """A command's prompt came."""

    def amended(self, text: str, rejected: bool) -> None:
        """More of the last answer came; with it, the device says no where `rejected`."""

    def unsent(self) -> None:
        """The command whose sending was announced was not sent."""

    def step_ended(self, step: PlannedStep, status: RunStatus, message: str, verdict: str = "") -> None:
        """A step is over; `verdict` is what its checks found."""


@dataclass(frozen=True, slots=True)
class DeviceResult:
    """How a device run ended; `reason` is a device error's code or empty; `step` is where it ended early."""

    status: RunStatus
    reason: str = ""
    message: str = ""
    step: PlannedStep | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What the checks of one step found; `text` is the line that decided it."""

    step: PlannedStep
    verdict: Verdict
    text: str = ""


Judge = Callable[[Sequence[Finding]], DeviceResult]


def run_steps(
    session: Conversation,
    steps: tuple[PlannedStep, ...],
    observer: Observer,
    reveal: Callable[[str], str] = lambda command: command,
    findings: list[Finding] | None = None,
) -> DeviceResult:
    """Send every command once and in order; stop at the first one that the device rejects or that gets lost.

    A step with checks does not stop the others: what it finds is put into `findings`, for a `Judge` to say in the end
    what that means for the device. `reveal` puts secret values in the place of their marks right before a command is
    sent.
    """
    for step in steps:
        observer.step_started(step)
        heard: list[str] = []
        failure = _run_step(session, step, observer, reveal, heard)
        if failure is None and step.commands and (step.journaled or step.checks or step.keep or step is steps[-1]):
            failure = _settled(session, step, observer, heard)
        failure = failure or _nothing_read(step, heard)
        if not _goes_on(session, step, observer, failure, heard, findings):
            return failure or DeviceResult(RunStatus.SUCCEEDED)
        if step.restarts and step.commands and failure is None:
            return DeviceResult(RunStatus.SUCCEEDED, RESTARTED, "", step)
    return DeviceResult(RunStatus.SUCCEEDED)


def _goes_on(
    session: Conversation,
    step: PlannedStep,
    observer: Observer,
    failure: DeviceResult | None,
    heard: list[str],
    findings: list[Finding] | None,
) -> bool:
    """Tell how a step ended, and whether the next one follows: after checks, and after evidence that is not there."""
    if step.checks and step.commands and (failure is None or failure.reason == CommandRejected.code):
        verdict, text = judge(step.checks, "\n".join(heard))
        if findings is not None:
            findings.append(Finding(step, verdict, text))
        observer.step_ended(step, RunStatus.FAILED if verdict is Verdict.FAIL else RunStatus.SUCCEEDED, text, verdict)
        return True
    if failure is None:
        observer.step_ended(step, RunStatus.SUCCEEDED if step.commands else RunStatus.SKIPPED, step.note)
        return True
    observer.step_ended(step, failure.status, failure.message)
    if step.kind == SNAPSHOT and failure.reason in EVIDENCE_ONLY:
        session.remarks.append(failure.message)
        return True
    return False


def _nothing_read(step: PlannedStep, heard: list[str]) -> DeviceResult | None:
    """Nothing is no configuration: it would look like one that is empty, and like no difference beside another."""
    if step.kind != SNAPSHOT or not step.commands or "".join(heard).strip():
        return None
    sentence = f"The device showed nothing in step '{step.name}'; that is not stored as a configuration."
    return DeviceResult(RunStatus.FAILED, NotWhole.code, sentence, step)


def verdict_of_checks(findings: Sequence[Finding]) -> DeviceResult:
    """Return how a device ended whose commands were all answered: it failed when one of its checks did."""
    words = []
    for verdict, said in ((Verdict.FAIL, "failed"), (Verdict.WARN, "with a warning")):
        names = [finding.step.name for finding in findings if finding.verdict is verdict]
        if names:
            words.append(f"{len(names)} {said}: {', '.join(names)}")
    if not words:
        return DeviceResult(RunStatus.SUCCEEDED)
    text = f"Of {len(findings)} checks, {'; '.join(words)}."
    if any(finding.verdict is Verdict.FAIL for finding in findings):
        return DeviceResult(RunStatus.FAILED, "checks_failed", text)
    return DeviceResult(RunStatus.SUCCEEDED, "", text)


def _run_step(
    session: Conversation, step: PlannedStep, observer: Observer, reveal: Callable[[str], str], heard: list[str]
) -> DeviceResult | None:
    """Send the commands of a step; None when each was answered. What the device said is put into `heard`."""
    for index, command in enumerate(step.commands):
        observer.sending(step, index, command)
        try:
            answer = session.send(
                reveal(command),
                timeout=step.timeout,
                progress=lambda text, index=index: observer.arriving(step, index, text),  # type: ignore[misc]
                answers=tuple((question, reveal(answer)) for question, answer in step.answers),
                changes=step.journaled,
                **({"script": _script(step, reveal)} if step.script else {}),
            )
        except LateRefusal as error:
            observer.unsent()
            observer.amended(error.late, True)
            heard[-1:] = [error.answer]
            return DeviceResult(RunStatus.FAILED, error.code, _rejection(step, index - 1, error), step)
        except CommandRejected as error:
            _take_late(session, observer, heard)
            heard.append(error.answer)
            observer.answered(step, index, command, error.answer, True)
            return DeviceResult(RunStatus.FAILED, error.code, _rejection(step, index, error), step)
        except EchoMissing as error:
            observer.unsent()
            return DeviceResult(RunStatus.FAILED, error.code, error.message, step)
        except DeviceError as error:
            if step.restarts and index + 1 == len(step.commands) and error.code in AWAY:
                observer.answered(step, index, command, "The connection ended, as the step expects.", False)
                return None
            return DeviceResult(RunStatus.FAILED, error.code, error.message, step)
        _take_late(session, observer, heard)
        heard.append(answer)
        observer.answered(step, index, command, answer, False)
    if step.restarts and step.commands and not session.ended(step.timeout):
        sentence = (
            f"The device did not restart: {step.timeout} s after step '{step.name}' the connection is still open."
        )
        return DeviceResult(RunStatus.FAILED, "not_restarted", sentence, step)
    return None


def _take_late(session: Conversation, observer: Observer, heard: list[str]) -> None:
    """Put what came late to the answer that it belongs to."""
    if session.late:
        observer.amended(session.late, False)
        if heard:
            heard[-1] += session.late
        session.late = ""


def _settled(session: Conversation, step: PlannedStep, observer: Observer, heard: list[str]) -> DeviceResult | None:
    """Make sure that the last answer of a step is over; None unless the device turns out to have refused its line."""
    if step.restarts:
        return None
    try:
        session.settle()
    except LateRefusal as error:
        observer.amended(error.late, True)
        heard[-1:] = [error.answer]
        return DeviceResult(RunStatus.FAILED, error.code, _rejection(step, len(step.commands) - 1, error), step)
    except DeviceError as error:
        if step.journaled:
            session.remarks.append(
                f"Whether the last answer of step '{step.name}' was whole is not known: {error.message}"
            )
            return None
        return DeviceResult(RunStatus.FAILED, error.code, error.message, step)
    _take_late(session, observer, heard)
    return None


def _script(step: PlannedStep, reveal: Callable[[str], str]) -> str:
    """Return a step's script with its secrets in the place of their marks, quoted for its language."""
    return scripts.reveal(step.language, step.script, lambda name: reveal(secret_mark(name)))


def _rejection(step: PlannedStep, index: int, error: CommandRejected) -> str:
    left = len(step.commands) - index - 1
    command = step.commands[max(index, 0)]
    said = quoted(error.answer) or "^"
    rest = (
        f"The {left} lines after it were not sent." if left > 1 else "The line after it was not sent." if left else ""
    )
    if isinstance(error, NotWhole):
        return f"The configuration of step '{step.name}' ended without its end mark; it is not stored."
    if isinstance(error, NotConfirmed):
        what = "The device did not save its configuration" if error.saves else "The device did not confirm the line"
        after = " The changes are in effect and are lost at its next restart." if error.saves else ""
        return f"{what}: '{command}' in step '{step.name}' was answered with: {said}.{after} {rest}".strip()
    return f"The device rejected '{command}' in step '{step.name}': {said}. {rest}".replace("..", ".").strip()


def interruption(cause: str, commands: tuple[str, ...], intended: int, confirmed: int) -> str:
    """Say after `cause` what is known of a device run that broke off; counts are numbers of commands in plan order."""
    total = len(commands)
    parts = []
    if confirmed:
        parts.append(f"{_span(1, confirmed)} confirmed")
    if intended > confirmed:
        parts.append(f"command {intended} '{commands[intended - 1]}' was sent or about to be, its outcome is unknown")
    after = max(intended, confirmed)
    if after < total and after:
        parts.append(f"{_span(after + 1, total)} never sent")
    if not after:
        parts.append("no command that changes the device had been sent")
    return f"{cause}: " + "; ".join(parts) + ". Read the device before you run it again."


def _span(first: int, last: int) -> str:
    return f"command {first}" if first == last else f"commands {first}–{last}"
