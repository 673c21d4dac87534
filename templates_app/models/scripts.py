"""The script library. Running scripts is not part of the product yet; the library holds what the API refers to."""

from django.db import models
from django.db.models.functions import Lower

from devices.models import TenantOwned


class Script(TenantOwned):
    """A script with typed parameters; `platforms` is a list of texts such as WINDOWS."""

    name = models.CharField(max_length=120)
    description = models.CharField(max_length=500, blank=True)
    platforms = models.JSONField(default=list)
    execution_type = models.CharField(max_length=20, default="POWERSHELL")
    body = models.TextField(blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint("tenant", Lower("name"), name="script_name_once_per_tenant")]

    def __str__(self) -> str:
        return self.name


class ScriptParameter(TenantOwned):
    """One parameter; `number` is its id in the API (`paramId`), unique in its script."""

    script = models.ForeignKey(Script, on_delete=models.CASCADE, related_name="parameters")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=80)
    required = models.BooleanField(default=False)
    data_type = models.CharField(max_length=10, default="STRING")

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint("script", "number", name="script_parameter_number_once")]

    def __str__(self) -> str:
        return self.name
