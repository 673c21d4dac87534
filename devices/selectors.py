"""Tenant-scoped reads of the inventory; every list, picker and filter of every face starts here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.contrib.auth.models import User
from django.db.models import Count, Model, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from devices import access
from devices.domain.selection import DeviceSearch, DeviceSelection, SelectionMode
from devices.models import (
    Agent,
    ApiToken,
    AssetTag,
    AuditEvent,
    ConfigSnapshot,
    Credential,
    Device,
    DeviceTag,
    JumpHost,
    Network,
    Notice,
    OutboxMessage,
    Sighting,
    Tenant,
    Worker,
)
from devices.models.agents import SILENT_AFTER
from devices.models.tenants import TenantOwned

T = TypeVar("T", bound=TenantOwned)


def visible_tenants(user: access.Viewer) -> QuerySet[Tenant]:
    """Tenants the user sees, parents first."""
    return access.scoped(user, Tenant.objects.select_related("parent")).order_by("path")


def visible_devices(user: access.Viewer) -> QuerySet[Device]:
    """Devices the user sees, with what a list shows."""
    rows = Device.objects.select_related("tenant", "network__jump_host", "credential", "jump_host")
    return access.scoped(user, rows).prefetch_related("tags")


@dataclass(frozen=True, slots=True)
class SameKey:
    """Who else showed a device's host key: under its name, so that they count as one box, and under another one.

    Devices that the viewer does not see are not named: `hidden` says that there are some.
    """

    one_box: list[Device]
    others: list[Device]
    hidden: bool

    @property
    def found(self) -> bool:
        """Say whether there is anybody."""
        return bool(self.one_box or self.others or self.hidden)


def with_same_key(user: access.Viewer, device: Device) -> SameKey:
    """Return what else showed the host key of a device when it last accepted a login; at most fifty each."""
    if not device.host_key:
        return SameKey([], [], hidden=False)
    rows = Sighting.objects.filter(host_key=device.host_key).exclude(device=device)
    visible = rows.filter(device__in=access.scoped(user, Device.objects.all()))
    mine = Sighting.objects.filter(device=device, host_key=device.host_key).values_list("called", flat=True).first()
    named = visible.select_related("device__tenant").order_by("device__name")
    one_box, others = named.filter(called=mine), named.exclude(called=mine) if mine is not None else named
    hidden = rows.exclude(pk__in=visible.values("pk")).exists()
    return SameKey([row.device for row in one_box[:50]], [row.device for row in others[:50]], hidden)


def how_many(rows: QuerySet[Model], column: str) -> Coalesce:
    """Count rows that belong to an outer row by `column`: only for the rows of the page that is shown."""
    counted = rows.order_by().values(column).annotate(n=Count("*")).values("n")
    return Coalesce(Subquery(counted), 0)


def visible_networks(user: access.Viewer) -> QuerySet[Network]:
    """Networks the user sees, with their number of devices."""
    return access.scoped(user, Network.objects.select_related("tenant", "jump_host")).annotate(
        device_count=how_many(Device.objects.filter(network=OuterRef("pk")), "network")
    )


def visible_jump_hosts(user: access.Viewer) -> QuerySet[JumpHost]:
    """Jump hosts the user sees, with the number of networks and devices that name them."""
    rows = JumpHost.objects.select_related("tenant", "credential", "through")
    return access.scoped(user, rows).annotate(
        network_count=how_many(Network.objects.filter(jump_host=OuterRef("pk")), "jump_host"),
        device_count=how_many(Device.objects.filter(jump_host=OuterRef("pk")), "jump_host"),
    )


def visible_tags(user: access.Viewer) -> QuerySet[AssetTag]:
    """Asset tags the user sees, with their number of devices."""
    return access.scoped(user, AssetTag.objects.select_related("tenant")).annotate(
        device_count=how_many(DeviceTag.objects.filter(tag=OuterRef("pk")), "tag")
    )


def visible_agents(user: access.Viewer) -> QuerySet[Agent]:
    """Agents the user sees."""
    return access.scoped(user, Agent.objects.select_related("tenant"))


def visible_credentials(user: access.Viewer) -> QuerySet[Credential]:
    """Named credentials the user sees; accounts typed into a job are in no list."""
    return access.scoped(user, Credential.objects.select_related("tenant").exclude(name="")).annotate(
        device_count=how_many(Device.objects.filter(credential=OuterRef("pk")), "credential")
    )


def visible_snapshots(user: access.Viewer, device: Device) -> QuerySet[ConfigSnapshot]:
    """Snapshots of one device that the user sees, newest first, without their content."""
    return access.scoped(user, ConfigSnapshot.objects.filter(device=device)).defer("content_sealed")


def all_tenants(keys: Collection[str]) -> list[Tenant]:
    """Return the tenants of these keys, or all: for commands of whoever runs the installation."""
    rows = Tenant.objects.order_by("path")
    return list(rows.filter(key__in=keys) if keys else rows)


def visible_audit(user: access.Viewer) -> QuerySet[AuditEvent]:
    """Audit events of the tenants that the user administers."""
    return access.scoped(user, AuditEvent.objects.select_related("tenant"), access.Verb.ADMINISTER)


def visible_receivers(user: access.Viewer, model: type[T]) -> QuerySet[T]:
    """Receivers of a notification channel (their table), of the tenants that the user administers."""
    return access.scoped(user, model._default_manager.select_related("tenant"), access.Verb.ADMINISTER)


def visible_messages(user: access.Viewer) -> QuerySet[OutboxMessage]:
    """What was sent, or is to be, for the tenants that the user administers."""
    return access.scoped(user, OutboxMessage.objects.select_related("tenant"), access.Verb.ADMINISTER)


def all_visible_snapshots(user: access.Viewer) -> QuerySet[ConfigSnapshot]:
    """Stored configurations of every device the user sees, the newest first."""
    rows = ConfigSnapshot.objects.select_related("device", "same_as").order_by("-pk")
    return access.scoped(user, rows)


def notices_of(user: User) -> QuerySet[Notice]:
    """The user's own notices, newest first."""
    return Notice.objects.filter(recipient=user)


def visible_notices(user: User) -> QuerySet[Notice]:
    """The user's own notices of tenants that he sees, as far as his token reaches."""
    return access.scoped(user, notices_of(user))


def tokens_of(user: User) -> QuerySet[ApiToken]:
    """The user's own API tokens."""
    return ApiToken.objects.filter(user=user).select_related("tenant")


def serving(now: datetime) -> dict[str, list[Worker]]:
    """Return the living workers by the queues that they serve."""
    found: dict[str, list[Worker]] = {}
    for worker in Worker.objects.filter(ended_at=None, beat_at__gt=now - SILENT_AFTER).order_by("pk")[:1000]:
        for queue in worker.queues:
            found.setdefault(queue, []).append(worker)
    return found


def agents_by_queue(queues: list[str]) -> dict[str, Agent]:
    """Return the agents that have these queues."""
    return {agent.queue: agent for agent in Agent.objects.filter(queue__in=queues)}


def agents_for(tenant: Tenant) -> QuerySet[Agent]:
    """Agents that may run a job of the tenant: its own and those of the tenants above it."""
    return Agent.objects.filter(tenant__in=own_and_above(tenant))


def devices_under(tenant: Tenant, platforms: list[str] | tuple[str, ...] = ()) -> QuerySet[Device]:
    """Enabled devices of a tenant and of those below it, on the given platforms (none given: any)."""
    rows = Device.objects.filter(tenant__path__startswith=tenant.path, enabled=True)
    return rows.filter(platform__in=platforms) if platforms else rows


def choices_for(user: User, tenant: Tenant, platforms: list[str] | tuple[str, ...] = ()) -> QuerySet[Device]:
    """Devices that the user may put into a job of the tenant (I-34: customer, vendor/OS, user visibility)."""
    return access.scoped(user, devices_under(tenant, platforms))


def selected(rows: QuerySet[Device], selection: DeviceSelection) -> QuerySet[Device]:
    """Narrow `rows` to what a selection means at this moment, ordered by name."""
    if selection.mode is SelectionMode.ALL:
        return rows.order_by("name")
    if selection.mode is SelectionMode.SEARCH:
        return searched(rows, selection.search).order_by("name")
    picked = Q(pk__in=selection.devices)
    if selection.tags:
        picked |= Q(pk__in=Device.objects.filter(tags__in=selection.tags).values("pk"))
    return rows.filter(picked).order_by("name")


def searched(rows: QuerySet[Device], search: DeviceSearch) -> QuerySet[Device]:
    """Narrow devices to those that meet every criterion given."""
    if search.text:
        rows = rows.filter(Q(name__icontains=search.text) | Q(address__icontains=search.text))
    if search.networks:
        rows = rows.filter(network__in=search.networks)
    if search.platforms:
        rows = rows.filter(platform__in=search.platforms)
    if search.tags:
        rows = rows.filter(pk__in=Device.objects.filter(tags__in=search.tags).values("pk"))
    return rows


def own_and_above(tenant: Tenant) -> list[int]:
    """Return the ids of a tenant and of those above it, from the root."""
    return [int(part) for part in tenant.path.strip("/").split("/") if part]
