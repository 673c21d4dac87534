"""Credentials: names and what each holds, never contents."""

from __future__ import annotations

from django.http import HttpResponse

from config import lists
from config.lists import Column, Listing
from config.requests import Request
from config.ui import ago, pill
from devices import selectors
from devices.models import Credential
from devices.services import inventory
from devices.web.forms import CredentialForm
from devices.web.resource import Resource
from devices.web.scope import TENANT, within

CREDENTIALS = Resource(
    "credentials",
    "credential",
    CredentialForm,
    selectors.visible_credentials,
    inventory.save_credential,
    lambda c: {"name": c.name, "username": c.username, "is_default": c.is_default},
)


def credentials(request: Request) -> HttpResponse:
    """The credential list: names, never contents."""
    columns = (
        Column("Name", CREDENTIALS.link, sort="name", css="strong"),
        Column("User name", lambda c: c.username or "—"),
        Column("Holds", _holds),
        TENANT,
        Column("Default", lambda c: pill("on", "Default", "ok") if c.is_default else "—", sort="is_default"),
        Column("Devices", lambda c: c.device_count, num=True),
        Column("Changed", lambda c: ago(c.changed_at), sort="changed_at"),
    )
    listing = Listing(
        title="Credentials",
        columns=columns,
        search=("name", "username"),
        empty="No credential yet.",
        order="name",
        **CREDENTIALS.new_button(request),
        intro="Stored encrypted and write-only: nobody reads a secret back, here or in the API.",
    )
    return lists.show(request, within(request, selectors.visible_credentials(request.user)), listing)


def _holds(credential: Credential) -> str:
    names = {"password": "password", "enable_password": "enable password", "private_key": "SSH key"}
    return ", ".join(word for field, word in names.items() if getattr(credential, f"{field}_sealed")) or "nothing yet"
