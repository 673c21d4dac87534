"""Jump hosts: their list and form, and what unpins their host keys."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from config import lists
from config.lists import Column, Listing
from config.requests import Request
from devices import access, selectors
from devices.domain.endpoints import spelled
from devices.domain.roles import Verb
from devices.services import jump_hosts
from devices.web.forms import JumpHostForm
from devices.web.resource import Resource, link
from devices.web.scope import TENANT, within

#: So many networks and devices are named on a page.
MOST_NAMED = 50
JUMP_HOSTS = Resource(
    "jump-hosts",
    "jump host",
    JumpHostForm,
    selectors.visible_jump_hosts,
    jump_hosts.save_jump_host,
    lambda j: {name: getattr(j, name) for name in ("name", "host", "port", "credential", "through")},
)


def jump_host_list(request: Request) -> HttpResponse:
    """The jump host list."""
    columns = (
        Column("Name", lambda j: link(reverse("jump-host", args=[j.pk]), j.name), sort="name", css="strong"),
        Column("Connects to", lambda j: spelled(j.host, j.port), css="mono", sort="host"),
        Column("Reached through", lambda j: j.through or "—"),
        Column("Credential", lambda j: j.credential.name),
        TENANT,
        Column("Networks", lambda j: j.network_count, num=True),
        Column("Devices", lambda j: j.device_count, num=True),
    )
    listing = Listing(
        title="Jump Hosts",
        columns=columns,
        search=("name", "host"),
        empty="No jump host yet.",
        order="name",
        **JUMP_HOSTS.new_button(request),
        intro="A jump host is an SSH server from which devices are reached that cannot be reached from here. A network "
        "names one for all its devices, and a device may name its own.",
    )
    return lists.show(request, within(request, selectors.visible_jump_hosts(request.user)), listing)


def jump_host(request: Request, pk: UUID) -> HttpResponse:
    """One jump host: where it is, its pinned host key, and what is reached over it."""
    found = access.get_visible(request.user, selectors.visible_jump_hosts(request.user), pk=pk)
    context = {
        "jump_host": found,
        "place": spelled(found.host, found.port),
        "networks": selectors.visible_networks(request.user).filter(jump_host=found)[:MOST_NAMED],
        "devices": selectors.visible_devices(request.user).filter(jump_host=found)[:MOST_NAMED],
        "may_administer": access.may(request.user, Verb.ADMINISTER, found.tenant),
    }
    return render(request, "devices/jump_host.html", context)


@require_POST
def forget_key(request: Request, pk: UUID) -> HttpResponse:
    """Unpin a jump host's host key."""
    found = access.get_visible(request.user, selectors.visible_jump_hosts(request.user), pk=pk)
    jump_hosts.forget_host_key(by=request.user, jump_host=found)
    messages.success(request, "The host key was forgotten; the next contact pins what the jump host shows then.")
    return redirect("jump-host", pk=pk)
