"""What the API takes: whole jobs, parts of drafts, triggers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Required, TypedDict, cast
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from config import limits
from config.api_body import Body, Choice, Key, Moment, Named, Several, Text, Uuid, Whole, YesNo
from config.errors import Invalid
from devices import selectors as inventory
from devices.api.resources import SecretText
from devices.api.scoped import Scoped
from devices.domain.secrets import Secret
from devices.domain.selection import DeviceSearch, DeviceSelection, SelectionMode
from jobs import types
from jobs.api.wishes import WishSerializer
from jobs.domain.misfire import MisfirePolicy
from jobs.domain.options import Option
from jobs.domain.recurrence import ImpossibleRule
from jobs.domain.rollout import Rollout
from jobs.domain.schedule_json import ScheduleJson, schedule_from
from jobs.domain.spec import (
    OPTIONS,
    Account,
    JobSpec,
    TaskSpec,
    TriggerKind,
    TriggerSpec,
    once_at,
)
from templates_app import selectors as templates
from templates_app.domain.content import VariableType
from templates_app.models import TemplateVersion


class SearchSerializer(Body):
    text = Text(max_length=120, allow_blank=True, default="")
    platforms = Several(child=Text(max_length=40), default=list)
    networks = Several(child=Key(), default=list)
    tags = Several(child=Key(), default=list)


class SelectionSerializer(Body):
    mode = Choice(choices=[m.value for m in SelectionMode], default="static")
    devices = Several(child=Uuid(), default=list, max_length=limits.MOST_DEVICES)
    tags = Several(child=Key(), default=list)
    search = SearchSerializer(default=dict)


class AccountSerializer(Body):
    username = Text(max_length=120)
    password = SecretText(default="")
    enable_password = SecretText(default="")


class TaskSerializer(Body):
    step = Whole(min_value=0, help_text="The template step, from 0.")
    devices = Several(child=Uuid(), allow_null=True, default=None, max_length=limits.MOST_DEVICES)
    profile = Key(allow_null=True, default=None)
    credential = Uuid(allow_null=True, default=None)

    def validate(self, data: dict[str, object]) -> dict[str, object]:
        """A task is about a step, in a part of a draft too."""
        if "step" not in data:
            raise serializers.ValidationError({"step": ["Say which step of the template this is about."]})
        return data


class TypeField(Choice):
    """The key of a job type; the choices are those of the registry at the moment of use."""

    def __init__(self, **options: object) -> None:
        options.pop("choices", None)
        super().__init__(choices=types.choices(), **options)


class TriggerOptions(Body):
    """What a trigger has besides its schedule."""

    name = Text(max_length=80, allow_blank=True, default="")
    filter = Key(allow_null=True, default=None)
    enabled = YesNo(default=True)
    missed = Choice(choices=[p.value for p in MisfirePolicy], default="once")
    grace_minutes = Whole(min_value=0, max_value=10_080, default=15)
    catch_up = Whole(min_value=1, max_value=500, default=1)


class RolloutSerializer(Body):
    """How a run spreads over its devices; 0 means no canaries, no waves, no pause, no limit."""

    canary = Whole(min_value=0, default=0, help_text="So many devices first.")
    wave = Whole(min_value=0, default=0, help_text="Devices in each wave after them.")
    soak = Whole(min_value=0, default=0, help_text="Minutes of pause after each.")
    stop_count = Whole(min_value=0, default=0, help_text="Stop when so many did not succeed.")
    stop_percent = Whole(min_value=0, max_value=100, default=0)
    sample = Whole(min_value=1, default=1, help_text="Of at least so many that have ended.")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A survey that runs now",
            request_only=True,
            value={
                "template": 1,
                "name": "Survey",
                "description": "Reads versions.",
                "agent": 2,
                "selection": {"mode": "search", "search": {"platforms": ["cisco_ios"]}},
                "execute": "now",
            },
        ),
        OpenApiExample(
            "A change every Sunday, with approval",
            request_only=True,
            value={
                "template": 2,
                "name": "NTP",
                "description": "Sets the time server.",
                "agent": 2,
                "selection": {"mode": "static", "tags": [1]},
                "variables": {"ntp_server": "198.51.100.3"},
                "triggers": [
                    {
                        "kind": "weekly",
                        "weekdays": ["sunday"],
                        "time_zone": "Europe/Berlin",
                        "start_at": "2027-01-03T02:30:00",
                        "name": "Sunday night",
                    }
                ],
                "rollout": {"canary": 1, "wave": 10, "soak": 5, "stop_count": 1},
                "request_approval": True,
                "message": "As discussed.",
            },
        ),
    ]
)
class JobInput(WishSerializer):
    """What creates a job. `execute`: now, once (with `at`), or none (saved only)."""

    template = Scoped(
        selector=templates.usable_templates,
        pk_field=Key(),
        help_text="A ready service template; the job's customer is its own.",
    )
    name = Text(max_length=160)
    description = Text(max_length=limits.MOST_MESSAGE_CHARACTERS)
    job_type = TypeField(
        default="", allow_blank=True, help_text="The template says which type it is; another is refused."
    )
    agent = Scoped(
        selector=inventory.visible_agents,
        pk_field=Key(),
        allow_null=True,
        help_text="The agent that runs it; a draft may have none yet.",
    )
    selection = SelectionSerializer()
    account = AccountSerializer(required=False, allow_null=True)
    credential = Uuid(allow_null=True, default=None)
    variables = Named(child=Text(allow_blank=True, trim_whitespace=False), default=dict, most=limits.MOST_VARIABLES)
    notify_users = Several(child=Key(), default=list)
    notify_groups = Several(child=Key(), default=list)
    tasks = TaskSerializer(many=True, default=list, max_length=limits.MOST_STEPS)
    rollout = RolloutSerializer(required=False, default=dict)
    window = Key(
        allow_null=True, default=None, help_text="A schedule filter (id): devices begin only when it removes nothing."
    )
    triggers = Several(
        child=serializers.DictField(),
        default=list,
        max_length=limits.MOST_TRIGGERS,
        help_text="Schedules as in /api/v1/upcoming/, each with an optional name, filter (id), enabled, "
        "missed (skip, once, catch_up), grace_minutes and catch_up.",
    )
    execute = Choice(choices=["now", "once", "none"], default="none")
    at = Moment(allow_null=True, default=None)
    time_zone = Text(max_length=60, default="UTC")

    def get_fields(self) -> dict[str, serializers.Field]:
        """Return the fields, those of the job's options among them."""
        return {**super().get_fields(), **{option.name: _field_of(option) for option in OPTIONS}}

    def validate(self, data: dict[str, object]) -> dict[str, object]:
        """A time belongs to `once` and to nothing else."""
        if data.get("execute") == "once" and data.get("at") is None:
            raise serializers.ValidationError({"at": ["Give the date and time for 'once'."]})
        return super().validate(data)

    def spec(self, version: TemplateVersion, base: JobSpec | None = None) -> JobSpec:
        """Return the specification: what was given, over `base`; Invalid names variables that the template has not.

        Variables of type secret are taken out of the plain ones.
        """
        d = self.validated_data
        base = base or JobSpec()
        # Any: the fields of a JobSpec, each of its own type.
        found: dict[str, Any] = {name: d[name] for name in PLAIN if name in d}
        found |= {name: convert(d[name]) for name, convert in CONVERTED.items() if name in d}
        if "variables" in d:
            kinds = {variable.name: variable.type for variable in version.content.variables}
            unknown = {
                f"variables.{name}": ["The template has no such variable."] for name in {*d["variables"]} - {*kinds}
            }
            if unknown:
                raise Invalid(fields=unknown)
            plain = {k: v for k, v in d["variables"].items() if kinds[k] is not VariableType.SECRET}
            secret = {k: Secret(v) for k, v in d["variables"].items() if kinds[k] is VariableType.SECRET}
            found |= {"variables": plain, "secret_variables": secret}
        if {"triggers", "execute"} & set(d):
            found["triggers"] = self._triggers(base)
        return replace(base, **found)

    def _triggers(self, base: JobSpec) -> tuple[TriggerSpec, ...]:
        d = self.validated_data
        found = tuple(map(_trigger, d["triggers"])) if "triggers" in d else base.triggers
        if d.get("execute") == "now":
            return (*found, TriggerSpec(kind=TriggerKind.NOW))
        if d.get("execute") == "once":
            return (*found, once_at(d["at"], d.get("time_zone", "UTC")))
        return found


def _field_of(option: Option) -> serializers.Field:
    """Return the field of an option, by the type of its default."""
    words = {"default": option.default, "help_text": option.help or option.label}
    if isinstance(option.default, bool):
        return YesNo(**words)
    if option.choices:
        return Choice(choices=option.choices, **words)
    return Whole(min_value=option.least, max_value=option.most, **words)


class GivenSearch(TypedDict, total=False):
    """What `SearchSerializer` takes."""

    text: str
    platforms: list[str]
    networks: list[int]
    tags: list[int]


class GivenSelection(TypedDict, total=False):
    """What `SelectionSerializer` takes."""

    mode: str
    devices: list[UUID]
    tags: list[int]
    search: GivenSearch


class GivenAccount(TypedDict, total=False):
    """What `AccountSerializer` takes."""

    username: str
    password: str
    enable_password: str


class GivenTask(TypedDict, total=False):
    """What `TaskSerializer` takes; it always says its step."""

    step: Required[int]
    devices: list[UUID] | None
    profile: int | None
    credential: UUID | None


# A part of a draft fills in no defaults, so these read what may be absent.
def _selection(d: GivenSelection) -> DeviceSelection:
    given: GivenSearch = d.get("search") or {}
    search = DeviceSearch(
        text=given.get("text", ""),
        networks=tuple(given.get("networks", ())),
        tags=tuple(given.get("tags", ())),
        platforms=tuple(given.get("platforms", ())),
    )
    picked, tags = tuple(map(str, d.get("devices", ()))), tuple(d.get("tags", ()))
    mode = SelectionMode(d.get("mode", SelectionMode.STATIC))
    return DeviceSelection(mode, search, picked, tags)


def _account(d: GivenAccount | None) -> Account:
    d = d or {}
    password, enable = Secret(d.get("password", "")), Secret(d.get("enable_password", ""))
    return Account(d.get("username", ""), password or None, enable or None)


def _task(d: GivenTask) -> TaskSpec:
    given = d.get("devices")
    devices = None if given is None else tuple(map(str, given))
    return TaskSpec(d["step"], devices, d.get("profile"), str(d["credential"]) if d.get("credential") else None)


#: Fields of the input that go into the specification as they are; those that come out of it as they are; and those that
#: are converted on their way in.
PLAIN = ("job_type", "name", "description", "window")
SAME = (
    "template",
    "agent",
    "credential",
    "variables",
    "notify_users",
    "notify_groups",
)
# Any: each takes what the serializer made of its field, and gives what the specification has.
CONVERTED: dict[str, Callable[[Any], Any]] = {
    "template": lambda row: row.pk,
    "agent": lambda row: row.pk if row else None,
    "selection": _selection,
    "account": _account,
    "credential": lambda pk: str(pk) if pk else None,
    "notify_users": tuple,
    "notify_groups": tuple,
    "tasks": lambda rows: tuple(map(_task, rows)),
    "rollout": lambda d: Rollout(**d),
    **{option.name: option.typed for option in OPTIONS},
}


def as_given(spec: JobSpec) -> dict[str, object]:
    """Return a stored job as `JobInput` takes it; giving it back changes nothing."""
    account = {"username": spec.account.username} if spec.account.username else None
    tasks = [
        {"step": t.step, "devices": t.devices, "profile": t.profile, "credential": t.credential} for t in spec.tasks
    ]
    selection = {
        "mode": spec.selection.mode,
        "devices": spec.selection.devices,
        "tags": spec.selection.tags,
        "search": spec.selection.search.as_json(),
    }
    same = {name: getattr(spec, name) for name in (*PLAIN, *SAME, *(option.name for option in OPTIONS))}
    triggers = [as_given_trigger(t) for t in spec.triggers if t.kind is not TriggerKind.NOW]
    return {
        **same,
        "account": account,
        "tasks": tasks,
        "selection": selection,
        "rollout": spec.rollout.as_json(),
        "triggers": triggers,
        "execute": "none",
        "at": None,
        "time_zone": "UTC",
        "request_approval": False,
        "message": "",
    }


def as_given_trigger(spec: TriggerSpec) -> dict[str, object]:
    """Return a trigger as an item of `triggers`."""
    options = {name: getattr(spec, name) for name in ("name", "enabled", "missed", "grace_minutes", "catch_up")}
    return {**spec.rule, **options, "filter": spec.schedule_filter}


def kind_of(rule: Mapping[str, object], where: str) -> TriggerKind:
    """Return the kind of a schedule; Invalid names what is wrong in it, and what is no part of one."""
    for name in ("name", "enabled"):
        if name in rule:
            raise Invalid(fields={f"{where}.{name}": ["This is no part of a schedule; give it beside the rule."]})
    try:
        schedule_from(rule)
    except ImpossibleRule as error:
        raise Invalid(fields={f"{where}.{error.field}": [str(error)]}) from None
    return TriggerKind(str(rule["kind"]))


def _trigger(data: dict[str, object]) -> TriggerSpec:
    """Return the trigger of one item of `triggers`; Invalid names what is wrong."""
    names = TriggerOptions().fields
    rule = {key: value for key, value in data.items() if key not in names}
    kind = kind_of(rule, "triggers")
    options = TriggerOptions(data={key: value for key, value in data.items() if key in names})
    if not options.is_valid():
        raise Invalid(fields={f"triggers.{field}": list(map(str, said)) for field, said in options.errors.items()})
    more = dict(options.validated_data)
    return TriggerSpec(
        kind=kind,
        rule=cast(ScheduleJson, rule),
        schedule_filter=more.pop("filter"),
        missed=MisfirePolicy(more.pop("missed")),
        **more,
    )
