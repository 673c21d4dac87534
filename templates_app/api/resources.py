"""The API of service templates, configuration profiles and scripts."""

from __future__ import annotations

from typing import Required, TypedDict

from django.contrib.auth.models import User
from django.db.models import QuerySet
from rest_framework import serializers

from config import limits
from config.api_body import Body, Choice, ModelBody, Named, Several, Text, Whole, YesNo
from config.api_resource import Edits, Resource
from config.errors import Invalid
from config.json_value import Json
from devices import selectors as inventory
from devices.api.resources import Creates
from devices.api.scoped import Scoped
from devices.drivers.platforms import script_families
from devices.models import Tenant
from templates_app import selectors
from templates_app.domain.content import MOST_GUARD_MINUTES, StepKind, TemplateContent, VariableType
from templates_app.domain.scripts import Parameter
from templates_app.models import ConfigurationProfile, Script, ScriptParameter, ServiceTemplate
from templates_app.services import authoring, library
from templates_app.services.values import ProfileValues, ScriptValues


class StepSerializer(Body):
    name = Text(max_length=120)
    kind = Choice(choices=[k.value for k in StepKind])
    commands = Named(child=Text(), most=limits.MOST_ITEMS, help_text="Platform key, or * for any → command lines.")
    save = YesNo(default=False)
    timeout = Whole(default=30, min_value=1, max_value=600)
    resumable = YesNo(default=False, help_text="May be done again from its beginning after it failed.")
    restarts = YesNo(default=False, help_text="The device restarts at its end; the next step waits for it.")
    guard = Whole(
        default=0,
        min_value=0,
        max_value=MOST_GUARD_MINUTES,
        help_text="Minutes after which the device takes the step back unless a new connection confirms it; 0 means no.",
    )
    answers = Several(
        child=Several(child=Text(allow_blank=True, max_length=120), min_length=2, max_length=2),
        default=list,
        max_length=20,
        help_text="Pairs of question and answer: what is sent while the device asks for it.",
    )


class VariableSerializer(Body):
    name = Text(max_length=40)
    type = Choice(choices=[t.value for t in VariableType], default="text")
    label = Text(max_length=80, allow_blank=True, default="")
    help = Text(max_length=200, allow_blank=True, default="")
    required = YesNo(default=True)
    default = Text(max_length=500, allow_blank=True, default="")
    choices = Several(child=Text(max_length=500), default=list)


class TemplateSerializer(ModelBody):
    tenant = Scoped(selector=inventory.visible_tenants)
    version = serializers.IntegerField(source="current.number", read_only=True)
    platforms = Several(child=Text(max_length=40), default=list, source="current.data.platforms")
    variables = VariableSerializer(
        many=True, default=list, source="current.data.variables", max_length=limits.MOST_VARIABLES
    )
    steps = StepSerializer(many=True, source="current.data.steps", max_length=limits.MOST_STEPS)
    changes_devices = serializers.BooleanField(source="current.content.changes_devices", read_only=True)

    class Meta:
        model = ServiceTemplate
        fields = [
            "id",
            "tenant",
            "name",
            "description",
            "status",
            "version",
            "changes_devices",
            "platforms",
            "variables",
            "steps",
        ]
        validators: list[object] = []


class CurrentData(TypedDict, total=False):
    """The content of a template's version, as it is stored."""

    data: dict[str, Json]


class TemplateData(TypedDict, total=False):
    """A template with its tenant and the content of its version."""

    tenant: Required[Tenant]
    name: str
    description: str
    status: str
    current: CurrentData


class Templates(Creates, Edits, Resource):
    """Service templates with the content of their current version."""

    serializer_class = TemplateSerializer
    search_fields, ordering_fields = ["name", "description"], ["name"]

    def rows(self, user: User) -> QuerySet[ServiceTemplate]:
        return selectors.visible_templates(user).filter(current__isnull=False)

    def make(self, user: User, data: TemplateData, instance: ServiceTemplate | None = None) -> ServiceTemplate:
        content = data.get("current", {}).get("data", {})
        if instance:
            content = instance.latest.data | content
        try:
            return authoring.save_template(
                by=user,
                tenant=data["tenant"],
                instance=instance,
                name=data.get("name", instance.name if instance else ""),
                description=data.get("description", instance.description if instance else ""),
                status=data.get("status", instance.status if instance else "ready"),
                content=TemplateContent.from_json(content),
            )
        except (KeyError, ValueError) as error:
            raise Invalid(fields={"steps": [f"The content cannot be read: {error}."]}) from None


class ProfileSerializer(ModelBody):
    tenant = Scoped(selector=inventory.visible_tenants)
    values = Named(child=Text(), default=dict)

    class Meta:
        model = ConfigurationProfile
        fields = ["id", "tenant", "name", "description", "values"]
        validators: list[object] = []


class ProfileData(ProfileValues):
    """A profile with its tenant."""

    tenant: Required[Tenant]


class Profiles(Creates, Edits, Resource):
    """Configuration profiles."""

    serializer_class = ProfileSerializer
    search_fields, ordering_fields = ["name"], ["name"]

    def rows(self, user: User) -> QuerySet[ConfigurationProfile]:
        return selectors.visible_profiles(user)

    def make(self, user: User, data: ProfileData, instance: ConfigurationProfile | None = None) -> ConfigurationProfile:
        if instance:
            data.setdefault("name", instance.name)
        return authoring.save_profile(by=user, instance=instance, **data)


class ParameterSerializer(ModelBody):
    number = Whole(min_value=1, max_value=999_999, help_text="Its id in OpsRamp's API (paramId).")
    data_type = Choice(choices=list(library.DATA_TYPES), default="STRING")
    required = YesNo(default=False)
    default = Text(max_length=500, allow_blank=True, default="")

    class Meta:
        model = ScriptParameter
        fields = ["number", "name", "required", "data_type", "default"]


class ScriptSerializer(ModelBody):
    tenant = Scoped(selector=inventory.visible_tenants)
    platforms = Several(child=Choice(choices=list(script_families())), default=list)
    execution_type = Choice(
        choices=list(library.EXECUTION_TYPES),
        help_text="COMMAND: lines for the device itself; others: what an interpreter reads.",
    )
    parameters = ParameterSerializer(many=True, default=list, max_length=limits.MOST_VARIABLES)
    body = Text(
        trim_whitespace=False,
        help_text="The script. Parameters are variables of their names in it; in COMMAND they are {{ p<number> }}.",
    )
    version = serializers.IntegerField(source="number", read_only=True)

    class Meta:
        model = Script
        fields = [
            "id",
            "tenant",
            "category",
            "name",
            "description",
            "platforms",
            "execution_type",
            "body",
            "parameters",
            "version",
        ]
        validators: list[object] = []


class ParameterData(TypedDict):
    """A parameter of a script (`templates_app.domain.scripts.Parameter`)."""

    number: int
    name: str
    data_type: str
    required: bool
    default: str


class ScriptData(ScriptValues, total=False):
    """A script with its tenant and its parameters."""

    tenant: Required[Tenant]
    parameters: list[ParameterData]


class Scripts(Creates, Edits, Resource):
    """The script library; OpsRamp's custom jobs run from it."""

    serializer_class = ScriptSerializer
    search_fields, ordering_fields = ["name", "category"], ["name", "category"]

    def rows(self, user: User) -> QuerySet[Script]:
        return selectors.visible_scripts(user)

    def make(self, user: User, data: ScriptData, instance: Script | None = None) -> Script:
        given = data.pop("parameters", None)
        rows = None if given is None else [Parameter(**row) for row in given]
        if instance:
            data.setdefault("name", instance.name)
        # The parameters were taken out of the data, which its type cannot say.
        return library.save_script(by=user, instance=instance, parameters=rows, **data)  # type: ignore[arg-type, misc]
