"""Shapes of jobs and runs in the API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config.errors import Invalid
from devices import selectors as inventory
from devices.api.resources import Scoped
from devices.domain.secrets import Secret
from devices.domain.selection import DeviceSearch, DeviceSelection, SelectionMode
from jobs.domain.missed import MissedPolicy
from jobs.domain.recurrence import ImpossibleRule
from jobs.domain.rollout import Rollout
from jobs.domain.schedules import schedule_from
from jobs.domain.spec import (
    JOB_TYPE_LABELS,
    VISIBILITY_CHOICES,
    Account,
    JobSpec,
    JobType,
    TaskSpec,
    TriggerKind,
    TriggerSpec,
    Visibility,
    once_at,
)
from jobs.domain.turns import OVERLAP_CHOICES, Overlap
from jobs.models import DeviceRun, JobRun, ServiceJob, StepResult, Trigger
from jobs.services import scheduling
from jobs.services.control import AGAIN
from templates_app import selectors as templates


class SearchSerializer(serializers.Serializer):
    text = serializers.CharField(max_length=120, allow_blank=True, default="")
    platforms = serializers.ListField(child=serializers.CharField(), default=list)
    networks = serializers.ListField(child=serializers.IntegerField(), default=list)
    tags = serializers.ListField(child=serializers.IntegerField(), default=list)


class SelectionSerializer(serializers.Serializer):
    mode = serializers.ChoiceField(choices=[m.value for m in SelectionMode], default="static")
    devices = serializers.ListField(child=serializers.UUIDField(), default=list)
    tags = serializers.ListField(child=serializers.IntegerField(), default=list)
    search = SearchSerializer(default=dict)


class AccountSerializer(serializers.Serializer):
    username = serializers.CharField(max_length=120)
    password = serializers.CharField(write_only=True, allow_blank=True, default="")
    enable_password = serializers.CharField(write_only=True, allow_blank=True, default="")


class TaskSerializer(serializers.Serializer):
    step = serializers.IntegerField(min_value=0, help_text="The template step, from 0.")
    devices = serializers.ListField(child=serializers.UUIDField(), allow_null=True, default=None)
    profile = serializers.IntegerField(allow_null=True, default=None)
    credential = serializers.UUIDField(allow_null=True, default=None)


class TriggerOptions(serializers.Serializer):
    """What a trigger has besides its schedule."""

    name = serializers.CharField(max_length=80, allow_blank=True, default="")
    filter = serializers.IntegerField(allow_null=True, default=None)
    enabled = serializers.BooleanField(default=True)
    missed = serializers.ChoiceField(choices=[p.value for p in MissedPolicy], default="once")
    grace_minutes = serializers.IntegerField(min_value=0, max_value=10_080, default=15)
    catch_up = serializers.IntegerField(min_value=1, max_value=500, default=1)


class TriggerSerializer(serializers.ModelSerializer):
    """A stored trigger; `words` says its schedule."""

    filter = serializers.IntegerField(source="schedule_filter_id", allow_null=True)
    words = serializers.SerializerMethodField()

    class Meta:
        model = Trigger
        fields = ["id", "name", "kind", "rule", "words", "filter", "enabled", "missed", "grace_minutes", "catch_up",
                  "next_run_at"]  # fmt: skip
        read_only_fields = fields

    def get_words(self, trigger: Trigger) -> str:
        return scheduling.words(trigger)


class RolloutSerializer(serializers.Serializer):
    """How a run spreads over its devices; 0 means no canaries, no waves, no pause, no limit."""

    canary = serializers.IntegerField(min_value=0, default=0, help_text="So many devices first.")
    wave = serializers.IntegerField(min_value=0, default=0, help_text="Devices in each wave after them.")
    soak = serializers.IntegerField(min_value=0, default=0, help_text="Minutes of pause after each.")
    stop_count = serializers.IntegerField(min_value=0, default=0, help_text="Stop when so many did not succeed.")
    stop_percent = serializers.IntegerField(min_value=0, max_value=100, default=0)
    sample = serializers.IntegerField(min_value=1, default=1, help_text="Of at least so many that have ended.")


class JobInput(serializers.Serializer):
    """What creates a job. `execute`: now, once (with `at`), or none (saved only)."""

    template = Scoped(
        selector=templates.usable_templates,
        pk_field=serializers.IntegerField(),
        help_text="A ready service template; the job's customer is its own.",
    )
    name = serializers.CharField(max_length=160)
    description = serializers.CharField(max_length=1000)
    job_type = serializers.ChoiceField(choices=list(JOB_TYPE_LABELS.items()), default="regular")
    agent = Scoped(selector=inventory.visible_agents, pk_field=serializers.IntegerField())
    enabled = serializers.BooleanField(default=True)
    snapshots = serializers.BooleanField(default=True)
    visibility = serializers.ChoiceField(choices=VISIBILITY_CHOICES, default="public")
    selection = SelectionSerializer()
    account = AccountSerializer(required=False, allow_null=True)
    credential = serializers.UUIDField(allow_null=True, default=None)
    variables = serializers.DictField(child=serializers.CharField(allow_blank=True), default=dict)
    notify_users = serializers.ListField(child=serializers.IntegerField(), default=list)
    notify_groups = serializers.ListField(child=serializers.IntegerField(), default=list)
    tasks = TaskSerializer(many=True, default=list)
    max_parallel = serializers.IntegerField(min_value=1, max_value=500, default=25)
    overlap = serializers.ChoiceField(
        choices=OVERLAP_CHOICES, default="queue", help_text="What becomes of a run while another of this job is open."
    )
    in_queue = serializers.BooleanField(
        default=False, help_text="Run in the queue: one at a time per customer and agent, first in, first out."
    )
    rollout = RolloutSerializer(required=False, default=dict)
    window = serializers.IntegerField(
        allow_null=True, default=None, help_text="A schedule filter (id): devices begin only when it removes nothing."
    )
    triggers = serializers.ListField(
        child=serializers.DictField(),
        default=list,
        help_text="Schedules as in /api/v1/upcoming/, each with an optional name, filter (id), enabled, missed (skip, once, "
        "catch_up), grace_minutes and catch_up.",
    )
    execute = serializers.ChoiceField(choices=["now", "once", "none"], default="none")
    at = serializers.DateTimeField(allow_null=True, default=None)
    time_zone = serializers.CharField(max_length=60, default="UTC")
    request_approval = serializers.BooleanField(default=False)
    message = serializers.CharField(max_length=1000, allow_blank=True, default="")

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        """A time belongs to `once` and to nothing else."""
        if data["execute"] == "once" and data["at"] is None:
            raise serializers.ValidationError({"at": ["Give the date and time for 'once'."]})
        return data

    def spec(self, secret_names: set[str]) -> JobSpec:
        """Return the specification; variables of type secret are taken out of the plain ones."""
        d = self.validated_data
        selection, account = d["selection"], d.get("account")
        search = selection.get("search") or {}
        triggers = tuple(_trigger(data) for data in d["triggers"])
        if d["execute"] == "now":
            triggers += (TriggerSpec(TriggerKind.NOW),)
        elif d["execute"] == "once":
            triggers += (once_at(d["at"], d["time_zone"]),)
        return JobSpec(
            template=d["template"].pk, name=d["name"], description=d["description"], job_type=JobType(d["job_type"]),
            agent=d["agent"].pk, enabled=d["enabled"], snapshots=d["snapshots"], visibility=Visibility(d["visibility"]),
            selection=DeviceSelection(
                SelectionMode(selection["mode"]),
                DeviceSearch(search.get("text", ""), tuple(search.get("networks", ())), tuple(search.get("tags", ())), tuple(search.get("platforms", ()))),
                tuple(str(pk) for pk in selection["devices"]), tuple(selection["tags"]),
            ),
            account=Account(account["username"], Secret(account["password"]) or None, Secret(account["enable_password"]) or None) if account else Account(),
            credential=str(d["credential"]) if d["credential"] else None,
            variables={k: v for k, v in d["variables"].items() if k not in secret_names},
            secret_variables={k: Secret(v) for k, v in d["variables"].items() if k in secret_names},
            notify_users=tuple(d["notify_users"]), notify_groups=tuple(d["notify_groups"]),
            tasks=tuple(
                TaskSpec(t["step"], tuple(map(str, t["devices"])) if t["devices"] is not None else None, t["profile"],
                         str(t["credential"]) if t["credential"] else None)
                for t in d["tasks"]
            ),
            triggers=triggers, max_parallel=d["max_parallel"], overlap=Overlap(d["overlap"]), in_queue=d["in_queue"],
            rollout=Rollout(**d["rollout"]), window=d["window"],
        )  # fmt: skip


def _trigger(data: dict[str, Any]) -> TriggerSpec:
    """Return the trigger of one item of `triggers`; Invalid names what is wrong."""
    rule = {key: value for key, value in data.items() if key not in TriggerOptions().fields}
    try:
        schedule_from(rule)
    except ImpossibleRule as error:
        raise Invalid(fields={f"triggers.{error.field}": [str(error)]}) from None
    options = TriggerOptions(data=data)
    if not options.is_valid():
        raise Invalid(fields={f"triggers.{field}": list(map(str, said)) for field, said in options.errors.items()})
    more = dict(options.validated_data)
    return TriggerSpec(
        TriggerKind(rule["kind"]), rule=rule, schedule_filter=more.pop("filter"), missed=MissedPolicy(more.pop("missed")), **more
    )  # fmt: skip


class JobSerializer(serializers.ModelSerializer):
    """A saved job."""

    approval_status = serializers.SerializerMethodField()
    template_name = serializers.CharField(source="template.name")
    template_version = serializers.IntegerField(source="version.number")
    created_by = serializers.CharField(source="created_by.username")
    next_run_at = serializers.DateTimeField(read_only=True, allow_null=True)
    triggers = serializers.SerializerMethodField()

    class Meta:
        model = ServiceJob
        fields = [
            "id", "tenant", "name", "description", "template", "template_name", "template_version", "job_type", "agent",
            "enabled", "snapshots", "visibility", "overlap", "in_queue", "selection_mode", "variables", "status", "triggers", "approval", "approval_status",
            "next_run_at", "created_by", "created_at", "changed_at",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(TriggerSerializer(many=True))
    def get_triggers(self, job: ServiceJob) -> Any:
        live = [t for t in job.triggers.all() if not t.retired and t.kind != TriggerKind.NOW]
        return TriggerSerializer(live, many=True).data

    def get_approval_status(self, job: ServiceJob) -> str:
        return job.approval.status if job.approval else "not_requested"


class DiffSerializer(serializers.Serializer):
    """A unified comparison, line by line; empty when nothing changed or no configurations were read."""

    unified = serializers.ListField(child=serializers.CharField())


class AgainSerializer(serializers.Serializer):
    """Which devices of an ended run to run again."""

    which = serializers.ChoiceField(choices=list(AGAIN), default="failed")


class RunSerializer(serializers.ModelSerializer):
    """One run; `counts` says how many devices are in each status."""

    executed_by = serializers.CharField(source="executed_by.username")
    trigger_name = serializers.CharField(source="trigger.name", allow_null=True, default=None)
    lateness = serializers.DurationField(
        read_only=True, allow_null=True, help_text="From the due time to the first device begun."
    )
    ended_count = serializers.IntegerField(read_only=True)
    ok_count = serializers.IntegerField(read_only=True)

    class Meta:
        model = JobRun
        fields = [
            "id", "tenant", "job", "job_name", "job_type", "network_names", "template_name", "template_version", "agent",
            "executed_by", "approval_note", "digest", "status", "reason", "device_count", "ended_count", "ok_count",
            "trigger_name", "scheduled_for", "started_at", "lateness", "ended_at", "parent", "wave", "next_wave_at",
            "paused_at", "pause_reason",
        ]  # fmt: skip
        read_only_fields = fields


class ExchangeSerializer(serializers.Serializer):
    sent = serializers.CharField()
    received = serializers.CharField()
    rejected = serializers.BooleanField()


class StepResultSerializer(serializers.ModelSerializer):
    exchanges = serializers.SerializerMethodField()

    class Meta:
        model = StepResult
        fields = [
            "position",
            "name",
            "kind",
            "status",
            "verdict",
            "message",
            "started_at",
            "ended_at",
            "output_size",
            "exchanges",
        ]
        read_only_fields = fields

    def get_exchanges(self, step: StepResult) -> list[dict[str, Any]]:
        return [
            {"sent": sent, "received": received, "rejected": rejected} for sent, received, rejected in step.exchanges
        ]


class DeviceRunSerializer(serializers.ModelSerializer):
    """One device of a run: how it ended and how far it got."""

    class Meta:
        model = DeviceRun
        fields = [
            "id", "run", "device", "device_name", "address", "platform", "credential_name", "status", "reason", "message",
            "intended", "confirmed", "started_at", "ended_at",
        ]  # fmt: skip
        read_only_fields = fields


class DeviceRunDetail(DeviceRunSerializer):
    """The same with its plan and every line sent and received."""

    steps = StepResultSerializer(many=True, read_only=True)
    plan = serializers.JSONField(source="plan_data")

    class Meta(DeviceRunSerializer.Meta):
        fields = [*DeviceRunSerializer.Meta.fields, "plan", "steps"]
        read_only_fields = fields
