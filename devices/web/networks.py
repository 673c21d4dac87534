"""Networks and asset tags: their lists and forms."""

from __future__ import annotations

from django.http import HttpResponse

from config import lists
from config.lists import Column, Listing
from config.requests import Request
from devices import selectors
from devices.services import inventory
from devices.web.forms import NetworkForm, TagForm
from devices.web.resource import Resource
from devices.web.scope import TENANT, within

NETWORKS = Resource(
    "networks",
    "network",
    NetworkForm,
    selectors.visible_networks,
    inventory.save_network,
    lambda n: {"name": n.name, "description": n.description, "jump_host": n.jump_host},
)
TAGS = Resource("tags", "asset tag", TagForm, selectors.visible_tags, inventory.save_tag, lambda t: {"name": t.name})


def networks(request: Request) -> HttpResponse:
    """The network list."""
    columns = (
        Column("Name", NETWORKS.link, sort="name", css="strong"),
        Column("Description", lambda n: n.description or "—"),
        Column("Jump host", lambda n: n.jump_host or "—", sort="jump_host__name"),
        TENANT,
        Column("Devices", lambda n: n.device_count, num=True, sort="device_count"),
    )
    listing = Listing(
        title="Networks",
        columns=columns,
        search=("name", "description"),
        empty="No network yet.",
        order="name",
        **NETWORKS.new_button(request),
        intro="A network is a managed address space: one IP address is unique in it.",
    )
    return lists.show(request, within(request, selectors.visible_networks(request.user)), listing)


def tags(request: Request) -> HttpResponse:
    """The asset tag list."""
    columns = (
        Column("Name", TAGS.link, sort="name", css="strong"),
        TENANT,
        Column("Devices", lambda t: t.device_count, num=True, sort="device_count"),
    )
    listing = Listing(
        title="Asset Tags",
        columns=columns,
        search=("name",),
        empty="No asset tag yet.",
        order="name",
        **TAGS.new_button(request),
        intro="Asset tags group devices, so that a job can be for all of a kind.",
    )
    return lists.show(request, within(request, selectors.visible_tags(request.user)), listing)
