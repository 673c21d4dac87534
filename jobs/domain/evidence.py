"""What is said of a configuration that was to be read and was not: "not read" is never "no difference". Pure."""

from __future__ import annotations

from dataclasses import dataclass

from devices.domain.errors import CommandRejected, EchoMissing, NotConfirmed
from jobs.domain.states import OPEN, RunStatus

#: How a device run ended whose lines the device did not take to the end.
REFUSED = (CommandRejected.code, NotConfirmed.code, EchoMissing.code)
#: It ended before its end, and the device was looked at.
BROKEN = (RunStatus.INTERRUPTED, RunStatus.CANCELLED, RunStatus.ERRORED)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a device run or a step stands, or ended; the message is a step's."""

    status: str
    reason: str = ""
    message: str = ""


def why_not_read(run: Ending, *, planned: bool, step: Ending | None) -> str:
    """Say in sentences why there is no configuration; `step` is the one that was to read it, as far as it came."""
    if run.status in OPEN:
        return "The device run has not ended yet."
    if not planned:
        return "The job did not ask for it."
    if step is None:
        return "The device run ended before its turn came."
    if step.status == RunStatus.SUCCEEDED:
        return "It was read then, and is no longer kept."
    return step.message or "Reading it came to no end."


def heading(name: str, run: Ending, *, after_is_read: bool) -> str:
    """Return what stands over the two configurations of a device run."""
    return f"{name} before → {'what is on it now' if after_is_read and _in_the_middle(run) else 'after'}"


def remark(run: Ending, *, after_is_read: bool) -> str:
    """Say when the second configuration was read, where that is not the end of the steps."""
    if not after_is_read or not _in_the_middle(run):
        return ""
    if run.reason in REFUSED:
        return "The device refused a line in the middle; this is what was on it right after that."
    return "The run broke off; this is what was on the device when it was read again after that."


def _in_the_middle(run: Ending) -> bool:
    is_over = run.status not in (*OPEN, RunStatus.SUCCEEDED)
    return is_over and (run.reason in REFUSED or run.status in BROKEN or run.reason in ("timeout", "session_lost"))


def gap(before: str, after: str) -> str:
    """Say that two configurations are not compared, and why: of each, why it was not read, empty where it was."""
    if before and after:
        same = before == after
        return "Neither configuration was read, so nothing is compared. " + (
            before if same else f"Before: {before} After: {after}"
        )
    if before:
        return f"The configuration before was not read, so nothing is compared. {before}"
    return f"The configuration after was not read, so nothing is compared. {after}" if after else ""
