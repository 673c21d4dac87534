"""Answers that are given again when a request comes a second time."""

from django.conf import settings
from django.db import models


class IdempotentAnswer(models.Model):
    """The answer to one request of one user under one `Idempotency-Key`; `digest` is a keyed hash of what was asked.

    `body` is JSON as text, so that its keys keep their order.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=120)
    digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    body = models.TextField(default="")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint("user", "key", name="idempotency_key_once_per_user")]

    def __str__(self) -> str:
        return self.key
