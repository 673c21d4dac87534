"""Configuration profiles: named sets of variable values that a task can choose."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower

from devices.models import TenantOwned
from devices.models.texts import OneLine


class ConfigurationProfile(TenantOwned):
    """For example "Branch office": the values that runtime variables take there. `values` maps names to texts."""

    name = OneLine(max_length=120)
    description = models.CharField(max_length=300, blank=True)
    values = models.JSONField(default=dict, blank=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.PROTECT, related_name="+"
    )
    changed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint("tenant", Lower("name"), name="profile_name_once_per_tenant")]

    def __str__(self) -> str:
        return self.name
