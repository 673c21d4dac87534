"""Settings → Mail Server, SNMP Traps, Webhooks; what was delivered, and a test message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from config import lists
from config.errors import Forbidden, NotFound
from config.lists import Column, Filter, Listing
from config.pages import form_page
from config.ui import ago, pill
from devices import access
from devices.domain.roles import Verb
from devices.domain.secrets import Secret
from devices.models import MailServer, OutboxMessage, Tenant, TrapReceiver, Webhook
from devices.models.channels import CHANNELS
from devices.services import channels, outbox
from devices.web.forms import TenantForm
from devices.web.scope import TENANT, within

HIDDEN = forms.PasswordInput(attrs={"autocomplete": "new-password"})
PORT = {"min_value": 1, "max_value": 65535}


class ChannelForm(TenantForm):
    """Base: secret fields are write-only; empty keeps what is stored."""

    secret_fields: tuple[str, ...] = ()

    def scope(self, tenant: Tenant | None) -> None:
        """Say which secrets are stored."""
        for name in self.secret_fields:
            if self.instance and getattr(self.instance, f"{name}_sealed"):
                self.fields[name].help_text = "Stored. Leave it empty to keep it."

    def values(self) -> dict[str, Any]:
        """Return the arguments of `save_channel`, the secrets apart."""
        plain = {name: value for name, value in self.cleaned_data.items() if name not in self.secret_fields}
        return {
            **plain,
            "secrets": {n: Secret(self.cleaned_data[n]) if self.cleaned_data[n] else None for n in self.secret_fields},
        }


class MailServerForm(ChannelForm):
    """A mail server."""

    secret_fields = ("password",)
    host = forms.CharField(max_length=255, help_text="For example mail.example.com.")
    port = forms.IntegerField(initial=587, **PORT)
    security = forms.ChoiceField(
        choices=[("starttls", "STARTTLS"), ("tls", "TLS"), ("none", "None: mails travel readable")]
    )
    username = forms.CharField(label="User name", max_length=200, required=False)
    password = forms.CharField(required=False, widget=HIDDEN)
    sender = forms.EmailField(help_text="The address that mails come from.")
    enabled = forms.BooleanField(required=False, initial=True)


class TrapReceiverForm(ChannelForm):
    """A trap receiver."""

    secret_fields = ("community", "auth_key", "priv_key")
    name = forms.CharField(max_length=120)
    host = forms.CharField(max_length=255)
    port = forms.IntegerField(initial=162, **PORT)
    version = forms.ChoiceField(choices=[("v3", "v3"), ("v2c", "v2c")])
    community = forms.CharField(label="Community (v2c)", required=False, widget=HIDDEN)
    username = forms.CharField(label="User name (v3)", max_length=32, required=False)
    auth = forms.ChoiceField(
        label="Authentication (v3)", choices=TrapReceiver._meta.get_field("auth").choices, initial="sha"
    )
    auth_key = forms.CharField(
        label="Authentication key, 8 characters or more", required=False, min_length=8, widget=HIDDEN
    )
    priv = forms.ChoiceField(label="Privacy (v3)", choices=TrapReceiver._meta.get_field("priv").choices, initial="aes")
    priv_key = forms.CharField(label="Privacy key, 8 characters or more", required=False, min_length=8, widget=HIDDEN)
    enabled = forms.BooleanField(required=False, initial=True)

    def clean(self) -> dict[str, Any]:
        """Ask for what the version needs."""
        data = super().clean()
        held = lambda name: data.get(name) or (self.instance and getattr(self.instance, f"{name}_sealed"))  # noqa: E731
        if data.get("version") == "v3":
            if not data.get("username"):
                self.add_error("username", "Version 3 needs a user name.")
            for kind in ("auth", "priv"):
                if data.get(kind) != "none" and not held(f"{kind}_key"):
                    self.add_error(f"{kind}_key", "Give the key, or choose None.")
            if data.get("priv") != "none" and data.get("auth") == "none":
                self.add_error("priv", "Privacy needs authentication.")
        return data


class WebhookForm(ChannelForm):
    """A webhook."""

    secret_fields = ("secret",)
    name = forms.CharField(max_length=120)
    url = forms.URLField(label="Address", max_length=500, assume_scheme="https")
    secret = forms.CharField(
        label="Signing key", required=False, widget=HIDDEN, help_text="Each event carries an HMAC-SHA256 made with it."
    )
    enabled = forms.BooleanField(required=False, initial=True)


@dataclass(frozen=True)
class Kind:
    """One kind of channel with its list and form."""

    title: str
    word: str
    model: Any
    form: type[ChannelForm]
    fields: tuple[str, ...]
    intro: str
    channel: str


KINDS = {
    "mail-servers": Kind(
        "Mail Server",
        "mail server",
        MailServer,
        MailServerForm,
        ("host", "port", "security", "username", "sender", "enabled"),
        "Takes the mails to the people of a customer; customers below use it until they have their own.",
        "mail",
    ),
    "trap-receivers": Kind(
        "SNMP Traps",
        "trap receiver",
        TrapReceiver,
        TrapReceiverForm,
        ("name", "host", "port", "version", "username", "auth", "priv", "enabled"),
        "Get every event of a customer and those below it; docs/INTERLOCK-MIB.txt describes them.",
        "trap",
    ),
    "webhooks": Kind(
        "Webhooks",
        "webhook",
        Webhook,
        WebhookForm,
        ("name", "url", "enabled"),
        "Get every event of a customer and those below it as signed JSON.",
        "webhook",
    ),
}


def channel_list(request: HttpRequest, kind: str) -> HttpResponse:
    """The channels of one kind, for administrators."""
    found = KINDS[kind]
    columns = (
        Column(
            "Name",
            lambda c: format_html('<a href="{}">{}</a>', reverse("edit-channel", args=[kind, c.pk]), str(c)),
            css="strong",
        ),
        Column("State", lambda c: pill("on", "Enabled", "ok") if c.enabled else pill("off", "Off", "idle")),
        TENANT,
    )
    may = access.tenants_where(request.user, Verb.ADMINISTER).exists()
    new: dict[str, Any] = (
        {"new_url": reverse("new-channel", args=[kind]), "new_label": f"New {found.word}"} if may else {}
    )
    intro = found.intro + (f" SNMP engine id of version 3: {channels.engine_id()}." if kind == "trap-receivers" else "")
    listing = Listing(found.title, columns, ("tenant__name",), f"No {found.word} yet.", intro=intro, order="pk", **new)
    rows = access.scoped(request.user, found.model.objects.select_related("tenant"), Verb.ADMINISTER)
    return lists.show(request, within(request, rows), listing)


def edit_channel(request: HttpRequest, kind: str, pk: int | None = None) -> HttpResponse:
    """Make or change a channel; the button Test sends a message through it."""
    if kind not in KINDS:
        raise NotFound("There is no such kind of channel.")
    found = KINDS[kind]
    owners = access.tenants_where(request.user, Verb.ADMINISTER).order_by("path")
    instance = (
        access.get_visible(request.user, found.model.objects.select_related("tenant"), Verb.ADMINISTER, pk=pk)
        if pk
        else None
    )
    if not instance and not owners.exists():
        raise Forbidden("You administer no tenant, so there is nothing you could add here.")
    initial = {name: getattr(instance, name) for name in found.fields} if instance else None
    form = found.form(
        request.POST or None,
        user=request.user,
        tenants=owners,
        tenant=instance.tenant if instance else None,
        instance=instance,
        initial=initial,
    )

    def save() -> str:
        saved = channels.save_channel(
            by=request.user, tenant=cast(Tenant, form.tenant), model=found.model, instance=instance, **form.values()
        )
        if request.POST.get("action") != "test":
            return f"The {found.word} was saved."
        outbox.test(by=request.user, channel=found.channel, row=saved, now=timezone.now())
        return f"The {found.word} was saved and a test message is on its way; Deliveries shows what becomes of it."

    title = f"Change {found.word} {instance}" if instance else f"New {found.word}"
    return form_page(
        request, form, save, title=title, back=kind, back_label=found.title, second=("test", "Save and test")
    )


def deliveries(request: HttpRequest) -> HttpResponse:
    """What was sent to whom, and what was not."""
    status = OutboxMessage.Status
    colours = {status.WAITING: "warn", status.SENT: "ok", status.FAILED: "fail"}
    columns = (
        Column("Event", lambda m: outbox.EVENTS.get(m.event, m.event), sort="event", css="strong"),
        Column("Subject", lambda m: format_html('<a href="{}">{}</a>', m.url, m.subject) if m.url else m.subject),
        Column("Channel", lambda m: m.get_channel_display(), sort="channel"),
        Column("To", lambda m: m.target if m.channel == "mail" else f"receiver {m.target}"),
        Column(
            "State",
            lambda m: format_html("{}{}", pill(m.status, m.get_status_display(), colours[m.status]), _why(m)),
            sort="status",
        ),
        Column("Attempts", lambda m: m.attempts, num=True),
        Column("Written", lambda m: ago(m.created_at), sort="created_at"),
        Column("Sent", lambda m: ago(m.sent_at), sort="sent_at"),
        TENANT,
    )
    filters = (
        Filter("status", "State", list(status.choices), lists.field("status")),
        Filter("channel", "Channel", list(CHANNELS), lists.field("channel")),
    )
    listing = Listing("Deliveries", columns, ("subject", "target"), "Nothing was sent yet.", filters, order="-pk")
    rows = access.scoped(request.user, OutboxMessage.objects.select_related("tenant"), Verb.ADMINISTER)
    return lists.show(request, within(request, rows), listing)


@require_POST
def send_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Try a message that was given up once more."""
    row = access.get_visible(request.user, OutboxMessage.objects.select_related("tenant"), Verb.ADMINISTER, pk=pk)
    if row.status != OutboxMessage.Status.FAILED:
        raise NotFound("This message was not given up.")
    outbox.send_again(message=row, now=timezone.now())
    messages.success(request, "It is tried again.")
    return redirect("deliveries")


def _why(message: OutboxMessage) -> str:
    return format_html('<br><span class="quiet">{}</span>', message.error) if message.error else ""
