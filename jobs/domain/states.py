"""The lives of a run and of a device run: which status may follow which, and how each is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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

#: What may follow what, and (from None) how a row begins; an ended status is followed by nothing. The database refuses
#: every other change (`jobs.migrations`), and `jobs.models.transitions` is the only place that makes one.
Moves = Mapping[RunStatus | None, frozenset[RunStatus]]
NOTHING: dict[RunStatus | None, frozenset[RunStatus]] = {status: frozenset() for status in ENDED}

#: A job run is decided about while it is queued: it starts, waits for its turn, or ends at once.
RUN_MOVES: Moves = {
    **NOTHING,
    None: frozenset({S.QUEUED, S.SKIPPED}),
    S.QUEUED: frozenset({S.WAITING, S.RUNNING, S.FAILED, S.ERRORED, S.CANCELLED, S.SKIPPED}),
    S.WAITING: frozenset({S.QUEUED, S.CANCELLED}),
    S.RUNNING: ENDED,
}
#: A device run is never partial. It goes back to the queue when the device that it waited for is free, or when the
#: device could not be reached and nothing was sent; one for which there is no plan begins as failed.
DEVICE_MOVES: Moves = {
    **NOTHING,
    None: frozenset({S.QUEUED, S.FAILED}),
    S.QUEUED: frozenset({S.WAITING, S.RUNNING, S.FAILED, S.CANCELLED, S.SKIPPED}),
    S.WAITING: frozenset({S.QUEUED, S.FAILED, S.CANCELLED, S.SKIPPED}),
    S.RUNNING: frozenset({S.QUEUED, S.SUCCEEDED, S.FAILED, S.ERRORED, S.CANCELLED, S.INTERRUPTED}),
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


class ForbiddenMove(RuntimeError):
    """A status was to follow another that it must not follow: a defect of ours."""


def may_move(moves: Moves, old: str | None, new: str) -> bool:
    """Say whether a row may go from one status to the other (from None: begin in it)."""
    return RunStatus(new) in moves[None if old is None else RunStatus(old)]


def check_move(moves: Moves, old: str | None, new: str) -> None:
    """Raise ForbiddenMove unless the one status may follow the other."""
    if not may_move(moves, old, new):
        raise ForbiddenMove(f"Nothing goes from {old or 'nothing'} to {new}.")


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
