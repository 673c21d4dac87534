"""The rules of an approval request: states, moves, four eyes, quorum. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from config.errors import Conflict, Forbidden


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


class Action(StrEnum):
    """What can happen to a request."""

    REQUEST = "requested"
    COMMENT = "commented"
    APPROVE = "approved"
    REJECT = "rejected"
    CLOSE = "closed"


#: Where an action leads from each state; what is not here is refused. Approving stays Requested below the quorum.
MOVES: dict[tuple[ApprovalStatus, Action], ApprovalStatus] = {
    (ApprovalStatus.REQUESTED, Action.COMMENT): ApprovalStatus.REQUESTED,
    (ApprovalStatus.REQUESTED, Action.APPROVE): ApprovalStatus.APPROVED,
    (ApprovalStatus.REQUESTED, Action.REJECT): ApprovalStatus.REJECTED,
    (ApprovalStatus.REQUESTED, Action.CLOSE): ApprovalStatus.CLOSED,
    (ApprovalStatus.APPROVED, Action.COMMENT): ApprovalStatus.APPROVED,
    (ApprovalStatus.APPROVED, Action.CLOSE): ApprovalStatus.CLOSED,
    (ApprovalStatus.REJECTED, Action.COMMENT): ApprovalStatus.REJECTED,
    (ApprovalStatus.REJECTED, Action.CLOSE): ApprovalStatus.CLOSED,
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


def is_approved(voters: Iterable[int], eligible: Iterable[int], required: int) -> bool:
    """Say whether enough different people who may still approve have approved."""
    return len(set(voters) & set(eligible)) >= required
