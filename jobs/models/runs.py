"""Runs: a job run, its device runs, and what each step gave. Ended rows never change."""

from datetime import datetime, timedelta
from typing import TypeAlias

import orjson
from django.conf import settings
from django.db import models
from django.utils import timezone

from approvals.models import ApprovalRequest
from config import key_ring
from devices.domain.endpoints import parsed
from devices.domain.masking import Masker
from devices.models import Agent, ConfigSnapshot, Device, TenantOwned, Worker
from jobs.domain import endings
from jobs.domain.bypass import CHOICES as BYPASS_CHOICES
from jobs.domain.plan import DevicePlan
from jobs.domain.states import CHOICES, OPEN, RunStatus
from jobs.models.jobs import ServiceJob
from jobs.models.triggers import Trigger

#: A line sent, the answer to it, and whether the device rejected it.
Exchange: TypeAlias = tuple[str, str, bool]


class JobRun(TenantOwned):
    """One execution of a job. Names are copied, so that history tells what was, not what is.

    `scheduled_for` is when it was due; `planned_at` None means that nobody has decided about it yet. Devices of waves
    up to `wave` may begin; the next one opens at `next_wave_at`. `proven` lists the credentials that a device has
    accepted; `only` the devices (ids) of the parent that run again, `resumes` at which step (position) each of them
    goes on, where it does not begin anew; refusals before `resumed_at` count no more. `planned_steps` are the steps,
    [position, name], that its devices have between them, in order. A change ran by its `approval`, or because of a
    `bypass`, which is a request that nobody was asked about.
    """

    tenant_rules = {"agent": "ancestors"}

    job = models.ForeignKey(ServiceJob, on_delete=models.PROTECT, related_name="runs")
    # Without indexes of their own: the unique constraint leads with the trigger, and a partial one finds the few
    # parents.
    trigger = models.ForeignKey(Trigger, null=True, on_delete=models.SET_NULL, related_name="runs", db_index=False)
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="reruns", db_index=False)
    scheduled_for = models.DateTimeField()
    job_name = models.CharField(max_length=160)
    job_type = models.CharField(max_length=40)
    network_names = models.CharField(max_length=300, blank=True)
    template_name = models.CharField(max_length=120)
    template_version = models.PositiveIntegerField()
    agent = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    executed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    approval = models.ForeignKey(
        ApprovalRequest, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    bypass = models.CharField(max_length=10, blank=True, choices=BYPASS_CHOICES)
    digest = models.CharField(max_length=64, blank=True)
    max_parallel = models.PositiveIntegerField(default=25)
    planned_steps = models.JSONField(null=True)
    rollout = models.JSONField(default=dict)
    wave = models.PositiveIntegerField(default=0)
    next_wave_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)
    stopped_at = models.DateTimeField(null=True)
    pause_reason = models.CharField(max_length=300, blank=True)
    resumed_at = models.DateTimeField(null=True)
    proven = models.JSONField(null=True)
    only = models.JSONField(null=True)
    resumes = models.JSONField(null=True)
    in_queue = models.BooleanField(default=False)
    status = models.CharField(max_length=12, choices=CHOICES, default=RunStatus.QUEUED.value)
    reason = models.CharField(max_length=500, blank=True)
    device_count = models.PositiveIntegerField(default=0)
    cancel_requested_at = models.DateTimeField(null=True)
    cancelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(default=timezone.now)
    planned_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint("trigger", "scheduled_for", name="one_run_per_occurrence")]
        indexes = [
            models.Index(fields=["tenant", "-id"]),
            models.Index(fields=["parent"], name="reruns", condition=models.Q(parent__isnull=False)),
            models.Index(
                fields=["status"],
                name="open_runs",
                condition=models.Q(status__in=sorted(status.value for status in OPEN)),
            ),
            models.Index(
                fields=["id"], name="unplanned_runs", condition=models.Q(status=RunStatus.QUEUED.value, planned_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"Run {self.pk} of {self.job_name}"

    @property
    def is_open(self) -> bool:
        """Say whether it can still change."""
        return self.status in OPEN

    @property
    def approval_note(self) -> str:
        """Say by what right it changes devices; empty where it changes none."""
        if self.bypass:
            return f"bypassed: {self.get_bypass_display()}"
        return f"approved by request {self.approval_id}" if self.approval_id else ""

    @property
    def lateness(self) -> timedelta | None:
        """How long after its due time the first device was begun; None when none was."""
        return max(timedelta(0), self.started_at - self.scheduled_for) if self.started_at else None

    @property
    def warning(self) -> bool:
        """Say whether it succeeded, with a warning of some device."""
        return endings.has_warning(self.status, self.reason)

    @property
    def label(self) -> str:
        """The words for its status."""
        return endings.label(self.status, self.reason)

    @property
    def colour(self) -> str:
        """The theme's colour of its status."""
        return endings.colour(self.status, self.reason)


class DeviceRun(TenantOwned):
    """One device in a run: its plan, who works on it (lease), how far it got (journal), how it ended.

    `intended` and `confirmed` count commands in plan order; `intended` is durable before a command that may change the
    device is sent. `token` grows with every claim; a write that carries an older one does nothing. `endpoint` is where
    it connects; with `exclusive` nobody else may talk to the device meanwhile. While it waits for a device that another
    device run holds, `waits_for` is the id of that one (of any tenant) and `waiting_since` its place in the line.
    """

    #: The keys of its device that it holds (`devices.domain.boxes`), in the process that works on it.
    keys: frozenset[str] = frozenset()
    #: Since when it had waited for its device when it was claimed, likewise.
    waited_since: datetime | None = None

    tenant_rules = {
        "device": "subtree",
        "snapshot_before": "same",
        "snapshot_after": "same",
        "startup_before": "same",
        "startup_after": "same",
    }

    run = models.ForeignKey(JobRun, on_delete=models.CASCADE, related_name="device_runs", db_index=False)
    device = models.ForeignKey(Device, null=True, on_delete=models.SET_NULL, related_name="runs")
    device_name = models.CharField(max_length=120)
    address = models.CharField(max_length=64)
    platform = models.CharField(max_length=40)
    credential_name = models.CharField(max_length=160, blank=True)
    credential_key = models.CharField(max_length=40, blank=True)
    endpoint = models.CharField(max_length=280, blank=True)
    exclusive = models.BooleanField(default=True)
    wave = models.PositiveIntegerField(default=0)
    plan_data = models.JSONField()
    status = models.CharField(max_length=12, choices=CHOICES, default=RunStatus.QUEUED.value)
    reason = models.CharField(max_length=40, blank=True)
    message = models.TextField(blank=True)
    worker = models.ForeignKey(Worker, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    tries = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True)
    waiting_since = models.DateTimeField(null=True)
    waits_for = models.BigIntegerField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    token = models.PositiveIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True)
    intended = models.PositiveIntegerField(default=0)
    confirmed = models.PositiveIntegerField(default=0)
    snapshot_before = models.ForeignKey(
        ConfigSnapshot, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    snapshot_after = models.ForeignKey(
        ConfigSnapshot, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    startup_before = models.ForeignKey(
        ConfigSnapshot, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    startup_after = models.ForeignKey(
        ConfigSnapshot, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    @property
    def hops(self) -> tuple[tuple[str, int], ...]:
        """The jump hosts (host, port) on the way to it, the first one first."""
        return tuple(parsed(hop[2]) for hop in self.plan_data.get("via", ()))

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint("run", "device", name="device_once_per_run")]
        indexes = [
            models.Index(fields=["run", "status", "id"]),
            models.Index(fields=["status", "id"]),
            models.Index(fields=["lease_expires_at"], name="running_leases", condition=models.Q(status="running")),
            models.Index(fields=["endpoint"], name="device_lines", condition=models.Q(waiting_since__isnull=False)),
            models.Index(fields=["waits_for"], name="waiters", condition=models.Q(waits_for__isnull=False)),
            models.Index(
                fields=["snapshot_before"], name="snapshot_before", condition=models.Q(snapshot_before__isnull=False)
            ),
            models.Index(
                fields=["snapshot_after"], name="snapshot_after", condition=models.Q(snapshot_after__isnull=False)
            ),
            models.Index(
                fields=["startup_before"], name="startup_before", condition=models.Q(startup_before__isnull=False)
            ),
            models.Index(
                fields=["startup_after"], name="startup_after", condition=models.Q(startup_after__isnull=False)
            ),
            models.Index(fields=["worker"], name="work_of", condition=models.Q(status="running")),
        ]

    def __str__(self) -> str:
        return f"{self.device_name} in run {self.run_id}"

    @property
    def plan(self) -> DevicePlan:
        """What is sent to this device."""
        return DevicePlan.from_json(self.plan_data)

    @property
    def is_open(self) -> bool:
        """Say whether it can still change."""
        return self.status in OPEN

    @property
    def warning(self) -> bool:
        """Say whether it succeeded, with a message on what did not go well."""
        return endings.has_warning(self.status, self.message)


class DeviceLock(TenantOwned):
    """A device run holds a device, across all jobs and tenants. `key` is one by which a box is known
    (`devices.domain.boxes`).

    A device has two slots: a change takes both, a reader takes one; the constraint is the lock. A quarantined hold
    belongs to a worker of which nobody knows whether it has stopped; it stays until its host says so, or a person.
    """

    device_run = models.ForeignKey(DeviceRun, on_delete=models.CASCADE, related_name="locks")
    key = models.CharField(max_length=280)
    slot = models.PositiveSmallIntegerField()
    quarantined_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint("key", "slot", name="a_slot_once")]

    def __str__(self) -> str:
        return f"{self.key} held by {self.device_run}"


class LinePlace(TenantOwned):
    """A device run that waits stands in line for each key of its device, as it knew them when it began to wait.

    Those of `rank` 0 come first: their devices had accepted a login there before. Of the others, each customer's first
    one has rank 1, its next one 2.
    """

    device_run = models.ForeignKey(DeviceRun, on_delete=models.CASCADE, related_name="places")
    key = models.CharField(max_length=280, db_index=True)
    rank = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint("device_run", "key", name="once_in_each_line")]

    def __str__(self) -> str:
        return f"{self.device_run} in line for {self.key}"


class StepResult(TenantOwned):
    """What one step gave on one device; `verdict` is what its checks found.

    `exchanges_sealed` is packed JSON: [[sent, received, rejected], …].
    """

    device_run = models.ForeignKey(DeviceRun, on_delete=models.CASCADE, related_name="steps", db_index=False)
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=10)
    status = models.CharField(max_length=12, choices=CHOICES, default=RunStatus.RUNNING.value)
    message = models.TextField(blank=True)
    verdict = models.CharField(max_length=4, blank=True)
    exchanges_sealed = models.BinaryField(default=b"")
    output_size = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    #: What hides the secrets on its device.
    masker: Masker | None = None

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint("device_run", "position", name="step_once_per_device_run")]

    def __str__(self) -> str:
        return f"{self.name} on {self.device_run}"

    @property
    def sealed_row(self) -> str:
        """It is sealed before it has an id."""
        return f"{self.device_run_id}:{self.position}"

    def take(self, exchanges: list[Exchange]) -> None:
        """Hold what was said so far; the row says already whose it is."""
        self.exchanges_sealed = key_ring.pack(orjson.dumps(exchanges), self.bound_to("exchanges_sealed"))
        self.output_size = sum(len(received) for _, received, _ in exchanges)

    @property
    def exchanges(self) -> list[Exchange]:
        """Each line sent with the answer it got, secrets hidden, and whether the device rejected it.

        Who shows them has given it its masker (`jobs.results.transcripts`); without one there is nothing to see.
        """
        if self.masker is None:
            raise RuntimeError("A step is shown with a masker only.")
        if not self.exchanges_sealed:
            return []
        kept = orjson.loads(key_ring.unpack(bytes(self.exchanges_sealed), self.bound_to("exchanges_sealed")))
        hide = self.masker.hide_all
        return [(hide(sent), hide(received), rejected) for sent, received, rejected in kept]

    @property
    def output(self) -> str:
        """All that was received, one answer after the other."""
        return "".join(received if received.endswith("\n") else received + "\n" for _, received, _ in self.exchanges)


class KeptConfiguration(TenantOwned):
    """A configuration that a device run read and that was kept; `changed` says that it differs from the last one."""

    device_run = models.ForeignKey(DeviceRun, on_delete=models.CASCADE, related_name="kept_configurations")
    snapshot = models.ForeignKey("devices.ConfigSnapshot", on_delete=models.CASCADE, related_name="+")
    changed = models.BooleanField(default=False)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.snapshot} kept by {self.device_run}"
