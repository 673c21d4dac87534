"""Credentials: names and what each holds, never contents."""

from __future__ import annotations

from django.http import HttpResponse

from config import lists
from config.lists import Column, Listing
from config.requests import Request
from config.ui import ago, pill
from devices import selectors
from devices.models import Credential
from devices.services import inventory, vault
from devices.web.forms import CredentialForm
from devices.web.resource import Resource
from devices.web.scope import TENANT, within

#: What of a credential its form shows as it is.
SHOWN = ("name", "username", "certificate", "totp_digits", "totp_algorithm", "is_default")
#: What each secret is called in a list.
WORDS = {
    "password": "password",
    "enable_password": "enable password",
    "private_key": "SSH key",
    "passphrase": "passphrase",
    "totp_secret": "second factor",
}
CREDENTIALS = Resource(
    "credentials",
    "credential",
    CredentialForm,
    selectors.visible_credentials,
    inventory.save_credential,
    lambda c: {name: getattr(c, name) for name in SHOWN},
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
    held = [WORDS[field] for field in vault.FIELDS if getattr(credential, f"{field}_sealed")]
    return ", ".join([*held, *(["certificate"] if credential.certificate else [])]) or "nothing yet"
