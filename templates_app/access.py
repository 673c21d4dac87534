"""What a user may do with templates."""

from __future__ import annotations

from django.contrib.auth.models import User

from devices import access
from devices.domain.roles import Verb
from devices.models import Tenant


def check_may_author(user: User, tenant: Tenant) -> None:
    """Raise unless the user may write templates in the tenant."""
    access.check_may(user, Verb.AUTHOR, tenant)


def may_author(user: User, tenant: Tenant) -> bool:
    """Say whether the user may write templates in the tenant."""
    return access.may(user, Verb.AUTHOR, tenant)


def may_author_anywhere(user: User) -> bool:
    """Say whether the user may write templates in any tenant."""
    return access.tenants_where(user, Verb.AUTHOR).exists()
