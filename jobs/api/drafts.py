"""The API of drafts, built bit by bit like in the wizard, and of single triggers of saved jobs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from config.api_pages import is_id, is_on, is_one_of, is_uuid
from config.api_resource import Edits, Resource, check_match
from config.errors import Invalid
from devices.api.once import once
from devices.api.resources import Creates
from jobs import selectors
from jobs.api.inputs import JobInput, kind_of
from jobs.api.resources import CreatedJob, created
from jobs.api.serializers import DraftSerializer, TriggerDetail
from jobs.api.wishes import WishSerializer, wish_of
from jobs.authoring import drafts, triggers
from jobs.domain.spec import JobSpec, TriggerKind, TriggerSpec
from jobs.models import ServiceJob, Trigger
from jobs.plan.job_mapping import spec_of, trigger_spec


class SubmitSerializer(WishSerializer):
    """How a draft becomes a job."""


class Drafts(Resource):
    """The caller's drafts of new jobs.

    `problems` says what is still missing; nothing of it keeps a draft from being kept.
    """

    serializer_class = DraftSerializer
    reading = (*Resource.reading, "submit")
    search_fields, ordering_fields = ["name", "description"], ["name", "changed_at"]
    filters = {"tenant": is_id("tenant"), "template": is_id("template")}
    volatile = ("changed_at",)

    def rows(self, user: User) -> QuerySet[ServiceJob]:
        return selectors.own_drafts(user).prefetch_related("triggers")

    @extend_schema(request=JobInput(partial=True), responses={201: DraftSerializer})
    @once
    def create(self, request: Request) -> Response:
        """Open a draft of a template, with as much as is known already."""
        given = self._given(request)
        template = given.validated_data.get("template")
        if template is None:
            raise Invalid(fields={"template": ["Choose the service template."]})
        draft = drafts.open_draft(by=request.user, template_id=template.pk, change=lambda d: self._spec(given, d))
        return self._show(draft, status.HTTP_201_CREATED)

    @extend_schema(request=JobInput(partial=True), responses=DraftSerializer)
    def partial_update(self, request: Request, pk: str | None = None) -> Response:
        """Put down more of it; what is not given stays."""
        draft = self.get_object()
        check_match(request, self.etag(self.get_serializer(draft).data))
        given = self._given(request)
        if given.validated_data.get("template", draft.template) != draft.template:
            raise Invalid(fields={"template": ["A draft keeps its template; open another one."]})
        drafts.save_draft(by=request.user, draft=draft, spec=self._spec(given, draft))
        return self._show(draft)

    def destroy(self, request: Request, pk: str | None = None) -> Response:
        """Throw a draft away."""
        drafts.discard_draft(by=request.user, draft=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=SubmitSerializer, responses={201: CreatedJob})
    @action(detail=True, methods=["post"])
    @once
    def submit(self, request: Request, pk: str | None = None) -> Response:
        """Make a job of it: save it, start it where its schedule says now, or ask for approval."""
        given = SubmitSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        draft, wish = self.get_object(), wish_of(given.validated_data)
        return created(self, *drafts.finish_draft(by=request.user, draft=draft, wish=wish, needs_schedule=False))

    def _given(self, request: Request) -> JobInput:
        given = JobInput(data=request.data, partial=True, context=self.get_serializer_context())
        given.is_valid(raise_exception=True)
        return given

    def _spec(self, given: JobInput, draft: ServiceJob) -> JobSpec:
        return given.spec(draft.version, spec_of(draft))

    def _show(self, draft: ServiceJob, code: int = status.HTTP_200_OK) -> Response:
        self.kwargs["pk"] = str(draft.pk)
        body = self.get_serializer(self.get_object()).data
        return Response(body, status=code, headers={"ETag": self.etag(body)})


#: What the services call the parts of a trigger, and the API.
NAMES = {"schedule_filter": "filter", "schedule": "rule"}


class Triggers(Creates, Edits, Resource):
    """The triggers of saved jobs, one by one. A change voids an approval of what the job was before."""

    serializer_class = TriggerDetail
    search_fields, ordering_fields = ["name", "job__name"], ["id"]
    filters = {
        "job": is_uuid("job"),
        "enabled": is_on("enabled"),
        "kind": is_one_of("kind", [(k.value, k.value) for k in TriggerKind if k is not TriggerKind.NOW]),
    }
    volatile = ("next_run_at",)

    def rows(self, user: User) -> QuerySet[Trigger]:
        return selectors.visible_triggers(user)

    # Any: what the serializer made of each field.
    def make(self, user: User, data: dict[str, Any], instance: Trigger | None = None) -> Trigger:
        job = data.pop("job", instance.job if instance else None)
        if instance and job != instance.job:
            raise Invalid(fields={"job": ["It stays with its job; make a new one there."]})
        data.pop("tenant", None)
        try:
            return triggers.save_trigger(by=user, job=job, spec=_spec(data, instance), instance=instance)
        except Invalid as error:
            raise Invalid(fields={NAMES.get(name, name): said for name, said in error.fields.items()}) from None

    def lock(self, found: Trigger) -> None:
        """The job comes before its triggers, as in every other change of it."""
        drafts.lock_job(found.job_id)

    def destroy(self, request: Request, pk: str | None = None) -> Response:
        """Take it out of its job; the runs that it made stay."""
        triggers.remove_trigger(by=request.user, trigger=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


# Any: as above.
def _spec(data: dict[str, Any], instance: Trigger | None) -> TriggerSpec:
    """Return what is given over what is stored."""
    base = trigger_spec(instance) if instance else TriggerSpec(kind=TriggerKind.ONCE)
    if "schedule_filter_id" in data:
        data["schedule_filter"] = data.pop("schedule_filter_id")
    if "rule" in data:
        data["kind"] = kind_of(data["rule"], "rule")
    return replace(base, **data)
