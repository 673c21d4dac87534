"""The script library; the job type `script` makes the template by which one runs."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower

from devices.models import TenantOwned
from devices.models.texts import OneLine


class Script(TenantOwned):
    """A script with typed parameters; `platforms` is a list of texts such as WINDOWS. `number` counts its versions."""

    name = OneLine(max_length=120)
    description = models.CharField(max_length=500, blank=True)
    platforms = models.JSONField(default=list)
    execution_type = models.CharField(max_length=20, default="POWERSHELL")
    category = OneLine(max_length=120, blank=True)
    body = models.TextField(blank=True)
    number = models.PositiveIntegerField(default=1)
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint("tenant", Lower("name"), name="script_name_once_per_tenant")]

    def __str__(self) -> str:
        return self.name


class ScriptParameter(TenantOwned):
    """One parameter; `number` is its id in the API (`paramId`), unique in its script."""

    script = models.ForeignKey(Script, on_delete=models.CASCADE, related_name="parameters")
    number = models.PositiveIntegerField()
    name = OneLine(max_length=80)
    required = models.BooleanField(default=False)
    data_type = models.CharField(max_length=10, default="STRING")
    default = OneLine(max_length=500, blank=True)
    description = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint("script", "number", name="script_parameter_number_once")]

    def __str__(self) -> str:
        return self.name
