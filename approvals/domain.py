"""The rules of an approval request: states, moves, steps, four eyes, quorum, scope. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from config.errors import Conflict, Forbidden
from config.json_value import Json


class ApprovalStatus(StrEnum):
    """The mission's five states; Not Requested is the absence of a request."""

    NOT_REQUESTED = "not_requested"
    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    CLOSED = "closed"


LABELS = {
    ApprovalStatus.NOT_REQUESTED: "Not Requested",
    ApprovalStatus.REQUESTED: "Requested",
    ApprovalStatus.APPROVED: "Approved",
    ApprovalStatus.REJECTED: "Rejected",
    ApprovalStatus.CLOSED: "Closed",
}
CHOICES = [(status.value, LABELS[status]) for status in ApprovalStatus]
COLOURS = {
    ApprovalStatus.NOT_REQUESTED: "idle",
    ApprovalStatus.REQUESTED: "warn",
    ApprovalStatus.APPROVED: "ok",
    ApprovalStatus.REJECTED: "fail",
    ApprovalStatus.CLOSED: "idle",
}
#: What waits for a decision, or for the run that it allows; a subject has one such request at most.
OPEN = (ApprovalStatus.REQUESTED, ApprovalStatus.APPROVED)


class Action(StrEnum):
    """What can happen to a request."""

    REQUEST = "requested"
    COMMENT = "commented"
    APPROVE = "approved"
    REJECT = "rejected"
    BYPASS = "bypassed"
    WITHDRAW = "withdrawn"
    EXECUTE = "executed"
    VOID = "voided"
    EXPIRE = "expired"
    REMIND = "reminded"
    CLOSE = "closed"


#: The words for each in a request's log: one vote of several is no approval yet.
ACTION_LABELS = {
    Action.REQUEST: "Requested",
    Action.COMMENT: "Commented",
    Action.APPROVE: "Voted for it",
    Action.REJECT: "Rejected",
    Action.BYPASS: "Allowed without approval",
    Action.WITHDRAW: "Withdrawn",
    Action.EXECUTE: "Executed",
    Action.VOID: "Voided",
    Action.EXPIRE: "Expired",
    Action.REMIND: "Reminded",
    Action.CLOSE: "Closed",
}
#: The actions that are somebody's vote.
VOTES = (Action.APPROVE, Action.REJECT)


#: Where an action leads from each state; what is not here is refused. Approving stays Requested while a step is open,
#: executing stays Approved while a series has runs left.
MOVES: dict[tuple[ApprovalStatus, Action], ApprovalStatus] = {
    (ApprovalStatus.REQUESTED, Action.COMMENT): ApprovalStatus.REQUESTED,
    (ApprovalStatus.REQUESTED, Action.APPROVE): ApprovalStatus.APPROVED,
    (ApprovalStatus.REQUESTED, Action.REJECT): ApprovalStatus.REJECTED,
    (ApprovalStatus.REQUESTED, Action.BYPASS): ApprovalStatus.APPROVED,
    (ApprovalStatus.REQUESTED, Action.WITHDRAW): ApprovalStatus.CLOSED,
    (ApprovalStatus.REQUESTED, Action.VOID): ApprovalStatus.CLOSED,
    (ApprovalStatus.REQUESTED, Action.EXPIRE): ApprovalStatus.CLOSED,
    (ApprovalStatus.REQUESTED, Action.REMIND): ApprovalStatus.REQUESTED,
    (ApprovalStatus.REQUESTED, Action.CLOSE): ApprovalStatus.CLOSED,
    (ApprovalStatus.APPROVED, Action.COMMENT): ApprovalStatus.APPROVED,
    (ApprovalStatus.APPROVED, Action.EXECUTE): ApprovalStatus.CLOSED,
    (ApprovalStatus.APPROVED, Action.VOID): ApprovalStatus.CLOSED,
    (ApprovalStatus.APPROVED, Action.CLOSE): ApprovalStatus.CLOSED,
    (ApprovalStatus.REJECTED, Action.COMMENT): ApprovalStatus.REJECTED,
    (ApprovalStatus.REJECTED, Action.VOID): ApprovalStatus.CLOSED,
    (ApprovalStatus.REJECTED, Action.CLOSE): ApprovalStatus.CLOSED,
}
#: The same without the actions: which state may follow which. The database refuses every other
#: (`approvals.migrations`).
STATUS_MOVES: dict[ApprovalStatus, frozenset[ApprovalStatus]] = {
    status: frozenset(after for (before, _), after in MOVES.items() if before is status) - {status}
    for status in ApprovalStatus
}


class FourEyes(Forbidden):
    """Who asked for it, or changed it, does not decide it."""

    code = "four_eyes"


class StaleDigest(Conflict):
    """What the approver saw is not what would run now."""

    code = "stale_digest"


def after(status: ApprovalStatus, action: Action) -> ApprovalStatus:
    """Return the state that follows; Conflict when the action is not possible in this state."""
    found = MOVES.get((status, action))
    if found is None:
        raise Conflict(
            f"A request that is {LABELS[status]} cannot be {action.value}. Reload the page to see how it stands."
        )
    return found


def check_may_decide(person: int, barred: Iterable[int], voted: Iterable[int]) -> None:
    """Refuse the requester, every editor, and a second vote. A superuser is no exception."""
    if person in set(barred):
        raise FourEyes("You asked for this or changed it, so somebody else must decide it.")
    if person in set(voted):
        raise Conflict("You have decided this request already; others must add their vote.")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an approval: how many must agree, and of which group (id; None: everyone with the right)."""

    required: int = 1
    group: int | None = None

    def as_json(self) -> dict[str, Json]:
        """Return what `steps_from` reads."""
        return {"required": self.required, "group": self.group}


def steps_from(data: Iterable[Mapping[str, Json]]) -> tuple[Step, ...]:
    """Read stored steps."""
    return tuple(Step(int(item["required"]), item.get("group")) for item in data)


def is_approved(voters: Iterable[int], eligible: Iterable[int], required: int) -> bool:
    """Say whether enough different people who may still approve have approved."""
    return len(set(voters) & set(eligible)) >= required


def open_step(steps: Sequence[Step], votes: Iterable[tuple[int, int]], eligible: Mapping[int, set[int]]) -> int | None:
    """Return the first step (from 0) that still needs votes, or None; a vote is (step, person).

    `eligible` says, by step, whose votes count now.
    """
    cast = list(votes)
    for number, step in enumerate(steps):
        voters = [person for at, person in cast if at == number]
        if not is_approved(voters, eligible.get(number, set()), step.required):
            return number
    return None


class Late(StrEnum):
    """What an approver wants of a run whose time passed while its approval was waited for."""

    NOW = "now"
    NEXT = "next"
    NONE = "none"


LATE_LABELS = {
    Late.NOW: "Run it now, once approved",
    Late.NEXT: "Wait for its next time",
    Late.NONE: "Do not run it: close the request",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """What an approval covers: one run, or a series until an instant or for a number of runs (or both)."""

    series: bool = False
    until: datetime | None = None
    runs: int | None = None

    def used_up(self, used: int, now: datetime) -> bool:
        """Say whether nothing is left after so many runs."""
        if not self.series:
            return used >= 1
        return (self.runs is not None and used >= self.runs) or (self.until is not None and now >= self.until)

    def __str__(self) -> str:
        if not self.series:
            return "one run"
        limits = [
            f"until {self.until:%Y-%m-%d %H:%M} UTC" if self.until else "",
            f"{self.runs} runs at most" if self.runs else "",
        ]
        return f"a series: {' and '.join(filter(None, limits))}, while the content is unchanged"
