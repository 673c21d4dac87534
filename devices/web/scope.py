"""The customer of a row, and the one chosen in the sidebar, which narrows every list of the session to that tenant and
those below it."""

from typing import TypeVar

from django.contrib.auth.models import User
from django.db.models import Model, QuerySet

from config.lists import Column
from config.requests import Request
from devices import selectors

#: The column of a list that says whose each row is.
TENANT = Column("Customer", lambda row: row.tenant.name, sort="tenant__name")
M = TypeVar("M", bound=Model)


def within(request: Request, rows: QuerySet[M], column: str = "tenant") -> QuerySet[M]:
    """Narrow scoped rows to the chosen customer; a choice that is not visible any more is ignored."""
    key = request.session.get("tenant")
    if not key:
        return rows
    chosen = selectors.visible_tenants(request.user).filter(key=key).first()
    return rows.filter(**{f"{column}__path__startswith": chosen.path}) if chosen else rows


def tenant_filter(user: User) -> list[tuple[int, str]]:
    """Choices of a tenant filter: what the user sees."""
    return [(tenant.pk, tenant.name) for tenant in selectors.visible_tenants(user)]
