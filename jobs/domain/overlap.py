"""Whether a run may start while others are open: the job's overlap policy, and the queue of `jobQueued` jobs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Overlap(StrEnum):
    """What becomes of a run while another run of the same job is open."""

    SKIP = "skip"
    QUEUE = "queue"
    ALLOW = "allow"


OVERLAP_LABELS = {
    Overlap.SKIP: "Skip the new run",
    Overlap.QUEUE: "Let one run wait; skip further ones",
    Overlap.ALLOW: "Let both run",
}


@dataclass(frozen=True, slots=True)
class Ahead:
    """An open run that comes before the one in question: of the same job, or in the same queue, or both."""

    id: int
    same_job: bool
    in_queue: bool
    waiting: bool


@dataclass(frozen=True, slots=True)
class Turn:
    """`wait` or `skip` with the reason, or neither: the run may start."""

    wait: str = ""
    skip: str = ""


def turn(overlap: Overlap, queued: bool, ahead: Sequence[Ahead]) -> Turn:
    """Decide for a run with the open runs ahead of it; `queued` says that its job waits in the queue (jobQueued)."""
    same = [run for run in ahead if run.same_job]
    if same and overlap is not Overlap.ALLOW:
        return _after_own(overlap, same)
    queue = [run for run in ahead if run.in_queue]
    if queued and queue:
        return Turn(wait=f"Waits in the queue for run {queue[0].id}; {len(queue)} ahead.")
    return Turn()


def _after_own(overlap: Overlap, ahead: Sequence[Ahead]) -> Turn:
    """Decide behind open runs of the same job (at least one) that may not overlap."""
    if overlap is Overlap.SKIP:
        return Turn(skip=f"Run {ahead[0].id} of this job was still open; the job's overlap policy is to skip.")
    waiting = next((run for run in ahead if run.waiting), None)
    if waiting and len(ahead) > 1:
        return Turn(skip=f"Run {waiting.id} of this job is waiting already; only one may wait.")
    return Turn(wait=f"Waits for run {ahead[0].id} of this job to end.")
