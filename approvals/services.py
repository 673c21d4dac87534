"""The verbs of approval. Every face calls these; the rule stands in `approvals.domain`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction

from approvals import access
from approvals.domain import Action, ApprovalStatus, StaleDigest, after, check_may_decide, is_approved
from approvals.models import ApprovalEvent, ApprovalPolicy, ApprovalRequest
from config.errors import Conflict, Forbidden, Invalid
from devices.models import Tenant
from devices.services import audit


def request_approval(
    *,
    by: Any,
    tenant: Tenant,
    title: str,
    summary: str,
    url: str,
    digest: str,
    editors: Iterable[int],
    message: str,
    now: datetime,
) -> ApprovalRequest:
    """Open a request for content with this digest; requester and editors are barred from deciding it."""
    policy = ApprovalPolicy.objects.filter(tenant=tenant).first()
    with transaction.atomic():
        request = ApprovalRequest.objects.create(
            tenant=tenant,
            title=title[:200],
            summary=summary[:500],
            url=url,
            digest=digest,
            required=policy.required if policy else 1,
            requested_by=by,
            barred=sorted({by.pk, *editors}),
            created_at=now,
        )
        _log(request, Action.REQUEST, by, message, now)
    return request


def decide(
    *, by: Any, request: ApprovalRequest, action: Action, message: str, digest: str, now: datetime
) -> ApprovalRequest:
    """Approve or reject what has this digest; StaleDigest when the request is for something else by now."""
    access.check_may_approve(by, request.tenant)
    if action is Action.REJECT and not message.strip():
        raise Invalid(fields={"message": ["Say why, so that the requester can mend it."]})
    with transaction.atomic():
        request = ApprovalRequest.objects.select_for_update().get(pk=request.pk)
        if digest != request.digest:
            raise StaleDigest("What you saw is not what would run now. Read the plan again and decide then.")
        target = after(ApprovalStatus(request.status), action)
        votes = request.events.filter(action__in=[Action.APPROVE, Action.REJECT]).values_list("actor_id", flat=True)
        check_may_decide(by.pk, request.barred, votes)
        _log(request, action, by, message, now)
        if action is Action.APPROVE and not has_quorum(request):
            target = ApprovalStatus.REQUESTED
        _move(request, target)
    return request


def comment(*, by: Any, request: ApprovalRequest, message: str, now: datetime) -> None:
    """Add a comment; the requester and every approver may."""
    if by.pk != request.requested_by_id:
        access.check_may_approve(by, request.tenant)
    if not message.strip():
        raise Invalid(fields={"message": ["Write the comment."]})
    after(ApprovalStatus(request.status), Action.COMMENT)
    _log(request, Action.COMMENT, by, message, now)


def close(*, by: Any, request: ApprovalRequest, message: str, now: datetime) -> ApprovalRequest:
    """Close a request: its requester, an administrator of the tenant, or the system when the approved run starts."""
    if by is not None and by.pk != request.requested_by_id and not access.may_bypass(by, request.tenant):
        raise Forbidden("Only the requester or an administrator of the tenant closes a request.")
    with transaction.atomic():
        request = ApprovalRequest.objects.select_for_update().get(pk=request.pk)
        target = after(ApprovalStatus(request.status), Action.CLOSE)
        _log(request, Action.CLOSE, by, message, now)
        _move(request, target)
    return request


def has_quorum(request: ApprovalRequest) -> bool:
    """Say whether enough people who may still approve have approved; asked again when the run starts."""
    voters = [
        event.actor
        for event in request.events.filter(action=Action.APPROVE).select_related("actor")
        if event.actor.is_active and event.actor_id not in request.barred
    ]
    eligible = [person.pk for person in voters if access.may_approve(person, request.tenant)]
    return is_approved([person.pk for person in voters], eligible, request.required)


def _move(request: ApprovalRequest, target: ApprovalStatus) -> None:
    moved = ApprovalRequest.objects.filter(pk=request.pk, version=request.version).update(
        status=target, version=request.version + 1
    )
    if moved != 1:
        raise Conflict("Somebody decided this request just now. Reload the page to see how it stands.")
    request.status, request.version = target, request.version + 1


def _log(request: ApprovalRequest, action: Action, by: Any, message: str, now: datetime) -> None:
    ApprovalEvent.objects.create(
        tenant=request.tenant, request=request, action=action, actor=by, message=message.strip()[:1000], at=now
    )
    audit.record(
        tenant=request.tenant, by=by, action=f"approval.{action.value}", subject=request.title, digest=request.digest
    )
