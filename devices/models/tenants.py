"""The tenant tree and the base of every row that belongs to a tenant."""

from typing import ClassVar

from django.db import models

from devices.domain.roles import VERB_LABELS, Verb
from devices.models.texts import OneLine


class Tenant(models.Model):
    """An MSP, a customer of it, or an entity of a customer. `path` lists the ids from the root: `/1/4/`."""

    class Kind(models.TextChoices):
        """The floor of the tree."""

        MSP = "msp", "MSP"
        CUSTOMER = "customer", "Customer"
        ENTITY = "entity", "Entity"

    key = models.SlugField(max_length=60, unique=True, help_text="The name in URLs and in the API, for example acme.")
    name = OneLine(max_length=120)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.CUSTOMER)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    path = models.CharField(max_length=200, unique=True, editable=False)
    time_zone = models.CharField(max_length=60, default="UTC")
    enabled = models.BooleanField(default=True)
    allow_telnet = models.BooleanField(
        default=False, help_text="Let devices be reached by Telnet, which sends passwords in clear text."
    )
    max_parallel = models.PositiveIntegerField(
        null=True, blank=True, help_text="How many of its devices are worked on at once; empty means no limit."
    )

    class Meta:
        ordering = ["name"]
        permissions = [(verb.value, VERB_LABELS[verb]) for verb in Verb if verb is not Verb.VIEW]

    def __str__(self) -> str:
        return self.name


class TenantOwned(models.Model):
    """The one abstract base: a row of exactly one tenant, which never changes (held by triggers, see `integrity`).

    `tenant_rules` names the references that may leave the row's own tenant: "ancestors" (own or above),
    "subtree" (own or below); every other reference to a tenant's row must stay in the same tenant.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")

    tenant_rules: ClassVar[dict[str, str]] = {}

    class Meta:
        abstract = True

    @property
    def sealed_row(self) -> str:
        """What names this row to what is sealed in it."""
        return str(self.pk)

    def bound_to(self, column: str) -> str:
        """What the packed bytes of a column are bound to (`config.key_ring.pack`)."""
        return f"{self.tenant_id}|{self._meta.model_name}|{self.sealed_row}|{column}"
