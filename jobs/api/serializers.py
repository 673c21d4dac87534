"""Shapes of jobs and runs in the API."""

from __future__ import annotations

from django.utils.functional import cached_property
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from config import limits
from config.api_body import Choice, Key, KnownNames, ModelBody, Text, Uuid, Whole, YesNo
from devices.api.scoped import Scoped
from jobs import selectors
from jobs.api.inputs import JobInput, as_given
from jobs.api.wishes import UnapprovedSerializer
from jobs.authoring import drafts
from jobs.control import AGAIN, RESUME
from jobs.domain import endings
from jobs.domain.misfire import MisfirePolicy
from jobs.domain.plan import SNAPSHOTS
from jobs.domain.spec import OPTIONS, TriggerKind
from jobs.models import DeviceRun, JobRun, ServiceJob, StepResult, Trigger
from jobs.plan.job_mapping import spec_of
from jobs.results.transcripts import with_maskers
from jobs.schedule import next_times


class TriggerSerializer(serializers.ModelSerializer):
    """A stored trigger; `words` says its schedule."""

    filter = serializers.IntegerField(source="schedule_filter_id", allow_null=True)
    words = serializers.SerializerMethodField()

    class Meta:
        model = Trigger
        fields = [
            "id",
            "name",
            "kind",
            "rule",
            "words",
            "filter",
            "enabled",
            "missed",
            "grace_minutes",
            "catch_up",
            "next_run_at",
        ]
        read_only_fields = fields

    def get_words(self, trigger: Trigger) -> str:
        return next_times.words(trigger)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Every night, without holidays",
            request_only=True,
            value={
                "job": "5f0c2d9e-4c55-4f0e-8a39-0f6f1e6c7b11",
                "name": "Nightly",
                "filter": 1,
                "missed": "once",
                "grace_minutes": 30,
                "rule": {"kind": "daily", "time_zone": "Europe/Berlin", "start_at": "2027-01-01T02:30:00"},
            },
        )
    ]
)
class TriggerDetail(KnownNames, TriggerSerializer):
    """A trigger of a saved job, as it is read and written."""

    serializer_field_mapping = ModelBody.serializer_field_mapping
    job = Scoped(selector=selectors.visible_jobs, pk_field=Uuid())
    rule = serializers.DictField(help_text="Its schedule as in /api/v1/upcoming/.")
    filter = Key(source="schedule_filter_id", allow_null=True, required=False, help_text="A schedule filter (id).")
    missed = Choice(choices=[p.value for p in MisfirePolicy], required=False)
    grace_minutes = Whole(min_value=0, max_value=10_080, required=False)
    catch_up = Whole(min_value=1, max_value=500, required=False)

    class Meta(TriggerSerializer.Meta):
        fields = ["job", *TriggerSerializer.Meta.fields]
        read_only_fields = ["kind", "next_run_at"]


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
            "id",
            "tenant",
            "name",
            "description",
            "template",
            "template_name",
            "template_version",
            "job_type",
            "agent",
            *(option.name for option in OPTIONS),
            "selection_mode",
            "variables",
            "status",
            "triggers",
            "approval",
            "approval_status",
            "next_run_at",
            "created_by",
            "created_at",
            "changed_at",
        ]
        read_only_fields = fields

    @extend_schema_field(TriggerSerializer(many=True))
    def get_triggers(self, job: ServiceJob) -> list[dict[str, object]]:
        live = [t for t in job.triggers.all() if not t.retired and t.kind != TriggerKind.NOW]
        return [self.one_trigger.to_representation(trigger) for trigger in live]

    @cached_property
    def one_trigger(self) -> TriggerSerializer:
        """Made once for a whole list: making it costs more than what it does."""
        return TriggerSerializer()

    def get_approval_status(self, job: ServiceJob) -> str:
        return job.approval.status if job.approval else "not_requested"


class JobDetail(JobSerializer):
    """A job with its whole definition, which PUT takes back; secrets stay where they are."""

    definition = serializers.SerializerMethodField()

    class Meta(JobSerializer.Meta):
        fields = [*JobSerializer.Meta.fields, "definition"]

    @extend_schema_field(JobInput)
    def get_definition(self, job: ServiceJob) -> dict[str, object]:
        return as_given(spec_of(job))


class DraftSerializer(JobDetail):
    """A draft, with what is still missing or wrong in it, by field."""

    problems = serializers.SerializerMethodField()

    class Meta(JobDetail.Meta):
        fields = [*JobDetail.Meta.fields, "problems"]

    @extend_schema_field(serializers.DictField(child=serializers.ListField(child=serializers.CharField())))
    def get_problems(self, job: ServiceJob) -> dict[str, list[str]]:
        return drafts.problems_of(job, self.context["request"].user)


class AgainSerializer(UnapprovedSerializer):
    """Which devices of an ended run to run again; with `resume`, those that can go on at the step that failed."""

    which = Choice(choices=[*AGAIN, RESUME], default="failed")
    request_approval = YesNo(default=False, help_text="Ask for approval of exactly these devices.")
    message = Text(max_length=limits.MOST_MESSAGE_CHARACTERS, allow_blank=True, default="")


class RunSerializer(serializers.ModelSerializer):
    """One run; `counts` says how many devices are in each status."""

    executed_by = serializers.CharField(source="executed_by.username")
    trigger_name = serializers.CharField(source="trigger.name", allow_null=True, default=None)
    lateness = serializers.DurationField(
        read_only=True, allow_null=True, help_text="From the due time to the first device begun."
    )
    warning = serializers.BooleanField(
        read_only=True, help_text="It succeeded, with a warning of some device; `reason` names which."
    )
    ended_count = serializers.IntegerField(read_only=True)
    ok_count = serializers.IntegerField(read_only=True)

    bypass = serializers.CharField(
        read_only=True, help_text="By what right it ran without an approval; empty where it had one, or needed none."
    )

    class Meta:
        model = JobRun
        fields = [
            "id",
            "tenant",
            "job",
            "job_name",
            "job_type",
            "network_names",
            "template_name",
            "template_version",
            "agent",
            "executed_by",
            "approval",
            "bypass",
            "approval_note",
            "digest",
            "status",
            "warning",
            "reason",
            "device_count",
            "ended_count",
            "ok_count",
            "trigger_name",
            "scheduled_for",
            "started_at",
            "lateness",
            "ended_at",
            "parent",
            "wave",
            "next_wave_at",
            "paused_at",
            "pause_reason",
        ]
        read_only_fields = fields


class ExchangeSerializer(serializers.Serializer):
    sent = serializers.CharField()
    received = serializers.CharField()
    rejected = serializers.BooleanField()


class StepResultSerializer(serializers.ModelSerializer):
    exchanges = serializers.SerializerMethodField()
    outcome = serializers.SerializerMethodField(help_text="How it ended in words: a configuration may be `Not read`.")

    class Meta:
        model = StepResult
        fields = [
            "position",
            "name",
            "kind",
            "status",
            "outcome",
            "verdict",
            "message",
            "started_at",
            "ended_at",
            "output_size",
            "exchanges",
        ]
        read_only_fields = fields

    def get_outcome(self, step: StepResult) -> str:
        return endings.of_step(step.kind, step.status, step.verdict)[1]

    @extend_schema_field(ExchangeSerializer(many=True))
    def get_exchanges(self, step: StepResult) -> list[dict[str, object]]:
        return [
            {"sent": sent, "received": received, "rejected": rejected} for sent, received, rejected in step.exchanges
        ]


class ReadingSerializer(serializers.Serializer):
    """A configuration that a device run was to read: the stored one and when it was read, or why there is none."""

    which = serializers.ChoiceField(choices=list(SNAPSHOTS))
    name = serializers.CharField(help_text="The same for people.")
    read = serializers.BooleanField()
    snapshot = serializers.IntegerField(allow_null=True, help_text="Its id under /api/v1/snapshots/.")
    read_at = serializers.DateTimeField(allow_null=True)
    why_not = serializers.CharField(help_text="Why it was not read; empty where it was.")


class RunDiffSerializer(serializers.Serializer):
    """What a run did to the running configuration (`unified`) and to the startup configuration, line by line.

    Empty when nothing changed; null when the two were not both read: `configurations` says which was, when, and why
    not. `ignored` and `startup_ignored` are the lines that differ and count as no difference.
    """

    unified = serializers.ListField(child=serializers.CharField(), allow_null=True)
    startup = serializers.ListField(child=serializers.CharField(), allow_null=True)
    ignored = serializers.ListField(child=serializers.CharField())
    startup_ignored = serializers.ListField(child=serializers.CharField())
    headings = serializers.ListField(
        child=serializers.CharField(), help_text="What each comparison is, and when the second one was read."
    )
    configurations = ReadingSerializer(many=True)


class DeviceRunSerializer(serializers.ModelSerializer):
    """One device of a run: how it ended and how far it got; `warning` is a success with a message."""

    warning = serializers.BooleanField(read_only=True)

    class Meta:
        model = DeviceRun
        fields = [
            "id",
            "run",
            "device",
            "device_name",
            "address",
            "platform",
            "credential_name",
            "status",
            "warning",
            "reason",
            "message",
            "intended",
            "confirmed",
            "started_at",
            "ended_at",
        ]
        read_only_fields = fields


class DeviceRunDetail(DeviceRunSerializer):
    """The same with its plan and every line sent and received."""

    steps = serializers.SerializerMethodField()
    plan = serializers.JSONField(source="plan_data")

    class Meta(DeviceRunSerializer.Meta):
        fields = [*DeviceRunSerializer.Meta.fields, "plan", "steps"]
        read_only_fields = fields

    @extend_schema_field(StepResultSerializer(many=True))
    def get_steps(self, row: DeviceRun) -> list[dict[str, object]]:
        return StepResultSerializer(with_maskers(row.steps.all()), many=True).data
