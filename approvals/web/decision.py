"""The page of one request: who asked for what, the log, and the decision. What was asked for is shown by who asked."""

from __future__ import annotations

from datetime import datetime

from approvals import access, deciders, selectors
from approvals.decisions import Decision, dispatch
from approvals.domain import LATE_LABELS, ApprovalStatus
from approvals.models import ApprovalRequest
from approvals.web.requests import status_pill
from config.errors import ServiceError
from config.requests import Request

CLOSABLE = (ApprovalStatus.REQUESTED, ApprovalStatus.APPROVED, ApprovalStatus.REJECTED)


def take(request: Request, asked: ApprovalRequest, now: datetime) -> str | None:
    """Do what the page's form says; return why it was refused (empty: it was done), and None when none was posted."""
    if request.method != "POST":
        return None
    try:
        dispatch(by=request.user, request=asked, decision=Decision.posted(request.POST), now=now)
    except ServiceError as error:
        return error.message
    return ""


def facts(request: Request, asked: ApprovalRequest, now: datetime) -> dict[str, object]:
    """Return what `approvals/decision.html` shows of a request, and what the viewer may do with it."""
    by = request.user
    mine = asked.requested_by_id == by.pk
    return {
        "asked": asked,
        "log": selectors.log_of(asked),
        "others": selectors.others_of(asked),
        "steps": selectors.steps_of(asked),
        "pill": status_pill(asked.status),
        "may_decide": asked.status == ApprovalStatus.REQUESTED and deciders.may_decide(by, asked, now),
        "may_comment": mine or access.may_approve(by, asked.tenant),
        "may_close": asked.status in CLOSABLE and (mine or access.may_bypass(by, asked.tenant)),
        "mine": mine,
        "late": list(LATE_LABELS.items()) if asked.due_at and asked.due_at <= now else [],
        "message": request.POST.get("message", ""),
    }
