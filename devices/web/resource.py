"""One kind of thing of the inventory that has a list and a form, and what such lists share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypedDict, TypeVar

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html

from config.requests import Request
from devices import access
from devices.domain.roles import Verb
from devices.models import Agent, AssetTag, Credential, Device, JumpHost, Network
from devices.web.forms import TenantForm

M = TypeVar("M", Network, AssetTag, Agent, Credential, Device, JumpHost)


class NewButton(TypedDict, total=False):
    """A list's button for a new thing, as `config.lists.Listing` takes it; empty for those who may make none."""

    new_url: str
    new_label: str


@dataclass(frozen=True)
class Resource(Generic[M]):
    """One kind of thing: `name` stands in URLs, `word` in sentences; `initial` fills the form from a row."""

    name: str
    word: str
    form: type[TenantForm]
    rows: Callable[[User], QuerySet[M]]
    save: Callable[..., M]
    initial: Callable[[M], dict[str, object]]

    def link(self, row: M) -> str:
        """Return a link to the form of a row, named as the row is."""
        return link(reverse("edit-thing", args=[self.name, row.pk]), row.name)

    def new_button(self, request: Request) -> NewButton:
        """Return a list's button for a new one, for those who may make one."""
        if not administers(request):
            return {}
        return {"new_url": reverse("new-thing", args=[self.name]), "new_label": f"New {self.word}"}


def link(url: str, text: str) -> str:
    """Return a link as a cell shows it."""
    return format_html('<a href="{}">{}</a>', url, text)


def administers(request: Request) -> bool:
    """Say whether the user administers any tenant."""
    return access.tenants_where(request.user, Verb.ADMINISTER).exists()
