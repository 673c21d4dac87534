"""The roles of each tenant: which of Django's groups carries which."""

from django.db import models

from devices.models.tenants import TenantOwned
from devices.models.texts import OneLine


class Role(TenantOwned):
    """A role that people hold in a tenant: the members of its group hold it, and the group holds its rights.

    The rights are object permissions of the group on the tenant (`devices.access`). `key` is what code and callers name
    the role by, `name` what people read; what the group is called is for Django's admin and decides nothing.
    """

    key = models.CharField(max_length=60)
    name = OneLine(max_length=80)
    group = models.OneToOneField("auth.Group", on_delete=models.PROTECT, related_name="role")

    class Meta:
        ordering = ["key"]
        constraints = [models.UniqueConstraint("tenant", "key", name="one_role_per_tenant_and_key")]

    def __str__(self) -> str:
        return f"{self.tenant.key}: {self.name}"
