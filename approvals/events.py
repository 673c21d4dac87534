"""What happens to a request: its log, the audit trail, the server log, and who is told."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from approvals import deciders
from approvals.domain import Action, ApprovalStatus
from approvals.models import ApprovalEvent, ApprovalRequest
from devices.services import audit, outbox

log = logging.getLogger(__name__)


def record(request: ApprovalRequest, action: Action, by: User | None, message: str, now: datetime) -> None:
    """Write what happened to a request, and tell whom it concerns."""
    write(request, action, by, message, now)
    announce(request, action, by, message, now)


def write(
    request: ApprovalRequest,
    action: Action,
    by: User | None,
    message: str,
    now: datetime,
    on_behalf_of: User | None = None,
) -> None:
    """Write what happened to a request into its log, the audit trail and the server log."""
    event = ApprovalEvent.objects.create(
        tenant=request.tenant,
        request=request,
        action=action,
        actor=by,
        on_behalf_of=on_behalf_of,
        step=request.step,
        message=message.strip()[:1000],
        at=now,
    )
    audit.record(
        tenant=request.tenant,
        by=by,
        action=f"approval.{action.value}",
        subject=request.title,
        digest=request.digest,
        **({"on_behalf_of": on_behalf_of.get_username()} if on_behalf_of else {}),
    )
    transaction.on_commit(lambda: _log_line(request, event))


#: What the server log calls each action.
LOGGED = {
    Action.REQUEST: "approval.requested",
    Action.COMMENT: "approval.commented",
    Action.APPROVE: "approval.approved",
    Action.REJECT: "approval.rejected",
    Action.BYPASS: "approval.bypassed",
    Action.WITHDRAW: "approval.withdrawn",
    Action.EXECUTE: "approval.executed",
    Action.VOID: "approval.voided",
    Action.EXPIRE: "approval.expired",
    Action.REMIND: "approval.reminded",
    Action.CLOSE: "approval.closed",
}


def _log_line(request: ApprovalRequest, event: ApprovalEvent) -> None:
    """Write what happened to a request into the server log, without what anybody wrote."""
    about = {"tenant": request.tenant.key, "approval": request.pk, "about": request.url, "status": request.status}
    people = {"by": event.actor.get_username() if event.actor else "system"}
    if event.on_behalf_of:
        people["on_behalf_of"] = event.on_behalf_of.get_username()
    words = "Approval request %s for %s: %s."
    action = Action(event.action)
    log.info(words, request.pk, request.title, action, extra={"action": LOGGED[action], **about, **people})


#: What the world is told of each action; executing is told by who executes. A vote that leaves the request open is a
#: comment: "Approved" is said when it is.
TOLD = {
    Action.REQUEST: "requested",
    Action.COMMENT: "commented",
    Action.APPROVE: "commented",
    Action.BYPASS: "approved",
    Action.REJECT: "rejected",
    Action.WITHDRAW: "closed",
    Action.VOID: "closed",
    Action.CLOSE: "closed",
    Action.EXPIRE: "expired",
    Action.REMIND: "reminder",
}


def announce(
    request: ApprovalRequest, action: Action, by: User | None, message: str, now: datetime, mark: str = ""
) -> None:
    """Tell who is asked, or whom it concerns; once for each `mark`, which is the request's last event if not given."""
    if action not in TOLD:
        return
    told, said = TOLD[action], message.strip()
    if action is Action.APPROVE and request.status == ApprovalStatus.APPROVED:
        told = "approved"
    elif action is Action.APPROVE:
        said = f"{by} voted for it; it is not approved before all votes are there. {said}".strip()
    asks = action in (Action.REQUEST, Action.REMIND)
    people: Iterable[User] = deciders.of(request, now) if asks else deciders.concerned(request)
    mark = mark or str(request.events.latest("id").pk)
    event = outbox.Event(
        tenant=request.tenant,
        event=told,
        key=f"approval:{request.pk}:{mark}",
        subject=request.title,
        text=f"{request.summary}\n\n{said}".strip(),
        url=f"{request.url}approval/",
        by=by,
        recipients=people,
    )
    outbox.announce(event, now=now)
