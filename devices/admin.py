"""The inventory in Django's admin: for looking, scoped to the viewer's tenants; changes go through the product's
pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.forms import BaseModelFormSet, ModelForm
from django.http import HttpRequest

from devices import access
from devices.models import Agent, AssetTag, AuditEvent, Credential, Device, JumpHost, Network, Role, Tenant
from devices.services import demo_accounts, tenants


class LookOnly(admin.ModelAdmin):
    """Base of every registered model of ours: rows of visible tenants only, no writing, no filters that list names."""

    # Any: the rows are of the model that a class is registered for, which Django's base does not know here.
    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return access.scoped(request.user, super().get_queryset(request))

    def lookup_allowed(self, lookup: str, value: object, request: HttpRequest) -> bool:
        """Filter by what is offered alone: any other column could be read by asking what it begins with."""
        return lookup.split("__")[0] in self.list_filter and lookup.removesuffix("__exact") in self.list_filter

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return access.may_sign_in_to_admin(request.user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return access.may_sign_in_to_admin(request.user)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Tenant)
class TenantAdmin(LookOnly):
    list_display = ["name", "key", "kind", "parent", "enabled"]
    search_fields = ["name", "key"]
    list_select_related = ["parent"]


@admin.register(Role)
class RoleAdmin(LookOnly):
    list_display = ["name", "tenant", "key", "group"]
    search_fields = ["name", "tenant__name", "group__name"]
    list_select_related = ["tenant", "group"]


@admin.register(Network)
class NetworkAdmin(LookOnly):
    list_display = ["name", "tenant", "description"]
    search_fields = ["name"]
    list_select_related = ["tenant"]


@admin.register(AssetTag)
class AssetTagAdmin(LookOnly):
    list_display = ["name", "tenant"]
    search_fields = ["name"]
    list_select_related = ["tenant"]


@admin.register(Device)
class DeviceAdmin(LookOnly):
    list_display = ["name", "address", "platform", "network", "tenant", "enabled"]
    search_fields = ["name", "address"]
    list_filter = ["platform", "enabled"]
    list_select_related = ["network", "tenant"]
    exclude = ["credential", "jump_host"]


@admin.register(JumpHost)
class JumpHostAdmin(LookOnly):
    list_display = ["name", "host", "port", "tenant", "host_key"]
    search_fields = ["name", "host"]
    list_select_related = ["tenant"]
    exclude = ["credential", "through"]


@admin.register(Credential)
class CredentialAdmin(LookOnly):
    list_display = ["name", "username", "tenant", "is_default", "changed_at"]
    search_fields = ["name", "username"]
    list_select_related = ["tenant"]
    fields = ["name", "username", "tenant", "is_default", "changed_at"]


@admin.register(Agent)
class AgentAdmin(LookOnly):
    list_display = ["name", "tenant", "queue", "heartbeat_at"]
    search_fields = ["name"]
    list_select_related = ["tenant"]


@admin.register(AuditEvent)
class AuditEventAdmin(LookOnly):
    list_display = ["at", "tenant", "actor_name", "action", "subject"]
    search_fields = ["actor_name", "action", "subject"]
    list_select_related = ["tenant"]


admin.site.unregister(User)


@admin.register(User)
class PeopleAdmin(UserAdmin):
    """Accounts; which roles one gains or loses is written to the audit trail of their tenants."""

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm[User], change: bool) -> None:
        """Save the account; a new one of the demo is marked."""
        super().save_model(request, obj, form, change)
        if not change:
            demo_accounts.mark_in_demo(obj)

    def log_change(self, request: HttpRequest, obj: User, message: object) -> LogEntry:
        """Note a change; this is all that Django tells of a new password."""
        demo_accounts.mark_in_demo(obj)
        return super().log_change(request, obj, message)

    def save_related(
        self,
        request: HttpRequest,
        form: ModelForm[User],
        formsets: Iterable[BaseModelFormSet[Model, ModelForm[Model]]],
        change: bool,
    ) -> None:
        """Save the groups and record the difference, in the transaction of the form."""
        person = form.instance
        before = set(person.groups.values_list("pk", flat=True))
        super().save_related(request, form, formsets, change)
        after = set(person.groups.values_list("pk", flat=True))
        tenants.record_roles(by=cast(User, request.user), person=person, given=after - before, taken=before - after)
