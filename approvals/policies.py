"""Each tenant's approval policies: find the one that holds, write one, and stand-ins for absent approvers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.contrib.auth.models import User
from django.db import transaction

from approvals import kinds
from approvals.domain import Step
from approvals.models import ApprovalDelegate, ApprovalPolicy
from config.errors import Forbidden, Invalid
from devices import access, selectors
from devices.domain.roles import Verb
from devices.models import Tenant
from devices.services import audit

#: What holds where nobody has set anything.
DEFAULT_STEPS = (Step(1),)
MOST_STEPS = 3
#: Of one step.
MOST_REQUIRED_APPROVALS = 3


def policy_for(tenant: Tenant, kinds: Sequence[str] = ()) -> ApprovalPolicy:
    """Return the policy of the nearest tenant, upwards, that has one for these kinds (specific first) or for
    everything."""
    rows = ApprovalPolicy.objects.filter(tenant__in=selectors.own_and_above(tenant)).select_related("tenant")
    wanted = [*kinds, ""]
    found = [row for row in rows if row.applies_to in wanted]
    if not found:
        return ApprovalPolicy(tenant=tenant, steps=[step.as_json() for step in DEFAULT_STEPS])
    return min(found, key=lambda row: (-len(row.tenant.path), wanted.index(row.applies_to)))


def save_policy(
    *,
    by: User,
    tenant: Tenant,
    steps: Sequence[Step],
    applies_to: str = "",
    expires_after_days: int = 5,
    remind_after_days: int = 2,
    bar_authors: bool = False,
    instance: ApprovalPolicy | None = None,
) -> ApprovalPolicy:
    """Make or change a policy. Open requests keep the steps they were made with."""
    access.check_may(by, Verb.ADMINISTER, tenant)
    if not 1 <= len(steps) <= MOST_STEPS or any(not 1 <= step.required <= MOST_REQUIRED_APPROVALS for step in steps):
        raise Invalid(fields={"steps": ["Give one to three steps with one to three approvals each."]})
    if applies_to not in kinds.words_of(by):
        raise Invalid(fields={"applies_to": ["There is no such job type or service template."]})
    groups = set(access.roles_of(tenant).values_list("group", flat=True))
    if any(step.group is not None and step.group not in groups for step in steps):
        raise Invalid(fields={"steps": ["At least one group does not belong to this customer."]})
    with transaction.atomic():
        row = instance or ApprovalPolicy.objects.filter(tenant=tenant, applies_to=applies_to).first()
        row = row or ApprovalPolicy(tenant=tenant)
        others = ApprovalPolicy.objects.filter(tenant=tenant, applies_to=applies_to).exclude(pk=row.pk)
        if others.exists():
            raise Invalid(fields={"applies_to": ["This customer has a policy for that already; change it."]})
        row.applies_to, row.steps, row.bar_authors = applies_to, [step.as_json() for step in steps], bar_authors
        row.expires_after_days, row.remind_after_days = expires_after_days, remind_after_days
        row.save()
        audit.record(tenant=tenant, by=by, action="approval_policy.saved", subject=str(row), steps=row.steps)
    return row


def delegate(*, by: User, tenant: Tenant, to: User, first: date, last: date) -> ApprovalDelegate:
    """Let somebody of the tenant decide in the caller's place between two dates, both included."""
    if not access.may(by, Verb.APPROVE, tenant):
        raise Forbidden("Only who may approve can be stood in for.")
    if last < first:
        raise Invalid(fields={"last": ["The last day lies before the first."]})
    if to.pk == by.pk or not access.people_of(tenant).filter(pk=to.pk).exists():
        raise Invalid(fields={"delegate": ["Choose another person of this customer."]})
    with transaction.atomic():
        row = ApprovalDelegate.objects.create(tenant=tenant, person=by, delegate=to, first=first, last=last)
        audit.record(tenant=tenant, by=by, action="approval.delegated", subject=str(row))
    return row


def end_delegation(*, by: User, row: ApprovalDelegate) -> None:
    """Take it back."""
    if row.person_id != by.pk:
        access.check_may(by, Verb.ADMINISTER, row.tenant)
    with transaction.atomic():
        audit.record(tenant=row.tenant, by=by, action="approval.delegation_ended", subject=str(row))
        row.delete()
