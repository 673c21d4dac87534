"""The pages of the notification channels: receivers, a test message, and what was delivered."""

from __future__ import annotations

from copy import deepcopy
from typing import Unpack, cast

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from config import lists
from config.errors import Forbidden, NotFound
from config.lists import Column, Filter, Listing
from config.pages import form_page
from config.requests import Request
from config.ui import ago, pill
from devices import access, selectors
from devices.channels import CHANNELS, label, target, with_page
from devices.channels.base import AnyChannel
from devices.domain.roles import Verb
from devices.domain.secrets import Secret
from devices.models import OutboxMessage, Tenant
from devices.services import channels, outbox
from devices.web.forms import About, TenantForm
from devices.web.resource import administers, link
from devices.web.scope import TENANT, within


class ChannelForm(TenantForm):
    """The form of a channel's receiver; secrets are write-only, and empty keeps what is stored."""

    def __init__(self, data: QueryDict | None, *, channel: AnyChannel, **about: Unpack[About]) -> None:
        self.channel = channel
        super().__init__(data, **about)

    def scope(self, tenant: Tenant | None) -> None:
        """Take the channel's fields, and say which secrets are stored."""
        self.fields |= deepcopy(dict(self.channel.fields))
        for name in self.channel.secrets:
            if self.instance and getattr(self.instance, f"{name}_sealed"):
                self.fields[name].help_text = "Stored. Leave it empty to keep it."

    def values(self) -> dict[str, object]:
        """Return what the receiver is made of, the secrets apart."""
        return {name: value for name, value in self.cleaned_data.items() if name not in self.channel.secrets}

    def secrets(self) -> dict[str, Secret | None]:
        """Return the secrets that were typed, None for one that stays as it is."""
        typed = {name: self.cleaned_data[name] for name in self.channel.secrets}
        return {name: Secret(text) if text else None for name, text in typed.items()}


def channel_list(request: Request, kind: str) -> HttpResponse:
    """The receivers of one channel, for administrators."""
    channel = _channel(kind)
    columns = (
        Column("Name", lambda c: link(reverse("edit-channel", args=[kind, c.pk]), str(c)), css="strong"),
        Column("State", lambda c: pill("on", "Enabled", "ok") if c.enabled else pill("off", "Off", "idle")),
        TENANT,
    )
    listing = Listing(
        title=channel.title,
        columns=columns,
        search=("tenant__name",),
        empty=f"No {channel.noun} yet.",
        intro=channel.intro,
        order="pk",
        new_url=reverse("new-channel", args=[kind]) if administers(request) else "",
        new_label=f"New {channel.noun}",
    )
    return lists.show(request, within(request, selectors.visible_receivers(request.user, channel.model)), listing)


def edit_channel(request: Request, kind: str, pk: int | None = None) -> HttpResponse:
    """Make or change a receiver; the button Test sends a message to it."""
    channel = _channel(kind)
    owners = access.tenants_where(request.user, Verb.ADMINISTER).order_by("path")
    rows = selectors.visible_receivers(request.user, channel.model)
    instance = access.get_visible(request.user, rows, Verb.ADMINISTER, pk=pk) if pk else None
    if not instance and not owners.exists():
        raise Forbidden("You administer no tenant, so there is nothing you could add here.")
    shown = [name for name in channel.fields if name not in channel.secrets]
    form = ChannelForm(
        request.POST or None,
        channel=channel,
        user=request.user,
        tenants=owners,
        tenant=instance.tenant if instance else None,
        instance=instance,
        initial={name: getattr(instance, name) for name in shown} if instance else None,
    )

    def save() -> str:
        saved = channels.save_channel(
            by=request.user,
            tenant=cast(Tenant, form.tenant),
            channel=channel,
            secrets=form.secrets(),
            instance=instance,
            **form.values(),
        )
        if request.POST.get("action") != "test":
            return f"The {channel.noun} was saved."
        outbox.test(by=request.user, channel=channel, row=saved, now=timezone.now())
        return f"The {channel.noun} was saved and a test message is on its way; Deliveries shows what becomes of it."

    return form_page(
        request,
        form,
        save,
        title=f"Change {channel.noun} {instance}" if instance else f"New {channel.noun}",
        back=reverse("channels", args=[kind]),
        back_label=channel.title,
        second=("test", "Save and test"),
    )


def deliveries(request: Request) -> HttpResponse:
    """What was sent to whom, and what was not."""
    status = OutboxMessage.Status
    colours = {status.WAITING: "warn", status.SENT: "ok", status.FAILED: "fail"}
    columns = (
        Column("Event", lambda m: outbox.EVENTS.get(m.event, m.event), sort="event", css="strong"),
        Column("Subject", lambda m: link(m.url, m.subject) if m.url else m.subject),
        Column("Channel", lambda m: label(m.channel), sort="channel"),
        Column("To", lambda m: target(m.channel, m.target)),
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
    kinds = [(channel.key, channel.label) for channel in CHANNELS.values()]
    filters = (
        Filter("status", "State", list(status.choices), lists.field("status")),
        Filter("channel", "Channel", kinds, lists.field("channel")),
    )
    listing = Listing(
        title="Deliveries",
        columns=columns,
        search=("subject", "target"),
        empty="Nothing was sent yet.",
        filters=filters,
        order="-pk",
    )
    return lists.show(request, within(request, selectors.visible_messages(request.user)), listing)


@require_POST
def send_again(request: Request, pk: int) -> HttpResponse:
    """Try a message that was given up once more."""
    row = access.get_visible(request.user, selectors.visible_messages(request.user), Verb.ADMINISTER, pk=pk)
    if row.status != OutboxMessage.Status.FAILED:
        raise NotFound("This message was not given up.")
    outbox.send_again(message=row, now=timezone.now())
    messages.success(request, "It is tried again.")
    return redirect("deliveries")


def _channel(slug: str) -> AnyChannel:
    found = with_page(slug)
    if found is None:
        raise NotFound("There is no such kind of channel.")
    return found


def _why(message: OutboxMessage) -> str:
    return format_html('<br><span class="quiet">{}</span>', message.error) if message.error else ""
