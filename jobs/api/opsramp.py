"""OpsRamp's job API: its URLs, bodies and answers, on our verbs. No slash ends these URLs."""

from __future__ import annotations

from typing import TypedDict, TypeVar

from django.db.models import Model, QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config import limits
from config.api_body import Body, Query, Text
from config.api_resource import Strict
from config.errors import Invalid, NotFound
from devices import access as tenants
from devices import selectors as inventory
from devices.api.once import once
from devices.models import Tenant
from devices.services.masking import Maskers
from jobs import selectors
from jobs.api.opsramp_answers import envelope, job_body, output_row
from jobs.authoring import drafts, opsramp
from jobs.domain.opsramp.body import Body as JobBody
from jobs.domain.opsramp.body import parse
from jobs.domain.opsramp.reader import Wrong
from jobs.models import ServiceJob
from templates_app import selectors as templates

ANY = {200: OpenApiTypes.OBJECT}


class Search(Query):
    """What a list is asked for."""

    pageNo = serializers.IntegerField(min_value=1, max_value=100_000, default=1)  # noqa: N815 - OpsRamp's names
    pageSize = serializers.IntegerField(min_value=1, max_value=500, default=100)  # noqa: N815
    isDescendingOrder = serializers.BooleanField(default=True)  # noqa: N815
    sortName = serializers.ChoiceField(choices=["id", "name"], default="id")  # noqa: N815
    queryString = serializers.CharField(max_length=200, default="", allow_blank=True)  # noqa: N815


Row = TypeVar("Row", bound=Model)


class Asked(TypedDict):
    """The words of a search, checked."""

    pageNo: int
    pageSize: int
    isDescendingOrder: bool
    sortName: str
    queryString: str


class TenantView(Strict):
    """Everything below one tenant; a tenant that the caller may not see does not exist."""

    def tenant(self, key: str) -> Tenant:
        """Return the tenant of the URL."""
        return tenants.get_visible(self.request.user, inventory.visible_tenants(self.request.user), key=key)

    def jobs(self, key: str) -> QuerySet[ServiceJob]:
        """Return the tenant's jobs that the caller sees."""
        rows = selectors.visible_jobs(self.request.user).filter(tenant=self.tenant(key))
        return rows.prefetch_related("triggers", "devices__tenant", "template__script__parameters")

    def job(self, key: str, pk: str) -> ServiceJob:
        """Return one of them."""
        return tenants.get_visible(self.request.user, self.jobs(key), pk=pk)

    def answer(self, job: ServiceJob) -> Response:
        """Answer with a job's body."""
        return Response(job_body(job))

    reading = ("post",)


class Jobs(TenantView):
    """The tenant's jobs."""

    queries = {"get": Search}

    @extend_schema(parameters=[Search], responses=ANY, operation_id="opsramp_jobs_search")
    def get(self, request: Request, tenant: str) -> Response:
        """Search jobs; rows leave their entities out."""
        asked: Asked = self.asked()
        rows = self.jobs(tenant)
        for word in asked["queryString"].split():
            rows = rows.filter(name__icontains=word)
        order = "name" if asked["sortName"] == "name" else "created_at"
        rows = rows.order_by(f"{'-' if asked['isDescendingOrder'] else ''}{order}", "pk")
        page = _page(rows, asked)
        bodies = [job_body(job, entities=False) for job in page]
        return _framed(bodies, rows.count(), asked)

    @extend_schema(request=OpenApiTypes.OBJECT, responses=ANY, operation_id="opsramp_jobs_create")
    @once
    def post(self, request: Request, tenant: str) -> Response:
        """Create a job; the answer is 200 with the job as it was understood."""
        found = self.tenant(tenant)
        made = opsramp.create(by=request.user, tenant=found, body=_parsed(request.data), now=timezone.now())
        return self.answer(self.job(tenant, str(made.pk)))


class Types(TenantView):
    """The job types that run here."""

    @extend_schema(responses=ANY, operation_id="opsramp_job_types")
    def get(self, request: Request, tenant: str) -> Response:
        """List them."""
        self.tenant(tenant)
        rows = [{"jobName": words.name, "jobtype": kind} for kind, words in opsramp.words().items()]
        return Response({"jobNameAndType": rows})


class Job(TenantView):
    """One job."""

    @extend_schema(responses=ANY, operation_id="opsramp_job_get")
    def get(self, request: Request, tenant: str, job: str) -> Response:
        """Show it."""
        return self.answer(self.job(tenant, job))

    @extend_schema(request=OpenApiTypes.OBJECT, responses=ANY, operation_id="opsramp_job_update")
    def post(self, request: Request, tenant: str, job: str) -> Response:
        """Change it to what the body says; a body with an id must have the job's."""
        found = self.job(tenant, job)
        data = request.data
        if isinstance(data, dict) and data.get("id", str(found.pk)) != str(found.pk):
            raise Invalid(fields={"id": ["The id in the body is another job's."]})
        opsramp.update(by=request.user, job=found, body=_parsed(data), now=timezone.now())
        return self.answer(self.job(tenant, job))

    @extend_schema(responses={200: None}, operation_id="opsramp_job_delete")
    def delete(self, request: Request, tenant: str, job: str) -> Response:
        """Delete it; its runs stay in the history."""
        drafts.delete_job(by=request.user, job=self.job(tenant, job))
        return Response(status=200)


class Reason(Body):
    """Why a job is run now."""

    reason = Text(max_length=limits.MOST_MESSAGE_CHARACTERS, allow_blank=True, default="")


class Run(TenantView):
    """Running one job."""

    @extend_schema(request=Reason, responses=ANY, operation_id="opsramp_job_run")
    @once
    def post(self, request: Request, tenant: str, job: str) -> Response:
        """Start it now, with a reason for the record."""
        given = Reason(data=request.data)
        given.is_valid(raise_exception=True)
        reason = given.validated_data["reason"]
        run = opsramp.run(by=request.user, job=self.job(tenant, job), reason=reason, now=timezone.now())
        return Response({"success": True, "jobId": str(run.job_id), "runId": run.pk, "status": run.status})


class Outputs(TenantView):
    """What a script gave."""

    queries = {"get": Search}

    @extend_schema(parameters=[Search], responses=ANY, operation_id="opsramp_script_outputs")
    def get(self, request: Request, tenant: str, script: int) -> Response:
        """List a script's output, device by device, the newest first."""
        found = self.tenant(tenant)
        if not templates.scripts_for(found).filter(pk=script).exists():
            raise NotFound("There is no such script.")
        asked: Asked = self.asked()
        rows = selectors.script_device_runs(request.user, found, script)
        maskers = Maskers()
        page = [output_row(row, maskers) for row in _page(rows, asked)]
        return _framed(page, rows.count(), {**asked, "sortName": "id", "isDescendingOrder": True})


def _page(rows: QuerySet[Row], asked: Asked) -> list[Row]:
    """Return the page of rows that a search asks for."""
    first = (asked["pageNo"] - 1) * asked["pageSize"]
    return list(rows[first : first + asked["pageSize"]])


def _framed(bodies: list[dict[str, object]], total: int, asked: Asked) -> Response:
    """Answer with one page of a search."""
    return Response(
        envelope(
            bodies,
            total=total,
            page=asked["pageNo"],
            size=asked["pageSize"],
            order=asked["sortName"],
            descending=asked["isDescendingOrder"],
        )
    )


def _parsed(data: object) -> JobBody:
    try:
        return parse(data, opsramp.words())
    except Wrong as error:
        raise Invalid(fields=error.fields) from None
