"""Tenant-scoped reads of approval requests."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from approvals import deciders
from approvals.domain import ApprovalStatus
from approvals.models import ApprovalDelegate, ApprovalEvent, ApprovalRequest
from devices import access
from devices.domain.roles import Verb


def visible_requests(user: Any) -> QuerySet[ApprovalRequest]:
    """Requests of tenants the user sees."""
    return access.scoped(user, ApprovalRequest.objects.select_related("tenant", "requested_by").defer("content_z"))


def waiting_for(user: Any) -> QuerySet[ApprovalRequest]:
    """Open requests whose open step the user may decide now: not his own, not edited by him, not yet voted on by him."""
    now = timezone.now()
    rows = access.scoped(user, ApprovalRequest.objects.filter(status=ApprovalStatus.REQUESTED))
    standing_in = ApprovalDelegate.objects.filter(delegate=user, first__lte=now.date(), last__gte=now.date()).values(
        "tenant"
    )
    rows = rows.filter(Q(tenant__in=access.tenants_where(user, Verb.APPROVE)) | Q(tenant__in=standing_in))
    voted = ApprovalEvent.objects.filter(actor=user, action__in=["approved", "rejected"]).values("request")
    rows = rows.exclude(requested_by=user).exclude(pk__in=voted).exclude(expires_at__lte=now).defer("content_z")
    mine = [row.pk for row in rows.select_related("tenant") if deciders.may_decide(user, row, now)]
    return rows.filter(pk__in=mine)


def log_of(request: ApprovalRequest) -> QuerySet[ApprovalEvent]:
    """The request's events, oldest first."""
    return request.events.select_related("actor")
