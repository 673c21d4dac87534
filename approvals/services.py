"""The verbs of approval. Every face calls these; the rule stands in `approvals.domain`."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypedDict, Unpack

from django.contrib.auth.models import User
from django.db import transaction

from approvals import access, deciders, events
from approvals.domain import (
    OPEN,
    VOTES,
    Action,
    ApprovalStatus,
    Late,
    Scope,
    StaleDigest,
    after,
    check_may_decide,
)
from approvals.models import ApprovalRequest, ApprovalSubject
from approvals.policies import policy_for
from config.errors import Conflict, Forbidden, Invalid
from config.failpoints import failpoint
from config.json_value import Json
from devices import access as devices
from devices.domain.roles import Verb
from devices.models import Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What an approval is asked for, about a subject; `content` is bound by its `digest`, `kinds` pick the policy
    (specific first), `url` is a link for people. `editors` are all who ever wrote it, `shapers` those since it was last
    agreed to."""

    subject: ApprovalSubject
    title: str
    summary: str
    url: str
    digest: str
    content: dict[str, Json]
    editors: tuple[int, ...] = ()
    shapers: tuple[int, ...] = ()
    authors: tuple[int, ...] = ()
    kinds: tuple[str, ...] = ()
    notify: tuple[int, ...] = ()
    due_at: datetime | None = None
    scope: Scope = field(default_factory=Scope)


def open_subject(*, tenant: Tenant) -> ApprovalSubject:
    """Make the row to which something of the tenant will refer, so that its requests are found."""
    return ApprovalSubject.objects.create(tenant=tenant)


def request_approval(*, by: User, proposal: Proposal, message: str, now: datetime) -> ApprovalRequest:
    """Open a request for a content; requester and editors (and by policy the authors) are barred from deciding it.

    Conflict while the subject has an open one. The caller has locked what the subject stands for.
    """
    tenant = proposal.subject.tenant
    policy = policy_for(tenant, proposal.kinds)
    barred = {by.pk, *proposal.editors, *(proposal.authors if policy.bar_authors else ())}
    remind = timedelta(days=policy.remind_after_days)
    with transaction.atomic():
        request = _open(
            by,
            proposal,
            now,
            steps=policy.steps,
            barred=sorted(barred),
            expires_at=now + timedelta(days=policy.expires_after_days) if policy.expires_after_days else None,
            remind_at=now + remind if remind else None,
            remind_after_days=policy.remind_after_days,
        )
        events.record(request, Action.REQUEST, by, message, now)
    return request


def bypass(*, by: User, proposal: Proposal, reason: str, now: datetime) -> ApprovalRequest:
    """Allow a content without asking anybody: a request that is approved at once, by right and with a reason.

    Forbidden unless `by`, and everybody who shaped the content since it was last agreed to, may do so.
    """
    tenant = proposal.subject.tenant
    devices.check_may(by, Verb.BYPASS, tenant)
    if not reason.strip():
        raise Invalid(fields={"reason": ["Say why nobody else is asked; it stands in the log and in the audit trail."]})
    others = User.objects.filter(pk__in=set(proposal.shapers) - {by.pk}).order_by("username")
    without = [person.get_username() for person in others if not access.may_bypass(person, tenant)]
    if without:
        raise Forbidden(
            f"{', '.join(without)} changed this since others last agreed to it, and may not run changes without "
            "approval. Request the approval."
        )
    with transaction.atomic():
        request = _open(by, proposal, now, bypass=True, approved_at=now)
        events.record(request, Action.BYPASS, by, reason, now)
        _move(request, after(ApprovalStatus(request.status), Action.BYPASS))
    return request


class Columns(TypedDict, total=False):
    """What differs between a request that asks and one that nobody was asked about."""

    steps: list[dict[str, Json]]
    barred: list[int]
    expires_at: datetime | None
    remind_at: datetime | None
    remind_after_days: int
    bypass: bool
    approved_at: datetime


def _open(by: User, proposal: Proposal, now: datetime, **columns: Unpack[Columns]) -> ApprovalRequest:
    """Store a request for a content; Conflict while its subject has an open one."""
    subject, scope = proposal.subject, proposal.scope
    if scope.series and scope.until is None and scope.runs is None:
        raise Invalid(fields={"scope": ["Say until when, or for how many runs, a series is approved."]})
    if subject.requests.filter(status__in=OPEN).exists():
        raise Conflict("There is an open request for this. Close it first, or wait for the decision.")
    return ApprovalRequest.objects.create(
        tenant=subject.tenant,
        subject=subject,
        title=proposal.title[:200],
        summary=proposal.summary[:500],
        url=proposal.url,
        digest=proposal.digest,
        content_z=zlib.compress(json.dumps(proposal.content, ensure_ascii=False).encode()),
        previous=subject.requests.order_by("-pk").first(),
        series=scope.series,
        series_until=scope.until,
        series_runs=scope.runs,
        due_at=proposal.due_at,
        requested_by=by,
        notify=sorted(proposal.notify),
        created_at=now,
        **columns,
    )


def decide(
    *,
    by: User,
    request: ApprovalRequest,
    action: Action,
    message: str,
    digest: str,
    now: datetime,
    one_run: bool = False,
    late: str = "",
) -> ApprovalRequest:
    """Approve or reject what has this digest; StaleDigest when the request is for something else by now.

    `one_run` narrows a series to one run; `late` is needed where the run's time has passed since it was asked for.
    """
    deciders.check_may_take_part(by, request.tenant, now)
    if action is Action.REJECT and not message.strip():
        raise Invalid(fields={"message": ["Say why, so that the requester can mend it."]})
    with transaction.atomic():
        request = _locked(request.pk)
        target = _target(request, action, digest, now)
        principal = _principal(by, request, now)
        if action is Action.APPROVE:
            late = _checked_late(request, late, now)
        events.write(request, action, by, message, now, on_behalf_of=principal if principal != by else None)
        failpoint("vote_not_judged")
        if action is Action.APPROVE:
            request.series = request.series and not one_run
            request.late = late
            request.step, done = deciders.progress(request)
            target = target if done else ApprovalStatus.REQUESTED
            request.approved_at = now if done else None
        _move(request, target)
        events.announce(request, action, by, message, now)
        if target is ApprovalStatus.APPROVED and request.late == Late.NONE:
            return close(by=None, request=request, message="Approved too late to run; closed as decided.", now=now)
        if target is ApprovalStatus.REQUESTED and request.step != 0:
            events.announce(request, Action.REQUEST, by, "The next step is yours.", now, f"step{request.step}")
    return request


def _target(request: ApprovalRequest, action: Action, digest: str, now: datetime) -> ApprovalStatus:
    """Return what a vote makes of a request; StaleDigest or Conflict where it cannot be voted on any more."""
    if digest != request.digest:
        raise StaleDigest("What you saw is not what would run now. Read the plan again and decide then.")
    target = after(ApprovalStatus(request.status), action)
    if request.expires_at and request.expires_at <= now:
        raise Conflict("The request expired; its applicant must ask again.")
    return target


def _checked_late(request: ApprovalRequest, late: str, now: datetime) -> str:
    """Return what is to become of a run whose time has passed, empty where it has not; Invalid without an answer."""
    if request.due_at is None or request.due_at > now:
        return ""
    if late not in list(Late):
        raise Invalid(fields={"late": ["Its time has passed meanwhile. Choose: now, next or none."]})
    return late


def _principal(by: User, request: ApprovalRequest, now: datetime) -> User:
    """Return in whose place somebody decides, most often his own; Forbidden where either of the two may not."""
    principal = deciders.mandate(by, request, now)
    votes = request.events.filter(action__in=VOTES)
    voted = {person for pair in votes.values_list("actor_id", "on_behalf_of_id") for person in pair if person}
    barred = deciders.barred(request)
    check_may_decide(by.pk, barred, voted)
    check_may_decide(principal.pk, barred, voted)
    return principal


def comment(*, by: User, request: ApprovalRequest, message: str, now: datetime) -> None:
    """Add a comment; the requester and everyone who may decide may."""
    if by.pk != request.requested_by_id:
        deciders.check_may_take_part(by, request.tenant, now)
    if not message.strip():
        raise Invalid(fields={"message": ["Write the comment."]})
    with transaction.atomic():
        request = _locked(request.pk)
        after(ApprovalStatus(request.status), Action.COMMENT)
        events.record(request, Action.COMMENT, by, message, now)


def close(
    *, by: User | None, request: ApprovalRequest, message: str, now: datetime, action: Action = Action.CLOSE
) -> ApprovalRequest:
    """Close a request: its requester withdraws it, an administrator of the tenant closes it, or the system (by
    None)."""
    if by is not None and by.pk == request.requested_by_id and request.status == ApprovalStatus.REQUESTED:
        action = Action.WITHDRAW
    elif by is not None and by.pk != request.requested_by_id and not access.may_bypass(by, request.tenant):
        raise Forbidden("Only the requester or an administrator of the tenant closes a request.")
    with transaction.atomic():
        request = _locked(request.pk)
        target = after(ApprovalStatus(request.status), action)
        events.record(request, action, by, message, now)
        _move(request, target)
    return request


def execute(*, request: ApprovalRequest, now: datetime) -> ApprovalRequest:
    """Use an approved request for one run, in the transaction that makes the run; Conflict when it may not be used."""
    with transaction.atomic():
        request = _locked(request.pk)
        target = after(ApprovalStatus(request.status), Action.EXECUTE)
        if request.scope.used_up(request.used, now):
            raise Conflict("The approved series has ended. Request the approval again.")
        if request.bypass:
            _check_bypass(request)
        elif not has_quorum(request):
            raise Conflict("The approval no longer counts: an approver lost the right. Request it again.")
        request.used += 1
        request.late = ""
        over = request.scope.used_up(request.used, now)
        events.record(request, Action.EXECUTE, None, f"Run {request.used} of {request.scope}.", now)
        _move(request, target if over else ApprovalStatus.APPROVED)
    return request


def _check_bypass(request: ApprovalRequest) -> None:
    """Raise Conflict where who allowed it without approval may not do so any more."""
    by = request.requested_by
    if not by.is_active or not access.may_bypass(by, request.tenant):
        raise Conflict(f"{by} allowed this without approval and may not do so any more. Request the approval.")


def has_quorum(request: ApprovalRequest) -> bool:
    """Say whether enough people who may still approve have approved every step; asked again when the run starts."""
    return deciders.progress(request)[1]


def watch(*, now: datetime) -> tuple[int, int]:
    """End requests that nobody answered in time, and remind of the others; returns how many of each."""
    waiting = ApprovalRequest.objects.filter(status=ApprovalStatus.REQUESTED)
    expired = [_expire(pk, now) for pk in waiting.filter(expires_at__lte=now).values_list("pk", flat=True)]
    reminded = [_remind(pk, now) for pk in waiting.filter(remind_at__lte=now).values_list("pk", flat=True)]
    return sum(expired), sum(reminded)


def _expire(pk: int, now: datetime) -> bool:
    with transaction.atomic():
        request = _locked(pk)
        if request.status != ApprovalStatus.REQUESTED:
            return False
        close(by=None, request=request, message="Nobody decided it in time.", now=now, action=Action.EXPIRE)
    return True


def _remind(pk: int, now: datetime) -> bool:
    with transaction.atomic():
        request = _locked(pk)
        if request.status != ApprovalStatus.REQUESTED or request.remind_at is None or request.remind_at > now:
            return False
        following = now + timedelta(days=request.remind_after_days or 1)
        ApprovalRequest.objects.filter(pk=pk).update(remind_at=following)
        events.record(request, Action.REMIND, None, "", now)
    return True


def _locked(pk: int) -> ApprovalRequest:
    """Return a request that nobody else decides about meanwhile; a run that refers to it is stored all the same."""
    return ApprovalRequest.objects.select_for_update(of=("self",), no_key=True).get(pk=pk)


def _move(request: ApprovalRequest, target: ApprovalStatus) -> None:
    columns = {name: getattr(request, name) for name in ("step", "series", "late", "used", "approved_at")}
    moved = ApprovalRequest.objects.filter(pk=request.pk, version=request.version).update(
        status=target, version=request.version + 1, **columns
    )
    if moved != 1:
        raise Conflict("Somebody decided this request just now. Reload the page to see how it stands.")
    request.status, request.version = target, request.version + 1
