"""Tenant-scoped reads of approval requests, policies and delegations."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils import timezone

from approvals import deciders
from approvals.domain import VOTES, Action, ApprovalStatus
from approvals.models import ApprovalDelegate, ApprovalEvent, ApprovalPolicy, ApprovalRequest
from approvals.subjects import subjects
from devices import access
from devices.domain.roles import Verb
from devices.models import Tenant


def visible_requests(user: User) -> QuerySet[ApprovalRequest]:
    """Requests of tenants the user sees, about things that he may see."""
    rows = ApprovalRequest.objects.select_related("tenant", "requested_by").defer("content_z")
    return subjects().shown(user, access.scoped(user, rows))


def waiting_for(user: User) -> QuerySet[ApprovalRequest]:
    """Open requests whose open step the user may decide now: not his own, not edited by him, not yet voted on by him.

    Asked for on every page, so the number of queries does not grow with the requests.
    """
    now = timezone.now()
    mandates = deciders.mandates(user, now)
    voted = ApprovalEvent.objects.filter(actor=user, action__in=VOTES).values("request")
    rows = access.scoped(user, ApprovalRequest.objects.filter(status=ApprovalStatus.REQUESTED))
    rows = rows.exclude(requested_by=user).exclude(pk__in=voted).exclude(expires_at__lte=now)
    found = list(rows.values_list("pk", "subject_id", "tenant_id", "barred", "steps", "step")) if mandates else []
    editors = subjects().editors({row[1] for row in found}) if found else {}
    mine = []
    for pk, subject, tenant, barred, steps, step in found:
        out = {*barred, *editors.get(subject, ())}
        if user.pk not in out and any(m.covers(tenant, out, steps[step]["group"]) for m in mandates):
            mine.append(pk)
    return ApprovalRequest.objects.filter(pk__in=mine).select_related("tenant", "requested_by").defer("content_z")


def log_of(request: ApprovalRequest) -> QuerySet[ApprovalEvent]:
    """The request's events, oldest first."""
    return request.events.select_related("actor")


def requests_about(user: User, subject: int | None) -> QuerySet[ApprovalRequest]:
    """All requests about a subject (id) that the user sees, the newest first; none where there is no subject yet."""
    return visible_requests(user).filter(subject=subject).select_related("previous").order_by("-pk")


def others_of(request: ApprovalRequest) -> QuerySet[ApprovalRequest]:
    """The other requests about the same subject, the newest first."""
    rows = ApprovalRequest.objects.filter(subject=request.subject_id).exclude(pk=request.pk)
    return rows.defer("content_z").order_by("-pk")


def steps_of(request: ApprovalRequest) -> list[dict[str, object]]:
    """Each step of a request with the name of its group's role, how many it needs and who has approved it."""
    names = access.role_names([step.group for step in request.all_steps if step.group])
    votes = request.events.filter(action=Action.APPROVE).select_related("actor", "on_behalf_of")
    return [
        {
            "number": n + 1,
            "required": step.required,
            "group": names.get(step.group or 0, "everyone who may approve"),
            "by": [f"{v.actor} for {v.on_behalf_of}" if v.on_behalf_of else str(v.actor) for v in votes if v.step == n],
            "open": request.status == ApprovalStatus.REQUESTED and request.step == n,
        }
        for n, step in enumerate(request.all_steps)
    ]


def visible_policies(user: User) -> QuerySet[ApprovalPolicy]:
    """Policies of tenants the user sees."""
    return access.scoped(user, ApprovalPolicy.objects.select_related("tenant"))


def visible_delegations(user: User) -> QuerySet[ApprovalDelegate]:
    """Delegations in tenants the user sees, past ones too."""
    return access.scoped(user, ApprovalDelegate.objects.select_related("tenant"))


def delegations_of(user: User) -> tuple[QuerySet[ApprovalDelegate], QuerySet[ApprovalDelegate]]:
    """Return who stands in for the user and whom he stands in for, today or later."""
    rows = ApprovalDelegate.objects.select_related("person", "delegate", "tenant")
    rows = rows.filter(last__gte=timezone.now().date())
    return rows.filter(person=user), rows.filter(delegate=user)


def approving_tenants(user: User) -> QuerySet[Tenant]:
    """The tenants in which the user may approve."""
    return access.tenants_where(user, Verb.APPROVE).order_by("path")


def deciding_tenants(user: access.Viewer) -> QuerySet[Tenant]:
    """The tenants in which the user may approve, himself or today in somebody's place."""
    stands_in = ApprovalDelegate.objects.none()
    if isinstance(user, User):
        today = timezone.now().date()
        stands_in = ApprovalDelegate.objects.filter(delegate=user, first__lte=today, last__gte=today)
    own = access.tenants_where(user, Verb.APPROVE)
    return Tenant.objects.filter(Q(pk__in=own.values("pk")) | Q(pk__in=stands_in.values("tenant")))


def possible_delegates(user: User) -> QuerySet[User]:
    """The people who can be named to decide in the user's place: all others of the tenants in which he may approve."""
    people = {person.pk for owner in approving_tenants(user) for person in access.people_of(owner)} - {user.pk}
    return User.objects.filter(pk__in=people).order_by("username")
