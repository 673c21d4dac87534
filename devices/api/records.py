"""The API of what the product keeps and tells: stored configurations, and the caller's notices. Reading only."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from config.api_body import Query
from config.api_pages import is_before, is_id, is_one_of, is_since, is_uuid
from config.api_resource import Resource
from config.errors import Invalid
from devices import selectors
from devices.api.scoped import Scoped
from devices.models import ConfigSnapshot, Notice
from devices.services.snapshots import compared, shown


class SnapshotSerializer(serializers.ModelSerializer):
    """One stored configuration, without its text."""

    device_name = serializers.CharField(source="device.name")

    class Meta:
        model = ConfigSnapshot
        fields = ["id", "tenant", "device", "device_name", "kind", "taken_at", "sha256", "reason"]
        read_only_fields = fields


class SnapshotDetail(SnapshotSerializer):
    """One stored configuration; the secrets in its text are hidden."""

    content = serializers.SerializerMethodField()

    class Meta(SnapshotSerializer.Meta):
        fields = [*SnapshotSerializer.Meta.fields, "content"]

    def get_content(self, row: ConfigSnapshot) -> str:
        return shown(row)


class DiffSerializer(serializers.Serializer):
    """A unified comparison, line by line, empty when nothing changed; and the lines that differ and count as no
    difference, for they change by themselves."""

    unified = serializers.ListField(child=serializers.CharField())
    ignored = serializers.ListField(child=serializers.CharField())


class DiffQuery(Query):
    """What counts as a difference."""

    ignored = serializers.ChoiceField(
        choices=["show"],
        required=False,
        help_text="`show` counts what changes by itself, such as times, as a difference too.",
    )


class OtherQuery(DiffQuery):
    """What a stored configuration is compared with, and what counts as a difference."""

    other = Scoped(
        selector=selectors.all_visible_snapshots,
        pk_field=serializers.IntegerField(),
        help_text="Another stored configuration of the same device; lines that only this one has are marked +.",
    )


class Snapshots(Resource):
    """Configurations of devices as they were, the newest first; `?search=` finds a device."""

    serializer_class = SnapshotDetail
    queries = {"diff": OtherQuery}
    search_fields, ordering_fields = ["device__name", "device__address"], ["id", "taken_at"]
    filters = {
        "tenant": is_id("tenant"),
        "device": is_uuid("device"),
        "kind": is_one_of("kind", ConfigSnapshot.Kind.choices),
        "taken_from": is_since("taken_at"),
        "taken_before": is_before("taken_at"),
    }

    def get_serializer_class(self) -> type[serializers.Serializer]:
        return SnapshotSerializer if self.action == "list" else SnapshotDetail

    def rows(self, user: User) -> QuerySet[ConfigSnapshot]:
        rows = selectors.all_visible_snapshots(user)
        return rows.defer("content_sealed", "same_as__content_sealed") if self.action == "list" else rows

    @extend_schema(parameters=[OtherQuery], responses=DiffSerializer)
    @action(detail=True, methods=["get"])
    def diff(self, request: Request, pk: str | None = None) -> Response:
        """Compare it with another one of its device: secrets are left out, and so, without `ignored`, is what changes
        by itself."""
        found, asked = self.get_object(), self.asked()
        other = asked["other"]
        if other.device_id != found.device_id:
            raise Invalid(fields={"other": ["It is of another device; choose two of the same one."]})
        both = compared(other, found, found.device.platform, with_ignored="ignored" in asked)
        return Response({"unified": [line for _, line in both.changes], "ignored": [line for _, line in both.ignored]})


class NoticeSerializer(serializers.ModelSerializer):
    """What the product told the caller."""

    class Meta:
        model = Notice
        fields = ["id", "tenant", "text", "url", "created_at", "read_at"]
        read_only_fields = fields


class Notices(Resource):
    """The caller's own notices, the newest first."""

    serializer_class = NoticeSerializer
    search_fields, ordering_fields = ["text"], ["id"]

    def rows(self, user: User) -> QuerySet[Notice]:
        return selectors.visible_notices(user)
