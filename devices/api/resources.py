"""The inventory's API: read what one sees, create what one administers; secrets go in and never come out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Required, TypedDict

from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field, extend_schema_serializer
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from config import limits
from config.api_body import Body, Key, ModelBody, Text
from config.api_pages import is_before, is_id, is_on, is_one_of, is_since
from config.api_resource import Edits, Resource, check_match
from devices import selectors
from devices.api.once import once
from devices.api.scoped import Scoped
from devices.domain.secrets import Secret
from devices.drivers import platforms
from devices.models import Agent, AssetTag, AuditEvent, Credential, Device, Network, Tenant
from devices.services import device_csv, inventory, tenants, vault
from devices.services.values import AgentValues, CredentialValues, DeviceValues, NetworkValues, TagValues


class Creates(mixins.CreateModelMixin):
    """POST creates through one service call; the answer is the stored resource.

    `make(user, data, instance=None)` calls the service: each resource says of what its data is made. `instance` is what
    is changed.
    """

    make: Callable[..., Model]

    @once
    def create(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Check the input, call the service, answer 201."""
        serializer = self.get_serializer(data=request.data)  # type: ignore[attr-defined]
        serializer.is_valid(raise_exception=True)
        made = self.make(request.user, dict(serializer.validated_data))
        body = type(serializer)(made, context=self.get_serializer_context())  # type: ignore[attr-defined]
        return Response(body.data, status=status.HTTP_201_CREATED)


class TenantSerializer(ModelBody):
    parent = Scoped(selector=selectors.visible_tenants, help_text="The tenant it belongs to.")

    class Meta:
        model = Tenant
        fields = ["id", "key", "name", "kind", "parent", "time_zone", "max_parallel", "allow_telnet", "enabled"]
        read_only_fields = ["enabled"]
        extra_kwargs: dict[str, dict[str, object]] = {"key": {"validators": []}}


class TenantSettingsSerializer(ModelBody):
    """What of a tenant is changed afterwards."""

    class Meta:
        model = Tenant
        fields = TenantSerializer.Meta.fields
        read_only_fields = sorted({*fields} - {*tenants.SETTINGS})


class TenantData(TypedDict, total=False):
    """A new tenant."""

    key: Required[str]
    name: Required[str]
    kind: Required[str]
    parent: Required[Tenant]
    time_zone: str
    max_parallel: int | None
    allow_telnet: bool


class Tenants(Creates, Resource):
    """Tenants: MSP, customers, entities."""

    serializer_class = TenantSerializer
    search_fields, ordering_fields = ["name", "key"], ["name", "key"]

    def rows(self, user: User) -> QuerySet[Tenant]:
        return selectors.visible_tenants(user)

    def make(self, user: User, data: TenantData, instance: Tenant | None = None) -> Tenant:
        return tenants.create_tenant(by=user, **data)

    @extend_schema(request=TenantSettingsSerializer(partial=True), responses=TenantSerializer)
    def partial_update(self, request: Request, pk: str | None = None) -> Response:
        """Change its settings; 412 when the ETag in If-Match is not the present one."""
        found = self.get_object()
        check_match(request, self.etag(self.get_serializer(found).data))
        given = TenantSettingsSerializer(found, data=request.data, partial=True, context=self.get_serializer_context())
        given.is_valid(raise_exception=True)
        tenants.change_tenant(by=request.user, tenant=found, **given.validated_data)
        body = self.get_serializer(self.get_object()).data
        return Response(body, headers={"ETag": self.etag(body)})


class Owned(ModelBody):
    """Base of serializers of tenant-owned things."""

    tenant = Scoped(selector=selectors.visible_tenants, help_text="The customer that owns it.")


class NetworkSerializer(Owned):
    jump_host = Scoped(selector=selectors.visible_jump_hosts, required=False, allow_null=True)

    class Meta:
        model = Network
        fields = ["id", "tenant", "name", "description", "jump_host"]
        validators: list[object] = []


class NetworkData(NetworkValues):
    """A network with its tenant."""

    tenant: Required[Tenant]


class Networks(Creates, Edits, Resource):
    """Managed networks."""

    serializer_class = NetworkSerializer
    search_fields, ordering_fields = ["name"], ["name"]

    def rows(self, user: User) -> QuerySet[Network]:
        return selectors.visible_networks(user)

    def make(self, user: User, data: NetworkData, instance: Network | None = None) -> Network:
        return inventory.save_network(by=user, instance=instance, **data)


class AssetTagSerializer(Owned):
    class Meta:
        model = AssetTag
        fields = ["id", "tenant", "name"]
        validators: list[object] = []


class TagData(TagValues):
    """An asset tag with its tenant."""

    tenant: Required[Tenant]


class AssetTags(Creates, Edits, Resource):
    """Asset tags."""

    serializer_class = AssetTagSerializer
    search_fields, ordering_fields = ["name"], ["name"]

    def rows(self, user: User) -> QuerySet[AssetTag]:
        return selectors.visible_tags(user)

    def make(self, user: User, data: TagData, instance: AssetTag | None = None) -> AssetTag:
        return inventory.save_tag(by=user, instance=instance, **data)


class AgentSerializer(Owned):
    class Meta:
        model = Agent
        fields = ["id", "tenant", "name", "queue", "heartbeat_at", "draining", "max_parallel"]
        read_only_fields = ["queue", "heartbeat_at"]
        validators: list[object] = []


class AgentData(AgentValues):
    """An agent with its name and tenant."""

    tenant: Required[Tenant]
    name: Required[str]


class Agents(Creates, Edits, Resource):
    """Agents: execution engines."""

    volatile = ("heartbeat_at",)

    serializer_class = AgentSerializer
    search_fields, ordering_fields = ["name"], ["name"]

    def rows(self, user: User) -> QuerySet[Agent]:
        return selectors.visible_agents(user)

    def make(self, user: User, data: AgentData, instance: Agent | None = None) -> Agent:
        data.setdefault("name", instance.name if instance else "")
        return inventory.save_agent(by=user, instance=instance, **data)


class SecretText(Text):
    """A secret: it goes in byte for byte and never comes out."""

    def __init__(self, **given: object) -> None:
        given.setdefault("max_length", limits.MOST_SECRET_CHARACTERS)
        super().__init__(write_only=True, allow_blank=True, trim_whitespace=False, **given)


class CredentialSerializer(Owned):
    password = SecretText(required=False)
    enable_password = SecretText(required=False)
    private_key = SecretText(required=False)
    passphrase = SecretText(required=False)
    totp_secret = SecretText(required=False)
    certificate = Text(required=False, allow_blank=True, max_length=limits.MOST_SECRET_CHARACTERS)
    holds = serializers.SerializerMethodField(help_text="Which secrets are stored.")

    class Meta:
        model = Credential
        fields = [
            "id",
            "tenant",
            "name",
            "username",
            "password",
            "enable_password",
            "private_key",
            "passphrase",
            "certificate",
            "totp_secret",
            "totp_digits",
            "totp_algorithm",
            "is_default",
            "holds",
        ]
        extra_kwargs = {
            "name": {"required": True, "allow_blank": False},
            "username": {"required": True, "allow_blank": False},
        }
        validators: list[object] = []

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_holds(self, row: Credential) -> list[str]:
        return [name for name in vault.FIELDS if getattr(row, f"{name}_sealed")]


class CredentialData(CredentialValues, total=False):
    """A credential with its tenant and the secrets in clear."""

    tenant: Required[Tenant]
    password: str
    enable_password: str
    private_key: str
    passphrase: str
    totp_secret: str


class Credentials(Creates, Edits, Resource):
    """Credentials: write-only."""

    serializer_class = CredentialSerializer
    search_fields, ordering_fields = ["name"], ["name"]

    def rows(self, user: User) -> QuerySet[Credential]:
        return selectors.visible_credentials(user)

    def make(self, user: User, data: CredentialData, instance: Credential | None = None) -> Credential:
        given = {name: str(data.pop(name, "")) for name in vault.FIELDS}  # type: ignore[misc]
        secrets = {name: Secret(text) if text else None for name, text in given.items()}
        # The secrets were taken out of the data, which its type cannot say.
        return inventory.save_credential(by=user, instance=instance, secrets=secrets, **data)  # type: ignore[misc]


class DeviceSerializer(Owned):
    network = Scoped(selector=selectors.visible_networks)
    credential = Scoped(selector=selectors.visible_credentials, required=False, allow_null=True)
    jump_host = Scoped(selector=selectors.visible_jump_hosts, required=False, allow_null=True)
    tags = Scoped(selector=selectors.visible_tags, many=True, required=False)

    class Meta:
        model = Device
        fields = [
            "id",
            "tenant",
            "name",
            "address",
            "connect_host",
            "connect_port",
            "platform",
            "network",
            "credential",
            "jump_host",
            "direct",
            "console",
            "tags",
            "host_key",
            "legacy_ssh",
            "protocol",
            "enabled",
        ]
        read_only_fields = ["host_key"]
        validators: list[object] = []


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Two devices",
            request_only=True,
            value={
                "tenant": 2,
                "csv": "name,address,platform,network\n"
                "sw01,192.0.2.11,cisco_ios,Main site\n"
                "sw02,192.0.2.12,cisco_ios,Main site\n",
            },
        )
    ]
)
class CsvSerializer(Body):
    """A CSV file as text. The first line names its columns: name, address, platform, network, and more."""

    tenant = Scoped(
        selector=selectors.visible_tenants,
        pk_field=Key(),
        help_text="The customer whose devices these are.",
    )
    csv = Text(trim_whitespace=False, max_length=limits.MOST_CSV_CHARACTERS)


class ImportedSerializer(serializers.Serializer):
    """What an import did."""

    created = serializers.IntegerField()
    changed = serializers.IntegerField()


class DeviceData(DeviceValues, total=False):
    """A device with its tenant and its tags."""

    tenant: Required[Tenant]
    tags: list[AssetTag]


class Devices(Creates, Edits, Resource):
    """Devices."""

    serializer_class = DeviceSerializer
    reading = (*Resource.reading, "bring_in")
    lists = ("list", "export")
    search_fields, ordering_fields = ["name", "address"], ["name", "address", "platform"]
    filters = {
        "tenant": is_id("tenant"),
        "network": is_id("network"),
        "tag": is_id("tags"),
        "enabled": is_on("enabled"),
        "platform": is_one_of("platform", platforms.choices()),
    }

    def rows(self, user: User) -> QuerySet[Device]:
        return selectors.visible_devices(user)

    def make(self, user: User, data: DeviceData, instance: Device | None = None) -> Device:
        return inventory.save_device(by=user, instance=instance, **data)

    @extend_schema(responses={(200, "text/csv"): str}, filters=True)
    @action(detail=False, methods=["get"], pagination_class=None)
    def export(self, request: Request) -> StreamingHttpResponse:
        """The list as a CSV file, whole; filters and search apply. Its columns are those of the import."""
        rows = self.filter_queryset(self.get_queryset()).iterator(chunk_size=500)
        return StreamingHttpResponse(
            device_csv.export_devices(rows),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="devices.csv"', "X-Content-Type-Options": "nosniff"},
        )

    @extend_schema(request=CsvSerializer, responses=ImportedSerializer)
    @action(detail=False, methods=["post"], url_path="import")
    def bring_in(self, request: Request) -> Response:
        """Add and change devices from a CSV file; nothing is done when a line is wrong, and each such line is named."""
        given = CsvSerializer(data=request.data, context=self.get_serializer_context())
        given.is_valid(raise_exception=True)
        data = given.validated_data
        return Response(
            device_csv.import_devices(
                by=request.user, tenant=data["tenant"], data=data["csv"].encode("utf-8", "replace")
            )
        )


class AuditSerializer(serializers.ModelSerializer):
    class Meta:
        model = AuditEvent
        fields = ["id", "at", "tenant", "actor_name", "action", "subject", "details", "hash"]
        read_only_fields = fields


class Audit(Resource):
    """The audit trail of the tenants that the caller administers."""

    serializer_class = AuditSerializer
    search_fields, ordering_fields = ["actor_name", "action", "subject"], ["id"]
    filters = {"tenant": is_id("tenant"), "from": is_since("at"), "before": is_before("at")}

    def rows(self, user: User) -> QuerySet[AuditEvent]:
        return selectors.visible_audit(user)
