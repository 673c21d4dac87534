"""The one form page of the inventory: networks, asset tags, agents, credentials, jump hosts, devices."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect

from config.errors import Invalid
from config.pages import form_page
from config.requests import Request
from devices import access
from devices.domain.roles import Verb
from devices.web.agents import AGENTS
from devices.web.credentials import CREDENTIALS
from devices.web.devices import DEVICES
from devices.web.jump_hosts import JUMP_HOSTS
from devices.web.networks import NETWORKS, TAGS
from devices.web.resource import Resource

# Any: each thing has a table of its own.
EACH: tuple[Resource[Any], ...] = (NETWORKS, TAGS, AGENTS, CREDENTIALS, JUMP_HOSTS, DEVICES)
RESOURCES = {resource.name: resource for resource in EACH}


def edit_thing(request: Request, kind: str, pk: str | None = None) -> HttpResponse:
    """Make or change a network, tag, agent, credential, jump host or device."""
    resource = RESOURCES.get(kind)
    if resource is None:
        return redirect("dashboard")
    tenants_of = access.tenants_where(request.user, Verb.ADMINISTER).order_by("path")
    instance = access.get_visible(request.user, resource.rows(request.user), pk=pk) if pk else None
    tenant = instance.tenant if instance else None
    if tenant:
        access.check_may(request.user, Verb.ADMINISTER, tenant)
    elif not tenants_of.exists():
        raise Invalid("You administer no tenant, so there is nothing you could add here.")
    form = resource.form(
        request.POST or None,
        user=request.user,
        tenants=tenants_of,
        tenant=tenant,
        instance=instance,
        initial=resource.initial(instance) if instance else None,
    )

    def save() -> str:
        resource.save(by=request.user, tenant=form.tenant, instance=instance, **form.cleaned_data)
        return f"The {resource.word} '{form.cleaned_data['name']}' was saved."

    title = f"Change {resource.word} {instance}" if instance else f"New {resource.word}"
    return form_page(request, form, save, title=title, back=kind, back_label=kind.title())
