"""Jump hosts: SSH servers from which devices are reached that cannot be reached from here."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from django.db import models
from django.db.models.functions import Lower

from devices.models.credentials import Credential
from devices.models.tenants import TenantOwned
from devices.models.texts import OneLine

#: So many jump hosts stand between here and a device at most.
MOST_HOPS = 4


class JumpHost(TenantOwned):
    """An SSH server that forwards connections. It may itself be reached `through` another one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = OneLine(max_length=120)
    host = OneLine(max_length=255, help_text="Its address or name, as the one before it on the way knows it.")
    port = models.PositiveIntegerField(default=22)
    credential = models.ForeignKey(Credential, on_delete=models.PROTECT, related_name="jump_hosts")
    through = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="leads_to")
    host_key = models.CharField(max_length=100, blank=True, editable=False, help_text="SHA-256 of the pinned host key.")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint("tenant", Lower("name"), name="jump_host_name_once_per_tenant")]

    def __str__(self) -> str:
        return self.name


class UsedCode(models.Model):
    """The newest step of time in which a code of a second factor was used, of one account, whoever has its secret."""

    account = models.CharField(max_length=64, unique=True)
    step = models.BigIntegerField()

    def __str__(self) -> str:
        return f"Step {self.step}"


def way_from(first: uuid.UUID | None, known: Mapping[uuid.UUID, JumpHost]) -> list[JumpHost]:
    """Return the jump hosts (of `known`, by id) from the one next to a device outwards; one more than there may be
    where there are too many."""
    found: list[JumpHost] = []
    while first and first in known and len(found) <= MOST_HOPS:
        found.append(known[first])
        first = found[-1].through_id
    return found
