"""The API of jobs and runs: the same verbs as the wizard and the run page."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from approvals.models import ApprovalRequest
from config.api_body import Query, YesNo
from config.api_pages import is_before, is_id, is_on, is_one_of, is_since, is_uuid, is_yes
from config.api_resource import Resource, check_match
from devices.api.once import once
from devices.api.records import DiffQuery
from jobs import control, selectors, types
from jobs.api.evidence import diff_body
from jobs.api.inputs import JobInput
from jobs.api.serializers import (
    AgainSerializer,
    DeviceRunDetail,
    DeviceRunSerializer,
    JobDetail,
    JobSerializer,
    RunDiffSerializer,
    RunSerializer,
)
from jobs.api.upcoming import UpcomingQuery, UpcomingSerializer, occurrences
from jobs.api.wishes import AskSerializer, UnapprovedSerializer, scope_of, wish_of
from jobs.authoring import drafts
from jobs.dispatch import approval_gate, starter
from jobs.domain.states import CHOICES
from jobs.models import DeviceRun, JobRun, ServiceJob
from jobs.plan import builder
from jobs.results.transcripts import FOLLOW_SECONDS, follow
from jobs.schedule import next_times


class CreatedJob(JobDetail):
    """A new job and the run it started, if it did."""

    run = serializers.SerializerMethodField()

    class Meta(JobDetail.Meta):
        fields = [*JobDetail.Meta.fields, "run"]

    def get_run(self, job: ServiceJob) -> int | None:
        return self.context.get("run")


class OutputQuery(Query):
    """Which part of a transcript is wanted."""

    start = serializers.IntegerField(
        min_value=0, max_value=2**63 - 1, default=0, help_text="Leave so many bytes out: those one has already."
    )
    follow = serializers.BooleanField(default=False, help_text="Go on while it grows, for a minute at most.")


class RunNowSerializer(UnapprovedSerializer):
    """How a job is started now."""

    confirmed = YesNo(
        default=False, help_text="Start it though that uses up an approval which is meant for a later run."
    )


class AskedSerializer(serializers.ModelSerializer):
    """The approval request that was made."""

    class Meta:
        model = ApprovalRequest
        fields = ["id", "status", "digest"]


class PlanSerializer(serializers.Serializer):
    """What would be sent now."""

    digest = serializers.CharField()
    devices = serializers.ListField(child=serializers.DictField())


class Jobs(Resource):
    """Service jobs."""

    queries = {"upcoming": UpcomingQuery}
    reading = (*Resource.reading, "run", "request_approval")

    serializer_class = JobSerializer
    search_fields, ordering_fields = ["name", "description"], ["name", "changed_at"]
    filters = {
        "tenant": is_id("tenant"),
        "template": is_id("template"),
        "agent": is_id("agent"),
        "enabled": is_on("enabled"),
        "status": is_one_of("status", ServiceJob.Status.choices),
        "job_type": is_one_of("job_type", types.choices),
    }
    volatile = ("next_run_at", "changed_at")

    def get_serializer_class(self) -> type[serializers.Serializer]:
        return JobSerializer if self.action == "list" else JobDetail

    def rows(self, user: User) -> QuerySet[ServiceJob]:
        return selectors.visible_jobs(user).prefetch_related("triggers")

    @extend_schema(responses=JobDetail)
    def retrieve(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Show one, with its definition."""
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(request=JobInput, responses={201: CreatedJob})
    @once
    def create(self, request: Request) -> Response:
        """Make a job, and start it or request its approval as asked."""
        given = JobInput(data=request.data, context=self.get_serializer_context())
        given.is_valid(raise_exception=True)
        data = given.validated_data
        spec = given.spec(data["template"].current)
        job, run = drafts.create_job(by=request.user, spec=spec, wish=wish_of(data))
        return created(self, job, run)

    @extend_schema(request=JobInput, responses=JobDetail)
    def update(self, request: Request, pk: str | None = None) -> Response:
        """Make the job what is given, all of it; an approval of other content is void. `execute` now starts it."""
        job = self.get_object()
        check_match(request, self.etag(self.get_serializer(job).data))
        given = JobInput(data=request.data, context=self.get_serializer_context())
        given.is_valid(raise_exception=True)
        drafts.change_job(by=request.user, job=job, spec=given.spec(job.version))
        body = self.get_serializer(self.get_object()).data
        return Response(body, headers={"ETag": self.etag(body)})

    def destroy(self, request: Request, pk: str | None = None) -> Response:
        """Delete a job; its runs stay in the history."""
        drafts.delete_job(by=request.user, job=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=RunNowSerializer, responses={201: RunSerializer})
    @action(detail=True, methods=["post"])
    @once
    def run(self, request: Request, pk: str | None = None) -> Response:
        """Start the job now. 409 with the code `unconfirmed` says what that would use up."""
        given = RunNowSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        data, by, now = given.validated_data, request.user, timezone.now()
        if reason := data.get("without_approval"):
            run = starter.run_unapproved(by=by, job=self.get_object(), reason=reason, now=now)
        else:
            run = starter.run_now(by=by, job=self.get_object(), now=now, confirmed=data["confirmed"])
        return Response(_run_body(request, run), status=status.HTTP_201_CREATED)

    @extend_schema(request=AskSerializer, responses={201: JobDetail})
    @action(detail=True, methods=["post"], url_path="request-approval")
    @once
    def request_approval(self, request: Request, pk: str | None = None) -> Response:
        """Ask for approval of what the job would do now; again, where an earlier request was closed or rejected."""
        given = AskSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        data = given.validated_data
        approval_gate.request(
            by=request.user,
            job=self.get_object(),
            message=data["message"],
            now=timezone.now(),
            scope=scope_of(data),
            at_most=data.get("at_most"),
        )
        return Response(self.get_serializer(self.get_object()).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses=PlanSerializer)
    @action(detail=True, methods=["get"])
    def plan(self, request: Request, pk: str | None = None) -> Response:
        """What the job would send now, device by device."""
        plan = builder.plan_of(self.get_object(), request.user)
        return Response({"digest": plan.digest, "devices": plan.bodies})

    @extend_schema(parameters=[UpcomingQuery], responses=UpcomingSerializer)
    @action(detail=True, methods=["get"])
    def upcoming(self, request: Request, pk: str | None = None) -> Response:
        """When the job's triggers fire next, merged; `trigger` is the position among its enabled triggers."""
        data = self.asked()
        return Response(
            occurrences(next_times.preview(self.get_object(), data.get("after") or timezone.now(), data["n"]))
        )


class Runs(Resource):
    """Runs: Job History."""

    reading = ("again",)
    paged = ("devices",)

    serializer_class = RunSerializer
    search_fields, ordering_fields = ["job_name"], ["id", "scheduled_for", "status"]
    filters = {
        "tenant": is_id("tenant"),
        "job": is_uuid("job"),
        "agent": is_id("agent"),
        "job_type": is_one_of("job_type", types.choices),
        "status": is_one_of("status", CHOICES),
        "warning": is_yes(selectors.with_warning),
        "scheduled_from": is_since("scheduled_for"),
        "scheduled_before": is_before("scheduled_for"),
    }

    def rows(self, user: User) -> QuerySet[JobRun]:
        return selectors.with_counts(selectors.visible_runs(user).select_related("trigger")).order_by("-id")

    @extend_schema(request=None, responses=RunSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str | None = None) -> Response:
        """Stop the run."""
        control.cancel_run(by=request.user, run=self.get_object(), now=timezone.now())
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=None, responses=RunSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str | None = None) -> Response:
        """Let a paused run go on."""
        control.resume_run(by=request.user, run=self.get_object(), now=timezone.now())
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=AgainSerializer, responses={201: RunSerializer, 202: AskedSerializer})
    @action(detail=True, methods=["post"])
    @once
    def again(self, request: Request, pk: str | None = None) -> Response:
        """Run the failed, not started or interrupted devices of an ended run again, as a new run.

        Those of a change need an approval of their own: 202 says that it was asked for; post again when it is given.
        """
        given = AgainSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        run, wish, now = self.get_object(), wish_of(given.validated_data), timezone.now()
        which, by = given.validated_data["which"], request.user
        if wish.message is not None:
            job = control.request_again(by=by, run=run, which=which, message=wish.message, now=now)
            return Response(AskedSerializer(job.approval).data, status=status.HTTP_202_ACCEPTED)
        if wish.reason is not None:
            made = control.bypass_again(by=by, run=run, which=which, reason=wish.reason, now=now)
        else:
            made = control.run_again(by=by, run=run, which=which, now=now)
        return Response(_run_body(request, made), status=status.HTTP_201_CREATED)

    @extend_schema(responses=DeviceRunSerializer(many=True))
    @action(detail=True, methods=["get"])
    def devices(self, request: Request, pk: str | None = None) -> Response:
        """The run's devices, paged."""
        rows = (
            selectors.visible_device_runs(request.user).filter(run=self.get_object()).defer("plan_data").order_by("pk")
        )
        page = self.paginator.paginate_queryset(rows, request)
        return self.get_paginated_response(DeviceRunSerializer(page, many=True).data)


class DeviceRuns(Resource):
    """Device runs with every line sent and received."""

    queries = {"output": OutputQuery, "diff": DiffQuery}

    serializer_class = DeviceRunDetail
    search_fields, ordering_fields = ["device_name", "address"], ["id"]
    filters = {
        "tenant": is_id("tenant"),
        "run": is_id("run"),
        "device": is_uuid("device"),
        "status": is_one_of("status", CHOICES),
        "warning": is_yes(selectors.with_warning),
        "started_from": is_since("started_at"),
        "started_before": is_before("started_at"),
    }

    def get_serializer_class(self) -> type[serializers.Serializer]:
        return DeviceRunSerializer if self.action == "list" else DeviceRunDetail

    @extend_schema(parameters=[DiffQuery], responses=RunDiffSerializer)
    @action(detail=True, methods=["get"])
    def diff(self, request: Request, pk: str | None = None) -> Response:
        """What the run changed in the configuration: secrets are left out, and so, without `ignored`, is what changes
        by itself."""
        return Response(diff_body(self.get_object(), with_ignored="ignored" in self.asked()))

    @extend_schema(request=None, responses=DeviceRunSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str | None = None) -> Response:
        """Stop this device; the others of its run go on."""
        control.cancel_device(by=request.user, device_run=self.get_object(), now=timezone.now())
        return Response(DeviceRunSerializer(self.get_object()).data)

    @extend_schema(parameters=[OutputQuery], responses={(200, "text/plain"): str})
    @action(detail=True, methods=["get"])
    def output(self, request: Request, pk: str | None = None) -> StreamingHttpResponse:
        """Every line sent and received, as text; with `follow` as it comes, for a minute at most or until the end."""
        asked = self.asked()
        seconds = FOLLOW_SECONDS if asked["follow"] else 0.0
        text = follow(self.get_object(), asked["start"], seconds)
        headers = {"X-Content-Type-Options": "nosniff", "X-Accel-Buffering": "no", "Cache-Control": "no-store"}
        return StreamingHttpResponse(text, content_type="text/plain; charset=utf-8", headers=headers)

    def rows(self, user: User) -> QuerySet[DeviceRun]:
        rows = selectors.visible_device_runs(user)
        return rows.defer("plan_data") if self.action == "list" else rows.prefetch_related("steps")


def created(view: Resource, job: ServiceJob, run: JobRun | None) -> Response:
    """Answer with a new job and the run that it started."""
    job = selectors.visible_jobs(view.request.user).get(pk=job.pk)
    context = {**view.get_serializer_context(), "run": run.pk if run else None}
    return Response(CreatedJob(job, context=context).data, status=status.HTTP_201_CREATED)


def _run_body(request: Request, run: JobRun) -> dict[str, object]:
    """Return a run as lists show it, with the counts of its devices."""
    return RunSerializer(selectors.with_counts(selectors.visible_runs(request.user)).get(pk=run.pk)).data
