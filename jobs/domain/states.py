"""The lives of a run and of a device run: which status may follow which, and how each is shown."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class RunStatus(StrEnum):
    """Status of a job run and of each of its device runs (device runs are never `partial`)."""

    QUEUED = "queued"
    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    ERRORED = "errored"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"


S = RunStatus
OPEN = frozenset({S.QUEUED, S.WAITING, S.RUNNING})
ENDED = frozenset(RunStatus) - OPEN

#: What may follow what; an ended status is followed by nothing. A device run goes back to the queue only when the
#: device could not be reached and nothing was sent.
MOVES: dict[RunStatus, frozenset[RunStatus]] = {
    S.QUEUED: frozenset({S.WAITING, S.RUNNING, S.FAILED, S.CANCELLED, S.SKIPPED, S.ERRORED}),
    S.WAITING: frozenset({S.QUEUED, S.FAILED, S.CANCELLED, S.SKIPPED, S.ERRORED}),
    S.RUNNING: frozenset(
        {S.QUEUED, S.SUCCEEDED, S.PARTIAL, S.FAILED, S.ERRORED, S.CANCELLED, S.SKIPPED, S.INTERRUPTED}
    ),
    **{status: frozenset() for status in ENDED},
}

LABELS: dict[RunStatus, str] = {
    S.QUEUED: "Queued",
    S.WAITING: "Waiting",
    S.RUNNING: "Running",
    S.SUCCEEDED: "Succeeded",
    S.PARTIAL: "Partial",
    S.FAILED: "Failed",
    S.ERRORED: "Errored",
    S.CANCELLED: "Cancelled",
    S.SKIPPED: "Skipped",
    S.INTERRUPTED: "Interrupted",
}
#: The four state colours of the theme (ok, run, warn, fail) and the neutral one.
COLOURS: dict[RunStatus, str] = {
    S.QUEUED: "idle",
    S.WAITING: "warn",
    S.RUNNING: "run",
    S.SUCCEEDED: "ok",
    S.PARTIAL: "warn",
    S.FAILED: "fail",
    S.ERRORED: "fail",
    S.CANCELLED: "idle",
    S.SKIPPED: "idle",
    S.INTERRUPTED: "fail",
}
CHOICES = [(status.value, LABELS[status]) for status in RunStatus]


def may_move(old: str, new: str) -> bool:
    """Say whether a run may go from one status to the other."""
    return RunStatus(new) in MOVES[RunStatus(old)]


def outcome(statuses: Iterable[str]) -> RunStatus:
    """Return the status of a run from the ended statuses of its device runs."""
    kinds = {RunStatus(s) for s in statuses}
    if not kinds or kinds == {S.SKIPPED}:
        return S.SKIPPED
    if len(kinds) == 1:
        return kinds.pop()
    if S.SUCCEEDED in kinds:
        return S.PARTIAL
    for status in (S.INTERRUPTED, S.ERRORED, S.FAILED, S.CANCELLED):
        if status in kinds:
            return status
    return S.FAILED
