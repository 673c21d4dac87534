"""The API of approval requests: read, decide."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from approvals import decisions, selectors
from approvals.decisions import Decision, dispatch
from approvals.domain import Late
from approvals.models import CHOICES, ApprovalEvent, ApprovalRequest
from config import limits
from config.api_body import Body, Choice, Text, YesNo
from config.api_pages import is_id, is_one_of
from config.api_resource import Resource


class EventSerializer(serializers.ModelSerializer):
    actor = serializers.CharField(source="actor.username", default=None)

    class Meta:
        model = ApprovalEvent
        fields = ["action", "actor", "message", "at"]
        read_only_fields = fields


class RequestSerializer(serializers.ModelSerializer):
    requested_by = serializers.CharField(source="requested_by.username")
    events = EventSerializer(many=True, read_only=True)
    required = serializers.IntegerField()
    scope = serializers.CharField()
    content = serializers.JSONField(help_text="Everything that was asked for; its SHA-256 is the digest.")

    class Meta:
        model = ApprovalRequest
        fields = [
            "id",
            "tenant",
            "title",
            "summary",
            "url",
            "digest",
            "status",
            "required",
            "steps",
            "step",
            "scope",
            "used",
            "content",
            "due_at",
            "expires_at",
            "requested_by",
            "created_at",
            "events",
        ]
        read_only_fields = fields


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Approve what was read",
            request_only=True,
            value={"action": "approve", "digest": "9f86d081…", "message": "Go ahead."},
        )
    ]
)
class DecisionSerializer(Body):
    """A decision on exactly the content whose digest was read."""

    action = Choice(choices=decisions.CHOICES)
    digest = Text(max_length=64, required=False, default="")
    message = Text(max_length=limits.MOST_MESSAGE_CHARACTERS, allow_blank=True, default="")
    one_run = YesNo(default=False, help_text="Approve one run, where a series is asked for.")
    late = Choice(
        choices=[("", "—"), *((x.value, x.value) for x in Late)],
        default="",
        help_text="Needed where its time has passed: now, next or none.",
    )


class Approvals(Resource):
    """Approval requests with their log."""

    serializer_class = RequestSerializer
    reading = ("decide",)
    search_fields, ordering_fields = ["title"], ["id"]
    filters = {"tenant": is_id("tenant"), "status": is_one_of("status", CHOICES)}

    def rows(self, user: User) -> QuerySet[ApprovalRequest]:
        return selectors.visible_requests(user).prefetch_related("events__actor")

    @extend_schema(request=DecisionSerializer, responses=RequestSerializer)
    @action(detail=True, methods=["post"])
    def decide(self, request: Request, pk: str | None = None) -> Response:
        """Approve, reject, comment or close."""
        found = self.get_object()
        given = DecisionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        decision = Decision.posted(given.validated_data)
        dispatch(by=request.user, request=found, decision=decision, now=timezone.now())
        return Response(self.get_serializer(self.get_object()).data)
