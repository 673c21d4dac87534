"""Tenants: the list, a new one, and the settings of one."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse

from config import lists
from config.errors import NotFound
from config.lists import Column, Listing
from config.pages import form_page
from config.requests import Request
from config.ui import pill
from devices import access, selectors
from devices.domain.roles import Verb
from devices.services import tenants
from devices.web.forms import SubTenantForm, TenantSettingsForm
from devices.web.resource import administers, link


def tenant_list(request: Request) -> HttpResponse:
    """The tenants that the user sees."""
    mine = set(access.tenants_where(request.user, Verb.ADMINISTER).values_list("pk", flat=True))
    columns = (
        Column(
            "Name",
            lambda t: link(reverse("edit-tenant", args=[t.pk]), t.name) if t.pk in mine else t.name,
            sort="name",
            css="strong",
        ),
        Column("Key", lambda t: t.key, css="mono", sort="key"),
        Column("Kind", lambda t: t.get_kind_display(), sort="kind"),
        Column("Belongs to", lambda t: t.parent.name if t.parent else "—"),
        Column("State", lambda t: pill("on", "Enabled", "ok") if t.enabled else pill("off", "Off", "idle")),
    )
    new_url = reverse("new-tenant") if administers(request) else ""
    listing = Listing(
        title="Tenants",
        columns=columns,
        search=("name", "key"),
        empty="No tenant yet.",
        order="path",
        new_url=new_url,
        new_label="New tenant",
    )
    return lists.show(request, selectors.visible_tenants(request.user), listing)


def new_tenant(request: Request) -> HttpResponse:
    """Make a tenant below another."""
    parents = access.tenants_where(request.user, Verb.ADMINISTER).order_by("path")
    form = SubTenantForm(request.POST or None, tenants=parents)

    def save() -> str:
        tenants.create_tenant(by=request.user, **form.cleaned_data)
        return "The tenant was made; give its people roles next."

    return form_page(request, form, save, title="New tenant", back="tenants", back_label="Tenants")


def edit_tenant(request: Request, pk: int) -> HttpResponse:
    """Change a tenant's settings."""
    tenant = access.tenants_where(request.user, Verb.ADMINISTER).filter(pk=pk).first()
    if tenant is None:
        raise NotFound("There is no such tenant.")
    initial = {name: getattr(tenant, name) for name in tenants.SETTINGS}
    form = TenantSettingsForm(request.POST or None, initial=initial)

    def save() -> str:
        tenants.change_tenant(by=request.user, tenant=tenant, **form.cleaned_data)
        return f"The settings of {tenant} were saved."

    return form_page(request, form, save, title=f"Settings of {tenant}", back="tenants", back_label="Tenants")
