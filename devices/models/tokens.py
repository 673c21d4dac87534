"""Bearer tokens of the API: only the SHA-256 is stored."""

from django.conf import settings
from django.db import models

from devices.domain.roles import VERB_LABELS, Verb
from devices.models.tenants import Tenant
from devices.models.texts import OneLine


class ApiToken(models.Model):
    """A personal token: for the API, or for the calendar feed alone. A demo token works in demo mode only.

    It carries its user's rights, or fewer: those on `tenant` and below, and the `verbs` (`devices.domain.roles`), where
    there are any.
    """

    class Purpose(models.TextChoices):
        """What it opens."""

        API = "api", "API"
        CALENDAR = "calendar", "Calendar feed"

    purpose = models.CharField(max_length=10, choices=Purpose, default=Purpose.API)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = OneLine(max_length=80)
    tenant = models.ForeignKey(Tenant, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    verbs = models.JSONField(default=list, blank=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    for_demo = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name

    @property
    def reach(self) -> str:
        """Say in words what it may do."""
        rights = ", ".join(VERB_LABELS[Verb(verb)] for verb in self.verbs) or "all rights of its owner"
        return f"{rights} in {self.tenant.name if self.tenant else 'every customer'}"
