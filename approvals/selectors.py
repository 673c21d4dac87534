"""Tenant-scoped reads of approval requests."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from approvals import deciders
from approvals.domain import VOTES, ApprovalStatus
from approvals.models import ApprovalEvent, ApprovalRequest
from devices import access


def visible_requests(user: Any) -> QuerySet[ApprovalRequest]:
    """Requests of tenants the user sees."""
    return access.scoped(user, ApprovalRequest.objects.select_related("tenant", "requested_by").defer("content_z"))


def waiting_for(user: Any) -> QuerySet[ApprovalRequest]:
    """Open requests whose open step the user may decide now: not his own, not edited by him, not yet voted on by him.

    Asked for on every page, so the number of queries does not grow with the requests.
    """
    now = timezone.now()
    mandates = deciders.mandates(user, now)
    voted = ApprovalEvent.objects.filter(actor=user, action__in=VOTES).values("request")
    rows = access.scoped(user, ApprovalRequest.objects.filter(status=ApprovalStatus.REQUESTED))
    rows = rows.exclude(requested_by=user).exclude(pk__in=voted).exclude(expires_at__lte=now)
    found = rows.values_list("pk", "tenant_id", "barred", "steps", "step") if mandates else []
    mine = [
        pk
        for pk, tenant, barred, steps, step in found
        if user.pk not in barred and any(m.covers(tenant, barred, steps[step]["group"]) for m in mandates)
    ]
    return ApprovalRequest.objects.filter(pk__in=mine).select_related("tenant", "requested_by").defer("content_z")


def log_of(request: ApprovalRequest) -> QuerySet[ApprovalEvent]:
    """The request's events, oldest first."""
    return request.events.select_related("actor")
