"""Service templates and their immutable versions."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils.functional import cached_property

from devices.models import TenantOwned
from devices.models.texts import OneLine
from templates_app.domain.content import TemplateContent


class ServiceTemplate(TenantOwned):
    """A named service. What it does stands in its versions; jobs pin one of them.

    `built_in` names one of the product's own (`templates_app.services.built_in`), which nobody edits; its part before
    a colon is the job type that it is for. `script` is the script of the library that such a template runs.
    """

    tenant_rules = {"script": "ancestors"}

    class Status(models.TextChoices):
        """Only a ready template can be put into a new job."""

        DRAFT = "draft", "Draft"
        READY = "ready", "Ready"
        DISABLED = "disabled", "Disabled"

    name = OneLine(max_length=120)
    description = models.CharField(max_length=500, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    current = models.ForeignKey(
        "TemplateVersion", null=True, editable=False, on_delete=models.PROTECT, related_name="+"
    )
    built_in = models.CharField(max_length=60, blank=True, editable=False)
    script = models.ForeignKey("Script", null=True, editable=False, on_delete=models.PROTECT, related_name="templates")
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint("tenant", Lower("name"), name="template_name_once_per_tenant"),
            models.UniqueConstraint(
                "tenant", "built_in", name="built_in_once_per_tenant", condition=~models.Q(built_in="")
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def latest(self) -> TemplateVersion:
        """Its newest version: `current`, which is null only while a template is made together with its first one."""
        assert self.current is not None
        return self.current


class TemplateVersion(TenantOwned):
    """The content at one number. Never changed: an edit makes the next version."""

    template = models.ForeignKey(ServiceTemplate, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    data = models.JSONField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint("template", "number", name="template_version_number_once")]

    def __str__(self) -> str:
        return f"{self.template} version {self.number}"

    @cached_property
    def content(self) -> TemplateContent:
        """The content as values."""
        return TemplateContent.from_json(self.data)
