"""Who may decide a request: by right, by group, in somebody's place; and whose votes count now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import QuerySet

from approvals import access
from approvals.domain import VOTES, Action, Step, open_step
from approvals.models import ApprovalDelegate, ApprovalEvent, ApprovalRequest
from approvals.subjects import subjects
from config.errors import Forbidden, NotFound
from devices import access as tenants
from devices.domain.roles import Verb
from devices.models import Tenant


def check_may_take_part(user: User, tenant: Tenant, now: datetime) -> None:
    """Raise unless the user may approve in the tenant, himself or in somebody's place."""
    if not any(access.may_approve(person, tenant) for person in _stood_in_for(user, tenant, now)):
        access.check_may_approve(user, tenant)


def barred(request: ApprovalRequest) -> set[int]:
    """Return who (ids) must not decide: who asked, and who has shaped what is decided about, by then or since."""
    return {*request.barred, *subjects().editors([request.subject_id]).get(request.subject_id, ())}


def mandate(user: User, request: ApprovalRequest, now: datetime) -> User:
    """Return in whose name the user decides the request's open step: himself, or somebody he stands in for."""
    step = request.all_steps[request.step]
    if _counts(user, request, step):
        return user
    out = barred(request)
    for person in _stood_in_for(user, request.tenant, now):
        if person.pk not in out and user.is_active and _counts(person, request, step):
            return person
    if access.may_approve(user, request.tenant):
        raise Forbidden("This step is for another group to decide. You can comment.")
    access.check_may_approve(user, request.tenant)
    raise Forbidden("You may not decide this request.")


def may_decide(user: User, request: ApprovalRequest, now: datetime) -> bool:
    """Say whether the user may vote on the open step now."""
    out = barred(request)
    if user.pk in out or request.events.filter(actor=user, action__in=VOTES).exists():
        return False
    try:
        return mandate(user, request, now).pk not in out
    except (Forbidden, NotFound):
        return False


@dataclass(frozen=True, slots=True)
class Mandate:
    """In whose name a user may decide: of which tenants (ids) that person may approve, in which groups (ids) he is."""

    person: int
    tenants: frozenset[int]
    groups: frozenset[int]

    def covers(self, tenant: int, out: Iterable[int], group: int | None) -> bool:
        """Say whether a step for a group (None: everyone) of a request in the tenant can be decided by it."""
        return self.person not in out and tenant in self.tenants and (group is None or group in self.groups)


def mandates(user: User, now: datetime) -> list[Mandate]:
    """Return all mandates of a user: his own, and of those he stands in for."""
    today = now.date()
    rows = ApprovalDelegate.objects.filter(delegate=user, first__lte=today, last__gte=today).select_related("person")
    pairs: list[tuple[User, int | None]] = [(user, None), *((row.person, row.tenant_id) for row in rows)]
    found = []
    for person, only in pairs:
        covered = set(tenants.tenants_where(person, Verb.APPROVE).values_list("pk", flat=True))
        covered &= covered if only is None else {only}
        if covered:
            groups = frozenset(person.groups.values_list("pk", flat=True))
            found.append(Mandate(person.pk, frozenset(covered), groups))
    return found


def progress(request: ApprovalRequest) -> tuple[int, bool]:
    """Return the open step and whether all are done, counting only votes whose people may still approve."""
    steps = request.all_steps
    votes: list[tuple[int, int]] = []
    eligible: dict[int, set[int]] = {number: set() for number in range(len(steps))}
    rows = request.events.filter(action=Action.APPROVE).select_related("actor", "on_behalf_of")
    out = barred(request)
    for event in rows:
        person = _principal(event)
        votes.append((event.step, person.pk))
        if event.step < len(steps) and _still_counts(event, request, steps[event.step], out):
            eligible[event.step].add(person.pk)
    found = open_step(steps, votes, eligible)
    return (len(steps) - 1, True) if found is None else (found, False)


def of(request: ApprovalRequest, now: datetime) -> list[User]:
    """Return the people who may decide the open step."""
    people = tenants.people_of(request.tenant).filter(is_active=True).exclude(pk__in=barred(request))
    return [person for person in people if may_decide(person, request, now)]


def concerned(request: ApprovalRequest) -> QuerySet[User]:
    """Return the requester, the people the job tells, and who has spoken."""
    spoke = set(request.events.exclude(actor=None).values_list("actor_id", flat=True))
    wanted = {request.requested_by_id, *request.notify, *spoke}
    return tenants.in_use(User.objects.filter(pk__in=wanted)).filter(
        pk__in=tenants.people_of(request.tenant).values("pk")
    )


def _principal(event: ApprovalEvent) -> User:
    """Return in whose name a vote was cast; every vote is somebody's."""
    person = event.on_behalf_of or event.actor
    assert person is not None
    return person


def _still_counts(event: ApprovalEvent, request: ApprovalRequest, step: Step, out: set[int]) -> bool:
    actor, person = event.actor, _principal(event)
    if actor is None or not tenants.is_in_use(actor) or actor.pk in out or person.pk in out:
        return False
    if person.pk != actor.pk and person not in _stood_in_for(actor, request.tenant, event.at):
        return False
    return _counts(person, request, step)


def _counts(person: User, request: ApprovalRequest, step: Step) -> bool:
    if not person.is_active or not access.may_approve(person, request.tenant):
        return False
    return step.group is None or person.groups.filter(pk=step.group).exists()


def _stood_in_for(user: User, tenant: Tenant, now: datetime) -> list[User]:
    rows = ApprovalDelegate.objects.filter(tenant=tenant, delegate=user, first__lte=now.date(), last__gte=now.date())
    return [row.person for row in rows.select_related("person")]
