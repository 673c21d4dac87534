"""Notices: what the product tells a person, shown in the frame of every page."""

from django.conf import settings
from django.db import models

from devices.models.tenants import TenantOwned


class Notice(TenantOwned):
    """One message to one person; `key` makes the same event reach the same person once."""

    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    key = models.CharField(max_length=120)
    text = models.CharField(max_length=300)
    url = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint("recipient", "key", name="notice_once_per_recipient")]

    def __str__(self) -> str:
        return self.text
