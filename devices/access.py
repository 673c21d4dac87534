"""Who may see and do what. The only door to django-guardian; every face and service asks here.

What a user may not see does not exist for him (NotFound); what he sees but may not do is Forbidden.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, count
from typing import TypeVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, Group, User
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from guardian.shortcuts import assign_perm, get_objects_for_user, get_perms

from config.errors import Forbidden, NotFound
from devices.domain.roles import VERB_LABELS, Verb
from devices.models import DemoAccount, Role, Tenant

M = TypeVar("M", bound=Model)
#: Whoever looks. Django's admin asks before it knows that somebody is signed in, and so does a reference of the API
#: while its document is made; nobody else does.
Viewer = User | AnonymousUser


def is_in_use(user: Viewer) -> bool:
    """Say whether anybody may be this user: it is active, and not one that the demo made, unless this is the demo.

    The one rule for signing in, sessions, tokens and rights.
    """
    if not user.is_active or settings.DEMO:
        return user.is_active
    marked = user.__dict__
    if "_of_demo" not in marked:
        marked["_of_demo"] = DemoAccount.objects.filter(user=user.pk).exists()
    return not marked["_of_demo"]


def in_use(people: QuerySet[User]) -> QuerySet[User]:
    """Return those of some people whom anybody may be (`is_in_use`)."""
    active = people.filter(is_active=True)
    return active if settings.DEMO else active.filter(demo=None)


def tenants_where(user: Viewer, verb: Verb) -> QuerySet[Tenant]:
    """Return the tenants on which the user holds the right, those below them included. Nobody for an inactive user."""
    return Tenant.objects.filter(pk__in=_held(user, verb))


def _held(user: Viewer, verb: Verb) -> list[int]:
    """Return the ids of the tenants on which the user holds the right, found once for each user object."""
    if not user.is_authenticated or not is_in_use(user):
        return []
    cache = user.__dict__.setdefault("_tenant_ids", {})
    if verb not in cache:
        cache[verb] = _tenant_ids(user, verb)
    return list(cache[verb])


def limit(user: User, tenant: Tenant | None, verbs: Iterable[str]) -> None:
    """Take rights away from a user object for as long as it lives: keep those on `tenant` and below, and these verbs.

    None and no verbs mean all. Seeing is always kept.
    """
    kept = frozenset(verbs)
    if tenant is not None or kept:
        user.__dict__["_limits"] = (tenant.path if tenant else "/", kept | {Verb.VIEW} if kept else frozenset(Verb))


def is_limited(user: User) -> bool:
    """Say whether rights were taken away from the user object."""
    return "_limits" in user.__dict__


def _tenant_ids(user: Viewer, verb: Verb) -> list[int]:
    path, verbs = user.__dict__.get("_limits", ("/", frozenset(Verb)))
    if verb not in verbs:
        return []
    found = _all_tenant_ids(user, verb)
    below = Tenant.objects.filter(pk__in=found, path__startswith=path)
    return found if path == "/" else list(below.values_list("pk", flat=True))


def _all_tenant_ids(user: Viewer, verb: Verb) -> list[int]:
    if user.is_superuser:
        return list(Tenant.objects.values_list("pk", flat=True))
    held = get_objects_for_user(user, f"devices.{verb}", Tenant, accept_global_perms=False)
    paths = list(held.values_list("path", flat=True))
    if not paths:
        return []
    below = Q()
    for path in paths:
        below |= Q(path__startswith=path)
    return list(Tenant.objects.filter(below).values_list("pk", flat=True))


def scoped(user: Viewer, rows: QuerySet[M], verb: Verb = Verb.VIEW) -> QuerySet[M]:
    """Narrow rows of a tenant-owned model (or of Tenant itself) to those the user holds the right on."""
    column = "pk" if rows.model is Tenant else "tenant"
    return rows.filter(**{f"{column}__in": _held(user, verb)})


def may(user: Viewer, verb: Verb, tenant: Tenant) -> bool:
    """Say whether the user holds the right on the tenant."""
    return tenant.pk in _held(user, verb)


def check_may(user: Viewer, verb: Verb, tenant: Tenant) -> None:
    """Raise NotFound where the tenant is not even visible, Forbidden where only the right is missing."""
    if may(user, verb, tenant):
        return
    if not may(user, Verb.VIEW, tenant):
        raise NotFound("There is no such tenant.")
    raise Forbidden(
        f"You may not do this in {tenant.name}: it needs the right '{VERB_LABELS[verb]}'. Ask a tenant administrator."
    )


def get_visible(user: Viewer, rows: QuerySet[M], verb: Verb = Verb.VIEW, **lookup: object) -> M:
    """Return the one row the user may see; NotFound with the same words whether it is foreign, absent or no valid
    id."""
    found, is_no_text = None, any("\x00" in str(value) for value in lookup.values())
    try:
        found = None if is_no_text else scoped(user, rows, verb).filter(**lookup).first()
    except (ValueError, ValidationError):
        found = None
    if found is None:
        raise NotFound(f"There is no such {rows.model._meta.verbose_name}.")
    return found


def make_role(tenant: Tenant, key: str, name: str, verbs: Iterable[Verb]) -> Role:
    """Make a role of a tenant, carried by a group of its own that holds exactly these rights there."""
    group = Group.objects.create(name=_free_group_name(f"{tenant.key}: {name}"))
    for verb in verbs:
        assign_perm(f"devices.{verb}", group, tenant)
    return Role.objects.create(tenant=tenant, key=key, name=name, group=group)


def _free_group_name(wanted: str) -> str:
    """Return the name, numbered where a group has it already: taking that group would let its members in."""
    numbered = (f"{wanted} ({number})" for number in count(2))
    return next(name for name in chain([wanted], numbered) if not Group.objects.filter(name=name).exists())


def role_group(tenant: Tenant, key: str) -> Group:
    """Return the group that carries a role of this very tenant; NotFound when it has no such role."""
    group = Group.objects.filter(role__tenant=tenant, role__key=key).first()
    if group is None:
        raise NotFound(f"{tenant.name} has no such role.")
    return group


def verbs_of(group: Group, tenant: Tenant) -> frozenset[Verb]:
    """Return the rights that a group holds on a tenant, which are those of the role that it carries."""
    held = get_perms(group, tenant)
    return frozenset(verb for verb in Verb if verb in held)


def people_of(tenant: Tenant) -> QuerySet[User]:
    """Return the active users who hold a role in this very tenant (not those above it)."""
    return in_use(User.objects.filter(groups__role__tenant=tenant)).distinct().order_by("username")


def roles_of(tenant: Tenant) -> QuerySet[Role]:
    """Return the roles of this very tenant."""
    return Role.objects.filter(tenant=tenant).select_related("tenant")


def role_names(groups: Iterable[int]) -> dict[int, str]:
    """Return what people call the roles that these groups (ids) carry, with their tenants."""
    return {role.group_id: str(role) for role in Role.objects.filter(group__in=groups).select_related("tenant")}


def may_sign_in_to_admin(user: Viewer) -> bool:
    """Say whether the Django admin is open to the user: staff who see at least one tenant."""
    return is_in_use(user) and bool(user.is_staff)
