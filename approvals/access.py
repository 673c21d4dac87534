"""Who may approve, and who may run without approval."""

from __future__ import annotations

from django.contrib.auth.models import User

from devices import access
from devices.domain.roles import Verb
from devices.models import Tenant


def check_may_approve(user: User, tenant: Tenant) -> None:
    """Raise unless the user may approve in the tenant."""
    access.check_may(user, Verb.APPROVE, tenant)


def may_approve(user: User, tenant: Tenant) -> bool:
    """Say whether the user may approve in the tenant."""
    return access.may(user, Verb.APPROVE, tenant)


def may_bypass(user: User, tenant: Tenant) -> bool:
    """Say whether the user may run a change without approval. Being an approver does not imply it (X-36)."""
    return access.may(user, Verb.BYPASS, tenant)
