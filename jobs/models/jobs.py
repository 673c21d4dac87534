"""Service jobs and their tasks."""

import uuid
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from approvals.models import ApprovalRequest, ApprovalSubject
from devices.domain.selection import MODE_LABELS, SelectionMode
from devices.models import Agent, AssetTag, Credential, Device, TenantOwned
from devices.models.texts import OneLine
from jobs.domain.overlap import Overlap
from jobs.domain.spec import (
    ConnectionProtocol,
    TransferProtocol,
    Visibility,
)
from templates_app.models import ConfigurationProfile, ServiceTemplate, TemplateVersion


class ServiceJob(TenantOwned):
    """One job. A draft belongs to its creator; `draft_of` is set while an existing job is being edited.

    Deleting keeps the row (`deleted_at`), because its runs are history. `in_queue` is the mission's jobQueued: its runs
    and those of other such jobs of the tenant go one at a time through an agent, first in, first out. `rollout` as
    `jobs.domain.rollout` reads it; `window` is the maintenance window: devices are begun only when it removes nothing.
    `edits` says when each person (id, as text) last changed it or one of its triggers, in ISO 8601, UTC.
    `compat` keeps what an OpsRamp request said that has no place of its own (`jobs.domain.opsramp`).
    """

    tenant_rules = {"agent": "ancestors", "window": "ancestors"}

    class Status(models.TextChoices):
        """A draft never runs."""

        DRAFT = "draft", "Draft"
        SAVED = "saved", "Saved"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    draft_of = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="drafts")
    name = OneLine(max_length=160, blank=True)
    description = models.CharField(max_length=1000, blank=True)
    template = models.ForeignKey(ServiceTemplate, on_delete=models.PROTECT, related_name="jobs")
    version = models.ForeignKey(TemplateVersion, on_delete=models.PROTECT, related_name="jobs")
    job_type = models.CharField(max_length=40)
    agent = models.ForeignKey(Agent, null=True, on_delete=models.PROTECT, related_name="jobs")
    enabled = models.BooleanField(default=True)
    snapshots = models.BooleanField(default=True)
    wants_approval = models.BooleanField(default=False)
    visibility = models.CharField(max_length=10, default=Visibility.PUBLIC.value)
    selection_mode = models.CharField(
        max_length=10, choices=[(m.value, MODE_LABELS[m]) for m in SelectionMode], default=SelectionMode.STATIC.value
    )
    search = models.JSONField(default=dict)
    devices = models.ManyToManyField(Device, through="JobDevice", related_name="jobs")
    tags = models.ManyToManyField(AssetTag, through="JobTag", related_name="jobs")
    account = models.ForeignKey(Credential, null=True, on_delete=models.SET_NULL, related_name="account_of")
    credential = models.ForeignKey(Credential, null=True, on_delete=models.SET_NULL, related_name="jobs")
    variables = models.JSONField(default=dict)
    sealed_variables = models.JSONField(default=dict)
    notify_users = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+")
    notify_groups = models.ManyToManyField(Group, related_name="+")
    overlap = models.CharField(max_length=10, default=Overlap.QUEUE.value)
    in_queue = models.BooleanField(default=False)
    max_parallel = models.PositiveIntegerField(default=25)
    rollout = models.JSONField(default=dict)
    window = models.ForeignKey("ScheduleFilter", null=True, on_delete=models.PROTECT, related_name="+")
    compat = models.JSONField(default=dict)
    # Made with its first request; all of them, closed ones too, are found by it.
    approval_subject = models.OneToOneField(ApprovalSubject, null=True, on_delete=models.PROTECT, related_name="+")
    approval = models.ForeignKey(ApprovalRequest, null=True, on_delete=models.PROTECT, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    edits = models.JSONField(default=dict)
    revision = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-changed_at"]
        constraints = [
            models.UniqueConstraint(
                "tenant",
                Lower("name"),
                name="job_name_once_per_tenant",
                condition=Q(deleted_at=None, draft_of=None) & ~Q(name=""),
            )
        ]
        indexes = [models.Index(fields=["tenant", "-changed_at"])]

    def __str__(self) -> str:
        return self.name or "Unnamed draft"

    @property
    def editors(self) -> list[int]:
        """Everybody (ids) who has ever changed it or one of its triggers."""
        return sorted(int(pk) for pk in self.edits)

    def editors_since(self, moment: datetime | None) -> set[int]:
        """Return who (ids) has changed it after a moment; everybody where there is none."""
        return {int(pk) for pk, at in self.edits.items() if moment is None or datetime.fromisoformat(at) > moment}


class JobDevice(TenantOwned):
    """A device picked into a job's static list."""

    tenant_rules = {"device": "subtree"}

    job = models.ForeignKey(ServiceJob, on_delete=models.CASCADE)
    device = models.ForeignKey(Device, on_delete=models.CASCADE)

    class Meta:
        constraints = [models.UniqueConstraint("job", "device", name="job_device_once")]


class JobTag(TenantOwned):
    """A tag of a job's static list: devices that carry it when the job runs are added."""

    tenant_rules = {"tag": "subtree"}

    job = models.ForeignKey(ServiceJob, on_delete=models.CASCADE)
    tag = models.ForeignKey(AssetTag, on_delete=models.CASCADE)

    class Meta:
        constraints = [models.UniqueConstraint("job", "tag", name="job_tag_once")]


class JobTask(TenantOwned):
    """What a job says about one step of its template. `all_devices` False narrows it to its own devices."""

    job = models.ForeignKey(ServiceJob, on_delete=models.CASCADE, related_name="tasks")
    step = models.PositiveIntegerField()
    all_devices = models.BooleanField(default=True)
    devices = models.ManyToManyField(Device, through="TaskDevice", related_name="+")
    profile = models.ForeignKey(ConfigurationProfile, null=True, on_delete=models.PROTECT, related_name="+")
    credential = models.ForeignKey(Credential, null=True, on_delete=models.SET_NULL, related_name="+")
    connection_protocol = models.CharField(max_length=10, default=ConnectionProtocol.SSH.value)
    transfer_protocol = models.CharField(max_length=10, default=TransferProtocol.TERMINAL.value)

    class Meta:
        ordering = ["step"]
        constraints = [models.UniqueConstraint("job", "step", name="job_task_step_once")]


class TaskDevice(TenantOwned):
    """A device of one task's own device list."""

    tenant_rules = {"device": "subtree"}

    task = models.ForeignKey(JobTask, on_delete=models.CASCADE)
    device = models.ForeignKey(Device, on_delete=models.CASCADE)

    class Meta:
        constraints = [models.UniqueConstraint("task", "device", name="task_device_once")]
