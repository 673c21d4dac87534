"""What a user may do with templates."""

from __future__ import annotations

from typing import Any

from devices import access
from devices.domain.roles import Verb
from devices.models import Tenant


def check_may_author(user: Any, tenant: Tenant) -> None:
    """Raise unless the user may write templates in the tenant."""
    access.check_may(user, Verb.AUTHOR, tenant)


def may_author(user: Any, tenant: Tenant) -> bool:
    """Say whether the user may write templates in the tenant."""
    return access.may(user, Verb.AUTHOR, tenant)


def may_author_anywhere(user: Any) -> bool:
    """Say whether the user may write templates in any tenant."""
    return access.tenants_where(user, Verb.AUTHOR).exists()
