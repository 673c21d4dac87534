"""POST /api/v1/upcoming/: when schedules fire, without storing anything; and the schedule filters they name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config import limits
from config.api_body import Body, ModelBody, Moment, Query, Several, Whole
from config.api_resource import Edits, Resource, Strict
from config.errors import Invalid
from config.json_value import Json
from devices import selectors as inventory
from devices.api.resources import Creates
from devices.api.scoped import Scoped
from jobs import selectors
from jobs.domain.filters import Filter, check_filter, filter_from
from jobs.domain.recurrence import ImpossibleRule, Schedule
from jobs.domain.schedule_json import schedule_from
from jobs.models import ScheduleFilter
from jobs.schedule import filters, next_times


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Daily over a clock change, without Mondays",
            request_only=True,
            value={
                "triggers": [{"kind": "daily", "time_zone": "Europe/Berlin", "start_at": "2027-03-27T02:30:00"}],
                "filters": [{"name": "No Mondays", "rules": [{"mode": "exclude", "weekdays": ["monday"]}]}],
                "n": 5,
            },
        )
    ]
)
class UpcomingInput(Body):
    """Schedules and filters. A filter is the id of a stored one, or an object with `rules`."""

    triggers = Several(child=serializers.DictField(), min_length=1, max_length=limits.MOST_TRIGGERS)
    filters = Several(child=serializers.JSONField(), default=list, max_length=limits.MOST_TRIGGERS)
    after = Moment(required=False, help_text="Default: now.")
    n = Whole(default=10, min_value=1, max_value=200)


class UpcomingQuery(Query):
    """What a stored job is asked for."""

    after = serializers.DateTimeField(required=False, help_text="Default: now.")
    n = serializers.IntegerField(default=10, min_value=1, max_value=200)


class OccurrenceSerializer(serializers.Serializer):
    """One coming occurrence."""

    at = serializers.DateTimeField()
    local = serializers.CharField()
    trigger = serializers.IntegerField()
    note = serializers.CharField(allow_null=True)
    removed_by = serializers.CharField(allow_null=True)


class UpcomingSerializer(serializers.Serializer):
    """What is ahead, in order."""

    occurrences = OccurrenceSerializer(many=True)


class Upcoming(Strict):
    """The stateless preview."""

    reading = ("post",)

    @extend_schema(request=UpcomingInput, responses=UpcomingSerializer)
    def post(self, request: Request) -> Response:
        """Return the next n occurrences of all triggers merged; removed ones are among them and say by what."""
        given = UpcomingInput(data=request.data)
        given.is_valid(raise_exception=True)
        data = given.validated_data
        schedules = [_schedule(index, rule) for index, rule in enumerate(data["triggers"])]
        removing = [_filter(request.user, index, item) for index, item in enumerate(data["filters"])]
        pairs = [(schedule, removing) for schedule in schedules]
        found = islice(next_times.ahead(pairs, data.get("after") or timezone.now()), data["n"])
        return Response(occurrences(found))


def occurrences(found: Iterable[next_times.Ahead]) -> dict[str, object]:
    """Return the answer that shows coming occurrences."""
    rows = [
        {
            "at": f"{item.occurrence.at:%Y-%m-%dT%H:%M:%SZ}",
            "local": item.occurrence.local.isoformat(timespec="seconds"),
            "trigger": item.trigger,
            "note": item.occurrence.note or None,
            "removed_by": item.removed_by or None,
        }
        for item in found
    ]
    return {"occurrences": rows}


def _schedule(index: int, rule: Mapping[str, object]) -> Schedule:
    try:
        return schedule_from(rule)
    except ImpossibleRule as error:
        raise Invalid(fields={f"triggers.{index}.{error.field}": [str(error)]}) from None


def _filter(user: User, index: int, item: Json) -> Filter:
    try:
        if isinstance(item, dict):
            check_filter(item)
            return filter_from(item)
    except ImpossibleRule as error:
        raise Invalid(fields={f"filters.{index}.{error.field}": [str(error)]}) from None
    if type(item) is not int:
        raise Invalid(fields={f"filters.{index}": ["Give the id of a filter, or an object with rules."]})
    found = next_times.filter_of(selectors.visible_filters(user).filter(pk=item).first())
    if found is None:
        raise Invalid(fields={f"filters.{index}": ["There is no such schedule filter."]})
    return found


class FilterSerializer(ModelBody):
    tenant = Scoped(selector=inventory.visible_tenants)

    class Meta:
        model = ScheduleFilter
        fields = ["id", "tenant", "name", "time_zone", "rules"]
        validators: list[object] = []


class Filters(Creates, Edits, Resource):
    """Schedule filters: timings that match are removed from a trigger."""

    serializer_class = FilterSerializer
    search_fields, ordering_fields = ["name"], ["name"]

    def rows(self, user: User) -> QuerySet[ScheduleFilter]:
        return selectors.visible_filters(user)

    # Any: what the serializer made of each field.
    def make(self, user: User, data: dict[str, Any], instance: ScheduleFilter | None = None) -> ScheduleFilter:
        if instance:
            data = {name: getattr(instance, name) for name in ("name", "rules", "time_zone")} | data
        return filters.save_filter(by=user, instance=instance, **data)
