"""Make tenants and give people roles in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Unpack

from django.contrib.auth.models import User
from django.db import transaction

from config.errors import Invalid
from devices import access
from devices.domain.roles import ROLES, Verb
from devices.models import Role, Tenant
from devices.services import audit
from devices.services.values import TenantSettings

#: What of a tenant is changed afterwards.
SETTINGS = frozenset(TenantSettings.__annotations__)


def create_tenant(
    *,
    by: User | None,
    key: str,
    name: str,
    kind: str = "customer",
    parent: Tenant | None = None,
    time_zone: str = "UTC",
    max_parallel: int | None = None,
    allow_telnet: bool = False,
) -> Tenant:
    """Make a tenant with its roles. Below a parent it needs administration there; a root needs a superuser."""
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
        for role_key, role in ROLES.items():
            access.make_role(tenant, role_key, role.name, role.verbs)
        audit.record(tenant=tenant, by=by, action="tenant.created", subject=name)
    return tenant


def change_tenant(*, by: User, tenant: Tenant, **values: Unpack[TenantSettings]) -> Tenant:
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


def give_role(*, by: User | None, user: User, tenant: Tenant, role: str) -> None:
    """Put a user into a role (its key) of a tenant; the giver must hold every right that the role carries."""
    group = access.role_group(tenant, role)
    if by is not None:
        access.check_may(by, Verb.ADMINISTER, tenant)
        for verb in access.verbs_of(group, tenant) - {Verb.APPROVE}:
            access.check_may(by, verb, tenant)
    with transaction.atomic():
        user.groups.add(group)
        audit.record(tenant=tenant, by=by, action="role.given", subject=user.get_username(), role=role)


def record_roles(*, by: User, person: User, given: Iterable[int], taken: Iterable[int]) -> None:
    """Write to the tenants' audit trails which roles somebody was given or lost with these groups (ids)."""
    audit.record_all(
        [
            audit.Entry(role.tenant, by, action, person.get_username(), {"role": role.key})
            for action, groups in (("role.given", given), ("role.taken", taken))
            for role in Role.objects.filter(group__in=groups).select_related("tenant").order_by("tenant_id", "key")
        ]
    )
