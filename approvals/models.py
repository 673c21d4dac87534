"""Approval requests, their events, and each tenant's rule."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from approvals.domain import CHOICES, Action, ApprovalStatus
from devices.models import TenantOwned


class ApprovalPolicy(TenantOwned):
    """How many approvals a change needs in a tenant (N-25)."""

    required = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1), MaxValueValidator(3)])

    class Meta:
        verbose_name_plural = "approval policies"
        constraints = [
            models.UniqueConstraint("tenant", name="one_approval_policy_per_tenant"),
            models.CheckConstraint(condition=models.Q(required__range=(1, 3)), name="one_to_three_approvals"),
        ]

    def __str__(self) -> str:
        return f"{self.required} approvals in {self.tenant}"


class ApprovalRequest(TenantOwned):
    """One request, bound to the SHA-256 of what it allows; title, summary and url describe it without a reference."""

    title = models.CharField(max_length=200)
    summary = models.CharField(max_length=500, blank=True)
    url = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    status = models.CharField(max_length=20, choices=CHOICES, default=ApprovalStatus.REQUESTED)
    required = models.PositiveSmallIntegerField()
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    barred = models.JSONField(default=list)
    created_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["tenant", "status"])]

    def __str__(self) -> str:
        return self.title


class ApprovalEvent(TenantOwned):
    """One line of the approval log."""

    request = models.ForeignKey(ApprovalRequest, on_delete=models.CASCADE, related_name="events")
    action = models.CharField(max_length=20, choices=[(a.value, a.value.title()) for a in Action])
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    message = models.CharField(max_length=1000, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                "request", "actor", condition=models.Q(action__in=["approved", "rejected"]), name="one_vote_per_person"
            )
        ]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor}"
