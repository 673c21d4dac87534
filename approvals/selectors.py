"""Tenant-scoped reads of approval requests."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from approvals.domain import ApprovalStatus
from approvals.models import ApprovalEvent, ApprovalRequest
from devices import access
from devices.domain.roles import Verb


def visible_requests(user: Any) -> QuerySet[ApprovalRequest]:
    """Requests of tenants the user sees."""
    return access.scoped(user, ApprovalRequest.objects.select_related("tenant", "requested_by"))


def waiting_for(user: Any) -> QuerySet[ApprovalRequest]:
    """Open requests that the user may decide: not his own, not edited by him, not yet voted on by him."""
    rows = access.scoped(user, ApprovalRequest.objects.filter(status=ApprovalStatus.REQUESTED), Verb.APPROVE)
    voted = ApprovalEvent.objects.filter(actor=user, action__in=["approved", "rejected"]).values("request")
    rows = rows.exclude(requested_by=user).exclude(pk__in=voted)
    barred = [pk for pk, people in rows.values_list("pk", "barred") if user.pk in people]
    return rows.exclude(pk__in=barred)


def log_of(request: ApprovalRequest) -> QuerySet[ApprovalEvent]:
    """The request's events, oldest first."""
    return request.events.select_related("actor")
