"""One trigger in step 3 of the wizard: its form, and its schedule between the form's values and the stored JSON."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import TypedDict, cast

from django import forms

from devices.domain.zones import ZONE_CHOICES
from jobs.domain.misfire import LABELS as MISSED
from jobs.domain.misfire import MisfirePolicy
from jobs.domain.recurrence import WEEKDAYS, WEEKS, ImpossibleRule, instant_of
from jobs.domain.schedule_json import ScheduleJson, schedule_from
from jobs.domain.spec import TriggerKind, TriggerSpec
from jobs.models import ServiceJob
from jobs.plan.job_mapping import filters_above
from jobs.web.wizard.forms import choice_field

KINDS = [
    ("once", "Once"),
    ("every", "Every so many minutes, hours or days"),
    ("daily", "Daily"),
    ("weekly", "Weekly"),
    ("monthly", "Monthly"),
    ("cron", "Cron expression"),
]
INTERVAL_UNITS = {"M": "minutes", "H": "hours", "D": "days"}
#: Which field of the form says what is wrong with which part of a rule.
FIELD_OF_PART = {
    "start_at": "at",
    "every": "every",
    "interval": "interval",
    "weekdays": "weekdays",
    "days": "days",
    "week": "week",
    "weekday": "weekday",
    "months": "months",
    "expression": "expression",
    "end_at": "end_at",
    "max_count": "max_count",
    "time_zone": "time_zone",
    "anchor": "anchor",
    "kind": "kind",
}


def _moment(label: str, help_text: str = "") -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
    return WallClockField(label=label, required=False, widget=widget, input_formats=formats, help_text=help_text)


class WallClockField(forms.DateTimeField):
    """A date and time of the zone chosen beside it: Django must not attach a zone of its own."""

    def to_python(self, value: str | datetime | date | None) -> datetime | None:
        found = super().to_python(value)
        return found.replace(tzinfo=None) if found else found


class TriggerValues(TypedDict, total=False):
    """The values of a trigger's form; `at` and `end_at` are wall clocks."""

    name: str
    kind: str
    enabled: bool
    at: datetime | None
    time_zone: str
    interval: int | None
    unit: str
    every: int | None
    anchor: str
    weekdays: list[str]
    days: list[str]
    week: str
    weekday: str
    months: list[str]
    expression: str
    end_at: datetime | None
    max_count: int | None
    schedule_filter: int | None
    missed: str
    grace_minutes: int | None
    catch_up: int | None


class TriggerForm(forms.Form):
    """One trigger; its fields carry the prefix t0, t1, …"""

    name = forms.CharField(label="Trigger name", required=False, max_length=80)
    kind = forms.ChoiceField(label="Repeats", choices=KINDS)
    enabled = forms.BooleanField(label="Trigger enabled", required=False)
    at = _moment("First date and time")
    time_zone = forms.ChoiceField(label="Time zone", required=False, choices=ZONE_CHOICES)
    interval = forms.IntegerField(label="Every", required=False, min_value=1, max_value=99999)
    unit = forms.ChoiceField(label="Unit", required=False, choices=list(INTERVAL_UNITS.items()))
    every = forms.IntegerField(
        label="Every n days (daily) or weeks (weekly)", required=False, min_value=1, max_value=366
    )
    anchor = forms.ChoiceField(
        label="Counted",
        required=False,
        choices=[
            ("start", "from the first date"),
            ("month_start", "from the 1st of each month"),
            ("weekdays", "Monday to Friday, every week"),
        ],
    )
    weekdays = forms.MultipleChoiceField(
        label="Weekdays",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[(d, d.title()) for d in WEEKDAYS],
    )
    days = forms.MultipleChoiceField(
        label="Days of the month",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[*((str(n), str(n)) for n in range(1, 32)), ("last", "Last day")],
    )
    week = forms.ChoiceField(
        label="Or in the week", required=False, choices=[("", "—"), *((w, w.title()) for w in WEEKS)]
    )
    weekday = forms.ChoiceField(label="on", required=False, choices=[("", "—"), *((d, d.title()) for d in WEEKDAYS)])
    months = forms.MultipleChoiceField(
        label="Months",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None checked means every month.",
        choices=[(str(n), calendar.month_name[n]) for n in range(1, 13)],
    )
    expression = forms.CharField(
        label="Cron expression",
        required=False,
        max_length=200,
        help_text="Minute, hour, day of month, month, day of week; as Debian's cron reads it.",
    )
    end_at = _moment("Until", help_text="Empty: without end.")
    max_count = forms.IntegerField(label="At most so many times", required=False, min_value=1, max_value=99999)
    schedule_filter = forms.TypedChoiceField(
        label="Filter",
        required=False,
        coerce=int,
        empty_value=None,
        help_text="Timings that match this filter are removed.",
    )
    missed = forms.ChoiceField(
        label="When a run was missed", required=False, choices=[(p.value, MISSED[p]) for p in MisfirePolicy]
    )
    grace_minutes = forms.IntegerField(label="Grace time, minutes", required=False, min_value=0, max_value=10_080)
    catch_up = forms.IntegerField(label="Catch up at most", required=False, min_value=1, max_value=500)

    def __init__(
        self, data: Mapping[str, object] | None, *, number: int, draft: ServiceJob, trigger: TriggerSpec | None
    ) -> None:
        self.number, self.when = number, f"t{number}-kind"
        self.shown = shown_of(trigger, draft.tenant.time_zone)
        super().__init__(data, prefix=f"t{number}", initial=dict(self.shown), label_suffix="")
        rows = filters_above(draft.tenant)
        choice_field(self, "schedule_filter").choices = [("", "None"), *((row.pk, row.name) for row in rows)]

    def clean(self) -> dict[str, object]:
        """A schedule must be possible; what is wrong stands beside its field."""
        data = super().clean() or {}
        if "kind" not in data:
            return data
        try:
            schedule = schedule_from(rule_of(cast(TriggerValues, data)))
        except ImpossibleRule as error:
            self.add_error(FIELD_OF_PART.get(error.field, "kind"), str(error))
            return data
        note = instant_of(schedule.start_at, schedule.zone)[1]
        if data["kind"] == "once" and "does not exist" in note:
            zone = schedule.zone.key
            self.add_error("at", f"This time does not exist in {zone}: the clock is put forward then. Choose another.")
        return data

    def spec(self) -> TriggerSpec:
        """Return the trigger of a valid form."""
        v = cast(TriggerValues, {**self.shown, **self.cleaned_data})
        kind = TriggerKind(v["kind"])
        return TriggerSpec(
            kind=kind,
            name=v["name"] or kind.value.title(),
            rule=rule_of(v),
            schedule_filter=v["schedule_filter"],
            missed=MisfirePolicy(v["missed"] or MisfirePolicy.ONCE),
            enabled=v["enabled"],
            grace_minutes=15 if v["grace_minutes"] is None else v["grace_minutes"],
            catch_up=v["catch_up"] or 1,
        )


def shown_of(trigger: TriggerSpec | None, zone: str) -> TriggerValues:
    """Return a trigger form's values for a stored trigger, or for a new one."""
    found: TriggerValues = {
        "kind": "once",
        "time_zone": zone,
        "unit": "H",
        "every": 1,
        "interval": 1,
        "missed": MisfirePolicy.ONCE.value,
        "grace_minutes": 15,
        "catch_up": 1,
        "enabled": True,
        "name": "",
    }
    if trigger:
        found |= {
            "kind": trigger.kind.value,
            "name": trigger.name,
            "schedule_filter": trigger.schedule_filter,
            "missed": trigger.missed.value,
            "grace_minutes": trigger.grace_minutes,
            "catch_up": trigger.catch_up,
            "enabled": trigger.enabled,
            **fields_of(trigger.rule),
        }
    return found


def rule_of(values: TriggerValues) -> ScheduleJson:
    """Return the schedule's JSON from the form's values; parts that the kind does not have are left out."""
    kind = values["kind"]
    return {
        "kind": kind,
        "time_zone": values.get("time_zone") or "UTC",
        "start_at": _text(values.get("at")) or "",
        **_limits(values),
        **PARTS[kind](values),
    }


def _limits(values: TriggerValues) -> ScheduleJson:
    if values["kind"] == "once":
        return {}
    return {"end_at": _text(values.get("end_at")), "max_count": values.get("max_count")}


def _text(wall: datetime | None) -> str | None:
    return wall.isoformat() if wall else None


def _every(values: TriggerValues) -> ScheduleJson:
    number, unit = values.get("interval") or 0, values.get("unit") or "H"
    return {"interval": f"P{number}D" if unit == "D" else f"PT{number}{unit}"}


def _daily(values: TriggerValues) -> ScheduleJson:
    return {"every": values.get("every") or 1, "anchor": values.get("anchor") or "start"}


def _weekly(values: TriggerValues) -> ScheduleJson:
    return {"weekdays": values.get("weekdays") or [], "every": values.get("every") or 1}


def _monthly(values: TriggerValues) -> ScheduleJson:
    months = [int(month) for month in values.get("months") or range(1, 13)]
    week: ScheduleJson = {"week": values.get("week") or None, "weekday": values.get("weekday") or None}
    days = [day if day == "last" else int(day) for day in values.get("days") or []]
    return {"months": months, **(week if any(week.values()) else ScheduleJson()), "days": days}


def _cron(values: TriggerValues) -> ScheduleJson:
    return {"expression": values.get("expression") or ""}


#: The parts that each kind has besides its start, zone and limits.
PARTS: dict[str, Callable[[TriggerValues], ScheduleJson]] = {
    "once": lambda values: {},
    "every": _every,
    "daily": _daily,
    "weekly": _weekly,
    "monthly": _monthly,
    "cron": _cron,
}


def fields_of(rule: ScheduleJson) -> TriggerValues:
    """Return the form's values for a stored rule."""
    parts = dict[str, object](rule)
    same = ("time_zone", "every", "anchor", "weekdays", "week", "weekday", "expression", "max_count")
    found = cast(TriggerValues, {key: parts[key] for key in same if key in parts})
    found["at"] = schedule_from(rule).start_at
    found["end_at"] = schedule_from(rule).end_at
    if "interval" in rule:
        text = rule["interval"]
        found |= {"interval": int("".join(filter(str.isdigit, text))), "unit": text[-1]}
    if "days" in rule:
        found["days"] = [str(day) for day in rule["days"]]
    if len(rule.get("months", ())) < 12:
        found["months"] = [str(month) for month in rule.get("months", ())]
    return found
