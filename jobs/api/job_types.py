"""GET /api/v1/job-types/: the kinds of jobs that there are, with the JSON Schema of their parameters."""

from __future__ import annotations

from collections.abc import Collection

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from config.api_pages import NUMBER_WORDS, Numbered
from config.api_resource import Strict
from jobs import types
from jobs.types.base import JobType, Targets
from templates_app.domain.variables import json_schema


class JobTypeSerializer(serializers.Serializer):
    """One kind of job."""

    key = serializers.CharField()
    label = serializers.CharField()
    audience = serializers.CharField(help_text="Whom it is for, and what it does.")
    families = serializers.DictField(child=serializers.CharField(), help_text="Its names in other products.")
    targets = serializers.ChoiceField(choices=[target.value for target in Targets])
    changes_devices = serializers.BooleanField(allow_null=True, help_text="Null where its template says so.")
    parameters = serializers.JSONField(
        help_text="JSON Schema of a job's `variables`. Null where they are those of its template or script."
    )


class JobTypes(Strict, GenericViewSet):
    """The job types, in the order in which people see them."""

    serializer_class = JobTypeSerializer
    pagination_class = Numbered
    lookup_field = lookup_url_kwarg = "key"

    def words(self) -> Collection[str]:
        """The list comes in pages."""
        return NUMBER_WORDS if self.action == "list" else ()

    def get_queryset(self) -> list[JobType]:
        """Return all of them; they are no rows, and the same for everybody."""
        return [*types.BY_KEY.values()]

    @extend_schema(responses=JobTypeSerializer(many=True))
    def list(self, request: Request) -> Response:
        """List the types that work here."""
        page = self.paginator.paginate_queryset(self.get_queryset(), request, self)
        return self.paginator.get_paginated_response([_shown(one) for one in page])

    @extend_schema(parameters=[OpenApiParameter("key", str, OpenApiParameter.PATH)])
    def retrieve(self, request: Request, key: str) -> Response:
        """Show one, by its key."""
        return Response(_shown(types.get(key)))


def _shown(one: JobType) -> dict[str, object]:
    content = one.template().content if one.template else None
    return {
        "key": one.key,
        "label": one.label,
        "audience": one.audience,
        "families": dict(one.families),
        "targets": one.targets.value,
        "changes_devices": content.changes_devices if content else None,
        "parameters": json_schema(content.variables) if content else None,
    }
