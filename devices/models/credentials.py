"""Credentials: sealed on the way in, opened only by the worker that logs in."""

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from devices.domain import totp
from devices.models.tenants import TenantOwned
from devices.models.texts import OneLine


class Credential(TenantOwned):
    """One login. The sealed columns hold what `devices.services.vault` made; no face reads them.

    A credential without a name is the account typed into one job (I-18…I-21) and is offered nowhere else.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = OneLine(max_length=120, blank=True)
    username = OneLine(max_length=120, blank=True)
    password_sealed = models.TextField(blank=True, editable=False)
    enable_password_sealed = models.TextField(blank=True, editable=False)
    private_key_sealed = models.TextField(blank=True, editable=False)
    passphrase_sealed = models.TextField(blank=True, editable=False)
    certificate = models.TextField(
        "SSH certificate", blank=True, help_text="OpenSSH user certificate of the SSH key's public part."
    )
    totp_secret_sealed = models.TextField(blank=True, editable=False)
    totp_digits = models.PositiveSmallIntegerField(
        "digits of a code", choices=[(digits, str(digits)) for digits in totp.DIGITS], default=6
    )
    totp_algorithm = models.CharField(
        "hash of the codes",
        max_length=6,
        choices=totp.ALGORITHM_WORDS,
        default="sha1",
    )
    is_default = models.BooleanField("default of the tenant", default=False)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                "tenant", Lower("name"), condition=~Q(name=""), name="credential_name_once_per_tenant"
            ),
            models.UniqueConstraint("tenant", condition=Q(is_default=True), name="one_default_credential_per_tenant"),
        ]

    def __str__(self) -> str:
        return self.name or "job account"
