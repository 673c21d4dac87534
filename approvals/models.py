"""Approval requests, their events, each tenant's policies, and who stands in for whom."""

import json
import zlib

from django.conf import settings
from django.db import models

from approvals.domain import ACTION_LABELS, CHOICES, OPEN, Action, ApprovalStatus, Late, Scope, Step, steps_from
from config.json_value import Json
from devices.models import TenantOwned


class ApprovalPolicy(TenantOwned):
    """How a change is approved in a tenant and those below it without their own (N-25).

    `applies_to` is empty (everything), `type:<job type>` or `template:<id>`; the most specific one is taken. `steps` is
    a list of {"required": 1–3, "group": id or null}.
    """

    applies_to = models.CharField(max_length=60, blank=True, default="")
    steps = models.JSONField(default=list)
    expires_after_days = models.PositiveSmallIntegerField(default=5)
    remind_after_days = models.PositiveSmallIntegerField(default=2)
    bar_authors = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "approval policies"
        ordering = ["applies_to"]
        constraints = [models.UniqueConstraint("tenant", "applies_to", name="one_approval_policy_per_tenant_and_kind")]

    def __str__(self) -> str:
        return f"{self.applies_to or 'every change'} in {self.tenant}"


class ApprovalDelegate(TenantOwned):
    """Somebody who decides in the place of an approver between two dates (both included, UTC)."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    delegate = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    first = models.DateField()
    last = models.DateField()

    class Meta:
        ordering = ["-last"]

    def __str__(self) -> str:
        return f"{self.delegate} for {self.person}, {self.first} to {self.last}"


class ApprovalSubject(TenantOwned):
    """What is decided about: it stands for a thing that this app does not know, and which refers to this row."""

    def __str__(self) -> str:
        return f"Subject {self.pk} in {self.tenant}"


class ApprovalRequest(TenantOwned):
    """One request about a subject, bound to the SHA-256 of its stored content; title, summary and url are for people.

    `steps` is the policy as it was when asked; `scope` may only be narrowed by who decides. `used` counts runs.
    With `bypass` nobody was asked: `requested_by` allowed it by right, with a reason.
    """

    tenant_rules = {"previous": "same"}

    subject = models.ForeignKey(ApprovalSubject, on_delete=models.PROTECT, related_name="requests")
    title = models.CharField(max_length=200)
    summary = models.CharField(max_length=500, blank=True)
    url = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    content_z = models.BinaryField(default=b"")
    previous = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    status = models.CharField(max_length=20, choices=CHOICES, default=ApprovalStatus.REQUESTED.value)
    steps = models.JSONField(default=list)
    step = models.PositiveSmallIntegerField(default=0)
    series = models.BooleanField(default=False)
    series_until = models.DateTimeField(null=True)
    series_runs = models.PositiveIntegerField(null=True)
    used = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    late = models.CharField(max_length=6, blank=True, choices=[(x.value, x.value) for x in Late])
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    barred = models.JSONField(default=list)
    notify = models.JSONField(default=list)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    remind_at = models.DateTimeField(null=True)
    remind_after_days = models.PositiveSmallIntegerField(default=0)
    bypass = models.BooleanField(default=False)
    approved_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["tenant", "status"])]
        constraints = [
            models.UniqueConstraint(
                "subject",
                condition=models.Q(status__in=sorted(status.value for status in OPEN)),
                name="one_open_request_per_subject",
            )
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def scope(self) -> Scope:
        """What it covers."""
        return Scope(self.series, self.series_until, self.series_runs)

    @property
    def all_steps(self) -> tuple[Step, ...]:
        """The steps to be taken in order."""
        return steps_from(self.steps)

    @property
    def required(self) -> int:
        """How many approvals it needs in all."""
        return sum(step.required for step in self.all_steps)

    @property
    def content(self) -> dict[str, Json]:
        """What was asked for, whole."""
        return json.loads(zlib.decompress(bytes(self.content_z))) if self.content_z else {}


class ApprovalEvent(TenantOwned):
    """One line of the approval log; a vote belongs to a step and may be cast in somebody's place."""

    request = models.ForeignKey(ApprovalRequest, on_delete=models.CASCADE, related_name="events")
    action = models.CharField(max_length=20, choices=[(a.value, ACTION_LABELS[a]) for a in Action])
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    on_behalf_of = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    step = models.PositiveSmallIntegerField(default=0)
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
