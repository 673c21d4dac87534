"""How a tenant is told of events outside the product: mail server, SNMP trap receivers, webhooks; and the outbox.

Tenants below use what the ones above them set up: the nearest mail server, and all receivers and webhooks.
"""

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower

from devices.models.tenants import TenantOwned
from devices.models.texts import OneLine

AUTH_CHOICES = [("none", "None"), ("sha", "SHA"), ("sha256", "SHA-256"), ("sha512", "SHA-512")]
PRIV_CHOICES = [("none", "None"), ("aes", "AES-128"), ("aes256", "AES-256")]


class MailServer(TenantOwned):
    """The server that takes a tenant's mail; its password is sealed."""

    host = OneLine(max_length=255)
    port = models.PositiveIntegerField(default=587)
    security = models.CharField(
        max_length=10, default="starttls", choices=[("starttls", "STARTTLS"), ("tls", "TLS"), ("none", "None")]
    )
    username = OneLine(max_length=200, blank=True)
    password_sealed = models.TextField(blank=True, editable=False)
    sender = models.EmailField()
    enabled = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint("tenant", name="one_mail_server_per_tenant")]

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def sealed_row(self) -> str:
        """Other than a credential's, for its id is a small number."""
        return f"{type(self).__name__}:{self.pk}"


class TrapReceiver(TenantOwned):
    """A receiver of SNMP traps, v2c (community) or v3 (user, authentication, privacy); its secrets are sealed."""

    name = OneLine(max_length=120)
    host = OneLine(max_length=255)
    port = models.PositiveIntegerField(default=162)
    version = models.CharField(max_length=3, default="v3", choices=[("v2c", "v2c"), ("v3", "v3")])
    username = OneLine(max_length=32, blank=True)
    auth = models.CharField(
        max_length=8,
        default="sha",
        choices=AUTH_CHOICES,
    )
    priv = models.CharField(max_length=8, default="aes", choices=PRIV_CHOICES)
    community_sealed = models.TextField(blank=True, editable=False)
    auth_key_sealed = models.TextField(blank=True, editable=False)
    priv_key_sealed = models.TextField(blank=True, editable=False)
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint("tenant", Lower("name"), name="trap_receiver_name_once_per_tenant")]

    def __str__(self) -> str:
        return self.name

    @property
    def sealed_row(self) -> str:
        """Other than a credential's, for its id is a small number."""
        return f"{type(self).__name__}:{self.pk}"


class Webhook(TenantOwned):
    """An address that gets each event as signed JSON; its signing key is sealed."""

    name = OneLine(max_length=120)
    url = models.URLField(max_length=500)
    secret_sealed = models.TextField(blank=True, editable=False)
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint("tenant", Lower("name"), name="webhook_name_once_per_tenant")]

    def __str__(self) -> str:
        return self.name

    @property
    def sealed_row(self) -> str:
        """Other than a credential's, for its id is a small number."""
        return f"{type(self).__name__}:{self.pk}"


class OutboxMessage(TenantOwned):
    """One message to one receiver, written in the transaction of its event; `target` is an address or a row's id.

    `channel` is the key of one in `devices/channels`, or of one that there was.
    """

    class Status(models.TextChoices):
        """Waiting includes those that failed and are tried again at `next_at`."""

        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Given up"

    event = models.CharField(max_length=20)
    key = models.CharField(max_length=160)
    channel = models.CharField(max_length=20)
    target = models.CharField(max_length=254)
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    actor = models.CharField(max_length=150, blank=True)
    subject = models.CharField(max_length=300)
    text = models.TextField(blank=True)
    details = models.TextField(blank=True)
    url = models.CharField(max_length=300, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    next_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint("key", "channel", "target", name="one_message_per_event_and_receiver")]
        indexes = [models.Index(fields=["next_at"], name="waiting_messages", condition=models.Q(status="waiting"))]

    def __str__(self) -> str:
        return f"{self.event} by {self.channel} to {self.target}"
