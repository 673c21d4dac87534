"""The API of what the product keeps and tells: stored configurations, and the caller's notices. Reading only."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from config.api_pages import is_before, is_id, is_one_of, is_since, is_uuid
from config.api_resource import Resource
from devices import selectors
from devices.domain.configs import mask
from devices.models import ConfigSnapshot, Notice


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
        return mask(row.content)


class Snapshots(Resource):
    """Configurations of devices as they were, the newest first; `?search=` finds a device."""

    serializer_class = SnapshotDetail
    search_fields, ordering_fields = ["device__name", "device__address"], ["id", "taken_at"]
    filters = {
        "tenant": is_id("tenant"), "device": is_uuid("device"), "kind": is_one_of("kind", ConfigSnapshot.Kind.choices),
        "taken_from": is_since("taken_at"), "taken_before": is_before("taken_at"),
    }  # fmt: skip

    def get_serializer_class(self) -> Any:
        return SnapshotSerializer if self.action == "list" else SnapshotDetail

    def rows(self, user: Any) -> Any:
        rows = selectors.all_visible_snapshots(user)
        return rows.defer("content_z", "same_as__content_z") if self.action == "list" else rows


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

    def rows(self, user: Any) -> Any:
        return selectors.visible_notices(user)
