"""Pages of the inventory: lists, the device's own page, and the forms behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_POST

from config import env, lists
from config.errors import Invalid, NotFound
from config.lists import Column, Filter, Listing
from config.ui import ago, pill
from devices import access, selectors
from devices.domain import platforms
from devices.domain.roles import Verb
from devices.services import inventory, tenants
from devices.web import forms
from devices.web.compare import Comparison, comparison
from devices.web.scope import tenant_filter, within

TENANT = Column("Customer", lambda row: row.tenant.name, sort="tenant__name")


@dataclass(frozen=True)
class Resource:
    """One kind of thing with a list and a form."""

    name: str
    form: type[forms.TenantForm]
    rows: Callable[[Any], Any]
    save: Callable[..., Any]
    initial: Callable[[Any], dict[str, Any]]
    word: str


RESOURCES = {
    resource.name: resource
    for resource in (
        Resource(
            "networks",
            forms.NetworkForm,
            selectors.visible_networks,
            inventory.save_network,
            lambda n: {"name": n.name, "description": n.description},
            "network",
        ),
        Resource(
            "tags", forms.TagForm, selectors.visible_tags, inventory.save_tag, lambda t: {"name": t.name}, "asset tag"
        ),
        Resource(
            "agents",
            forms.AgentForm,
            selectors.visible_agents,
            inventory.save_agent,
            lambda a: {"name": a.name, "draining": a.draining, "max_parallel": a.max_parallel},
            "agent",
        ),
        Resource(
            "credentials",
            forms.CredentialForm,
            selectors.visible_credentials,
            inventory.save_credential,
            lambda c: {"name": c.name, "username": c.username, "is_default": c.is_default},
            "credential",
        ),
        Resource(
            "devices",
            forms.DeviceForm,
            selectors.visible_devices,
            inventory.save_device,
            lambda d: (
                {
                    name: getattr(d, name)
                    for name in (
                        "name",
                        "address",
                        "platform",
                        "network",
                        "connect_host",
                        "connect_port",
                        "credential",
                        "legacy_ssh",
                        "protocol",
                        "enabled",
                    )
                }
                | {"tags": list(d.tags.all())}
            ),
            "device",
        ),
    )
}


def devices(request: HttpRequest) -> HttpResponse:
    """The device list."""
    user = request.user
    tags = [(tag.pk, f"{tag.name} ({tag.tenant.name})") for tag in selectors.visible_tags(user)]
    networks = [(net.pk, f"{net.name} ({net.tenant.name})") for net in selectors.visible_networks(user)]
    columns = (
        Column("Host name", lambda d: _link("device", d.pk, d.name), sort="name", css="strong"),
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
        Filter("platform", "Platform", list(platforms.CHOICES), lists.field("platform")),
        Filter("tag", "Asset tag", tags, lambda rows, value: lists.field("tag", "tags")(rows, value)),
        Filter("network", "Network", networks, lists.field("network")),
    )
    listing = Listing(
        "Devices",
        columns,
        ("name", "address"),
        "No device yet. Add the first one.",
        filters,
        order="name",
        **_new(request, "devices"),
    )
    return lists.show(request, within(request, selectors.visible_devices(user)), listing)


def device(request: HttpRequest, pk: Any) -> HttpResponse:
    """One device: facts, snapshots, a comparison of two of them."""
    found = access.get_visible(request.user, selectors.visible_devices(request.user), pk=pk)
    snapshots = list(selectors.visible_snapshots(request.user, found)[:30])
    context = {
        "device": found,
        "platform": platforms.label(found.platform),
        "snapshots": snapshots,
        "may_administer": access.may(request.user, Verb.ADMINISTER, found.tenant),
        "diff": _compare(request, found),
    }
    return render(request, "devices/device.html", context)


def _compare(request: HttpRequest, found: Any) -> Comparison | None:
    if "a" not in request.GET or "b" not in request.GET:
        return None
    rows = selectors.visible_snapshots(request.user, found)
    old, new = (access.get_visible(request.user, rows, pk=request.GET[key]) for key in ("a", "b"))
    return comparison(request, old.content, new.content, found.platform)


def networks(request: HttpRequest) -> HttpResponse:
    """The network list."""
    columns = (
        Column("Name", lambda n: _link("edit-thing", n.pk, n.name, "networks"), sort="name", css="strong"),
        Column("Description", lambda n: n.description or "—"),
        TENANT,
        Column("Devices", lambda n: n.device_count, num=True, sort="device_count"),
    )
    listing = Listing(
        "Networks",
        columns,
        ("name", "description"),
        "No network yet.",
        order="name",
        **_new(request, "networks"),
        intro="A network is a managed address space: one IP address is unique in it.",
    )
    return lists.show(request, within(request, selectors.visible_networks(request.user)), listing)


def tags(request: HttpRequest) -> HttpResponse:
    """The asset tag list."""
    columns = (
        Column("Name", lambda t: _link("edit-thing", t.pk, t.name, "tags"), sort="name", css="strong"),
        TENANT,
        Column("Devices", lambda t: t.device_count, num=True, sort="device_count"),
    )
    listing = Listing(
        "Asset Tags",
        columns,
        ("name",),
        "No asset tag yet.",
        order="name",
        **_new(request, "tags"),
        intro="Asset tags group devices, so that a job can be for all of a kind.",
    )
    return lists.show(request, within(request, selectors.visible_tags(request.user)), listing)


def agents(request: HttpRequest) -> HttpResponse:
    """The agent list: who serves each, since when nobody does, and what it is working on."""
    now = timezone.now()
    serving = selectors.serving(now)
    columns = (
        Column("Name", lambda a: _link("edit-thing", a.pk, a.name, "agents"), sort="name", css="strong"),
        TENANT,
        Column("Queue", lambda a: a.queue, css="mono nowrap"),
        Column("State", lambda a: _agent_state(a, now)),
        Column("Workers", lambda a: _workers(serving.get(a.queue, ())), css="nowrap"),
        Column("Devices now", lambda a: sum(w.active for w in serving.get(a.queue, ())), num=True),
        Column("At most", lambda a: a.max_parallel or "—", num=True),
        Column("Last heartbeat", lambda a: ago(a.heartbeat_at), sort="heartbeat_at"),
    )
    listing = Listing(
        "Agents",
        columns,
        ("name",),
        "No agent yet.",
        order="name",
        **_new(request, "agents"),
        intro="An agent runs jobs: worker processes that serve its queue, on any host. Start one with "
        f"'{env.COMMAND} work QUEUE'.",
    )
    return lists.show(request, within(request, selectors.visible_agents(request.user)), listing)


def _workers(rows: Any) -> str:
    """The workers with their versions."""
    lines = ((worker.name, worker.version) for worker in rows)
    return format_html_join("", '{} <span class="quiet">{}</span><br>', lines) or "—"


def _agent_state(agent: Any, now: datetime) -> str:
    if not agent.is_online(now):
        return pill("off", "Offline", "fail")
    return pill("drain", "Draining", "warn") if agent.draining else pill("on", "Online", "ok")


def credentials(request: HttpRequest) -> HttpResponse:
    """The credential list: names, never contents."""
    columns = (
        Column("Name", lambda c: _link("edit-thing", c.pk, c.name, "credentials"), sort="name", css="strong"),
        Column("User name", lambda c: c.username or "—"),
        Column("Holds", _holds),
        TENANT,
        Column("Default", lambda c: pill("on", "Default", "ok") if c.is_default else "—", sort="is_default"),
        Column("Devices", lambda c: c.device_count, num=True),
        Column("Changed", lambda c: ago(c.changed_at), sort="changed_at"),
    )
    listing = Listing(
        "Credentials",
        columns,
        ("name", "username"),
        "No credential yet.",
        order="name",
        **_new(request, "credentials"),
        intro="Stored encrypted and write-only: nobody reads a secret back, here or in the API.",
    )
    return lists.show(request, within(request, selectors.visible_credentials(request.user)), listing)


def _holds(credential: Any) -> str:
    names = {"password": "password", "enable_password": "enable password", "private_key": "SSH key"}
    return ", ".join(word for field, word in names.items() if getattr(credential, f"{field}_sealed")) or "nothing yet"


def tenant_list(request: HttpRequest) -> HttpResponse:
    """The tenants that the user sees."""
    mine = set(access.tenants_where(request.user, Verb.ADMINISTER).values_list("pk", flat=True))
    columns = (
        Column(
            "Name", lambda t: _link("edit-tenant", t.pk, t.name) if t.pk in mine else t.name, sort="name", css="strong"
        ),
        Column("Key", lambda t: t.key, css="mono", sort="key"),
        Column("Kind", lambda t: t.get_kind_display(), sort="kind"),
        Column("Belongs to", lambda t: t.parent.name if t.parent else "—"),
        Column("State", lambda t: pill("on", "Enabled", "ok") if t.enabled else pill("off", "Off", "idle")),
    )
    new = {"new_url": reverse("new-tenant"), "new_label": "New tenant"} if _administers(request) else {}
    listing = Listing("Tenants", columns, ("name", "key"), "No tenant yet.", order="path", **new)
    return lists.show(request, selectors.visible_tenants(request.user), listing)


def new_tenant(request: HttpRequest) -> HttpResponse:
    """Make a tenant below another."""
    parents = access.tenants_where(request.user, Verb.ADMINISTER).order_by("path")
    form = forms.SubTenantForm(request.POST or None, tenants=parents)

    def save() -> str:
        tenants.create_tenant(by=request.user, **form.cleaned_data)
        return "The tenant was made; give its people roles next."

    return form_page(request, form, save, title="New tenant", back="tenants", back_label="Tenants")


def edit_tenant(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a tenant's settings."""
    tenant = access.tenants_where(request.user, Verb.ADMINISTER).filter(pk=pk).first()
    if tenant is None:
        raise NotFound("There is no such tenant.")
    initial = {name: getattr(tenant, name) for name in tenants.SETTINGS}
    form = forms.TenantSettingsForm(request.POST or None, initial=initial)

    def save() -> str:
        tenants.change_tenant(by=request.user, tenant=tenant, **form.cleaned_data)
        return f"The settings of {tenant} were saved."

    return form_page(request, form, save, title=f"Settings of {tenant}", back="tenants", back_label="Tenants")


def edit_thing(request: HttpRequest, kind: str, pk: Any = None) -> HttpResponse:
    """Make or change a network, tag, agent, credential or device."""
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


@require_POST
def forget_key(request: HttpRequest, pk: Any) -> HttpResponse:
    """Unpin a device's host key."""
    found = access.get_visible(request.user, selectors.visible_devices(request.user), pk=pk)
    inventory.forget_host_key(by=request.user, device=found)
    messages.success(request, "The host key was forgotten; the next contact pins what the device shows then.")
    return redirect("device", pk=pk)


def audit_list(request: HttpRequest) -> HttpResponse:
    """The audit trail of the tenants that the user administers."""
    columns = (
        Column("Time", lambda e: ago(e.at), css="nowrap"),
        Column("Who", lambda e: e.actor_name, sort="actor_name"),
        Column("Action", lambda e: e.action, css="mono", sort="action"),
        Column("Subject", lambda e: e.subject),
        TENANT,
        Column("Details", lambda e: format_html_join(", ", "{}: {}", e.details.items()) or "—"),
    )
    filters = (Filter("tenant", "Customer", tenant_filter(request.user), lists.field("tenant")),)
    listing = Listing(
        "Audit",
        columns,
        ("actor_name", "action", "subject"),
        "Nothing has been recorded yet.",
        filters,
        intro="Append-only, chained by hash: who did what, when.",
    )
    return lists.show(request, within(request, selectors.visible_audit(request.user)), listing)


def form_page(
    request: HttpRequest,
    form: Any,
    save: Callable[[], str],
    *,
    title: str,
    back: str,
    back_label: str,
    second: tuple[str, str] | None = None,
) -> HttpResponse:
    """One form on a page: save what is valid and go back with the sentence that `save` returns, or show what is
    wrong."""
    if request.method == "POST" and form.is_valid():
        try:
            messages.success(request, save())
            return redirect(back)
        except Invalid as error:
            show_problems(form, error)
    return render(
        request,
        "form.html",
        {"form": form, "title": title, "back": reverse(back), "back_label": back_label, "second": second},
    )


def show_problems(form: Any, error: Invalid) -> None:
    """Put the problems of a service beside the form's fields; those without a field go on top."""
    for name, sentences in (error.fields or {"": [error.message]}).items():
        for sentence in sentences:
            form.add_error(name if name in form.fields else None, sentence)


def _link(view: str, pk: Any, text: str, kind: str = "") -> str:
    arguments = [kind, pk] if kind else [pk]
    return format_html('<a href="{}">{}</a>', reverse(view, args=arguments), text)


def _new(request: HttpRequest, kind: str) -> dict[str, Any]:
    if not _administers(request):
        return {}
    return {"new_url": reverse("new-thing", args=[kind]), "new_label": f"New {RESOURCES[kind].word}"}


def _administers(request: HttpRequest) -> bool:
    return access.tenants_where(request.user, Verb.ADMINISTER).exists()
