"""Devices: the list, and the page of one with its stored configurations."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from config import lists
from config.lists import Column, Filter, Listing
from config.requests import Request
from config.ui import pill
from devices import access, selectors
from devices.domain.endpoints import spelled
from devices.domain.roles import Verb
from devices.drivers import platforms
from devices.models import Device
from devices.services import inventory, jump_hosts
from devices.web.compare import Comparison, comparison
from devices.web.forms import DeviceForm
from devices.web.resource import Resource, link
from devices.web.scope import TENANT, within

#: What of a device its form shows as it is; the tags are rows of their own.
SHOWN = (
    "name",
    "address",
    "platform",
    "network",
    "connect_host",
    "connect_port",
    "credential",
    "jump_host",
    "direct",
    "console",
    "legacy_ssh",
    "protocol",
    "enabled",
)
DEVICES = Resource(
    "devices",
    "device",
    DeviceForm,
    selectors.visible_devices,
    inventory.save_device,
    lambda d: {name: getattr(d, name) for name in SHOWN} | {"tags": list(d.tags.all())},
)


def devices(request: Request) -> HttpResponse:
    """The device list."""
    user = request.user
    tags = [(tag.pk, f"{tag.name} ({tag.tenant.name})") for tag in selectors.visible_tags(user)]
    networks = [(net.pk, f"{net.name} ({net.tenant.name})") for net in selectors.visible_networks(user)]
    columns = (
        Column("Host name", lambda d: link(reverse("device", args=[d.pk]), d.name), sort="name", css="strong"),
        Column("IP address", lambda d: d.address, sort="address", css="mono"),
        Column("Platform", lambda d: platforms.label(d.platform), sort="platform"),
        Column("Network", lambda d: d.network.name, sort="network__name"),
        Column("Asset tags", lambda d: ", ".join(tag.name for tag in d.tags.all()) or "—"),
        TENANT,
        Column(
            "State", lambda d: pill("on", "Enabled", "ok") if d.enabled else pill("off", "Off", "idle"), sort="enabled"
        ),
    )
    filters = (
        Filter("platform", "Platform", platforms.choices(), lists.field("platform")),
        Filter("tag", "Asset tag", tags, lambda rows, value: lists.field("tag", "tags")(rows, value)),
        Filter("network", "Network", networks, lists.field("network")),
    )
    listing = Listing(
        title="Devices",
        columns=columns,
        search=("name", "address"),
        empty="No device yet. Add the first one.",
        filters=filters,
        order="name",
        **DEVICES.new_button(request),
    )
    return lists.show(request, within(request, selectors.visible_devices(user)), listing)


def device(request: Request, pk: UUID) -> HttpResponse:
    """One device: facts, snapshots, a comparison of two of them."""
    found = access.get_visible(request.user, selectors.visible_devices(request.user), pk=pk)
    snapshots = list(selectors.visible_snapshots(request.user, found)[:30])
    context = {
        "device": found,
        "platform": platforms.label(found.platform),
        "snapshots": snapshots,
        "place": spelled(*found.endpoint),
        "way": jump_hosts.way_to(found),
        "same_key": selectors.with_same_key(request.user, found),
        "may_administer": access.may(request.user, Verb.ADMINISTER, found.tenant),
        "diff": _compare(request, found),
    }
    return render(request, "devices/device.html", context)


def _compare(request: Request, found: Device) -> Comparison | None:
    if "a" not in request.GET or "b" not in request.GET:
        return None
    rows = selectors.visible_snapshots(request.user, found)
    old, new = (access.get_visible(request.user, rows, pk=request.GET[key]) for key in ("a", "b"))
    return comparison(request, old, new, found.platform)


@require_POST
def forget_key(request: Request, pk: UUID) -> HttpResponse:
    """Unpin a device's host key."""
    found = access.get_visible(request.user, selectors.visible_devices(request.user), pk=pk)
    inventory.forget_host_key(by=request.user, device=found)
    messages.success(request, "The host key was forgotten; the next contact pins what the device shows then.")
    return redirect("device", pk=pk)
