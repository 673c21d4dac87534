"""The API of jump hosts."""

from __future__ import annotations

from typing import Required

from django.contrib.auth.models import User
from django.db.models import QuerySet

from config.api_pages import is_id
from config.api_resource import Edits, Resource
from devices import selectors
from devices.api.resources import Creates, Owned
from devices.api.scoped import Scoped
from devices.models import JumpHost, Tenant
from devices.services import jump_hosts
from devices.services.values import JumpHostValues


class JumpHostSerializer(Owned):
    credential = Scoped(selector=selectors.visible_credentials)
    through = Scoped(selector=selectors.visible_jump_hosts, required=False, allow_null=True)

    class Meta:
        model = JumpHost
        fields = ["id", "tenant", "name", "host", "port", "credential", "through", "host_key"]
        read_only_fields = ["host_key"]
        extra_kwargs: dict[str, dict[str, object]] = {"port": {"min_value": 1, "max_value": 65535}}
        validators: list[object] = []


class JumpHostData(JumpHostValues):
    """A jump host with its tenant."""

    tenant: Required[Tenant]


class JumpHosts(Creates, Edits, Resource):
    """Jump hosts: SSH servers over which devices are reached."""

    serializer_class = JumpHostSerializer
    search_fields, ordering_fields = ["name", "host"], ["name"]
    filters = {"tenant": is_id("tenant")}

    def rows(self, user: User) -> QuerySet[JumpHost]:
        return selectors.visible_jump_hosts(user)

    def make(self, user: User, data: JumpHostData, instance: JumpHost | None = None) -> JumpHost:
        return jump_hosts.save_jump_host(by=user, instance=instance, **data)
