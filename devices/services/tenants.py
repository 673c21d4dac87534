"""Make tenants and give people roles in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from config.errors import Invalid
from devices import access
from devices.domain.roles import ROLES, Verb
from devices.models import Tenant
from devices.services import audit

#: What of a tenant is changed afterwards.
SETTINGS = frozenset({"name", "time_zone", "max_parallel", "allow_telnet"})


def create_tenant(
    *,
    by: Any,
    key: str,
    name: str,
    kind: str = "customer",
    parent: Tenant | None = None,
    time_zone: str = "UTC",
    max_parallel: int | None = None,
    allow_telnet: bool = False,
) -> Tenant:
    """Make a tenant with its role groups. Below a parent it needs administration there; a root needs a superuser."""
    if by is not None:
        if parent is None and (not by.is_superuser or access.is_limited(by)):
            raise Invalid(fields={"parent": ["Choose the tenant that it belongs to."]})
        if parent is not None:
            access.check_may(by, Verb.ADMINISTER, parent)
    if Tenant.objects.filter(key=key).exists():
        raise Invalid(fields={"key": [f"The key '{key}' is taken; choose another."]})
    with transaction.atomic():
        tenant = Tenant(
            key=key,
            name=name,
            kind=kind,
            parent=parent,
            path=f"new:{key}",
            time_zone=time_zone,
            max_parallel=max_parallel,
            allow_telnet=allow_telnet,
        )
        tenant.save()
        tenant.path = f"{parent.path if parent else '/'}{tenant.pk}/"
        Tenant.objects.filter(pk=tenant.pk).update(path=tenant.path)
        for role in ROLES:
            access.role_group(tenant, role)
        audit.record(tenant=tenant, by=by, action="tenant.created", subject=name)
    return tenant


def change_tenant(*, by: Any, tenant: Tenant, **values: Any) -> Tenant:
    """Change a tenant's settings: `name`, `time_zone`, `max_parallel`, `allow_telnet`."""
    access.check_may(by, Verb.ADMINISTER, tenant)
    unknown = values.keys() - SETTINGS
    if unknown:
        raise Invalid(fields={name: ["This stays as it is."] for name in unknown})
    with transaction.atomic():
        row = Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
        changed = {name: value for name, value in values.items() if getattr(row, name) != value}
        for name, value in changed.items():
            setattr(row, name, value)
        row.save(update_fields=list(changed))
        audit.record(tenant=row, by=by, action="tenant.changed", subject=row.name, **changed)
    return row


def give_role(*, by: Any, user: User, tenant: Tenant, role: str) -> None:
    """Put a user into a role of a tenant; the giver must hold every right that the role carries."""
    if by is not None:
        access.check_may(by, Verb.ADMINISTER, tenant)
        for verb in ROLES[role] - {Verb.APPROVE}:
            access.check_may(by, verb, tenant)
    with transaction.atomic():
        user.groups.add(access.role_group(tenant, role))
        audit.record(tenant=tenant, by=by, action="role.given", subject=user.get_username(), role=role)


def record_roles(*, by: Any, person: Any, given: Iterable[str], taken: Iterable[str]) -> None:
    """Write to the tenants' audit trails which role groups (`key: role`) somebody was given or lost."""
    for action, names in (("role.given", given), ("role.taken", taken)):
        for name in sorted(names):
            key, found, role = name.partition(": ")
            tenant = Tenant.objects.filter(key=key).first() if found else None
            if tenant:
                audit.record(tenant=tenant, by=by, action=action, subject=person.get_username(), role=role)
