"""Step 3 of the wizard, Schedule Details: when the job runs, as a form over one trigger."""

from __future__ import annotations

import calendar
from dataclasses import replace
from typing import Any

from django import forms

from devices.domain.zones import ZONE_CHOICES
from jobs.domain.missed import LABELS as MISSED
from jobs.domain.missed import MissedPolicy
from jobs.domain.recurrence import WEEKDAYS, WEEKS, ImpossibleRule, instant_of
from jobs.domain.schedules import schedule_from
from jobs.domain.spec import JobSpec, TriggerKind, TriggerSpec, Visibility
from jobs.services.specs import filters_above
from jobs.wizard.forms import WizardForm

CHOICES = [
    ("now", "Execute Now: run immediately on submission"),
    ("once", "Schedule Now: once"),
    ("every", "Schedule Now: every so many minutes, hours or days"),
    ("daily", "Schedule Now: daily"),
    ("weekly", "Schedule Now: weekly"),
    ("monthly", "Schedule Now: monthly"),
    ("cron", "Schedule Now: cron expression"),
]
LATER = ("later", "Save only: do not run it now")
UNITS = {"M": "minutes", "H": "hours", "D": "days"}
#: Which field of the form says what is wrong with which part of a rule.
PLACES = {
    "start_at": "at", "every": "every", "interval": "interval", "weekdays": "weekdays", "days": "days", "week": "week",
    "weekday": "weekday", "months": "months", "expression": "expression", "end_at": "end_at", "max_count": "max_count",
    "time_zone": "time_zone", "anchor": "anchor",
}  # fmt: skip


def _moment(label: str, **more: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
    return WallClockField(label=label, required=False, widget=widget, input_formats=formats, **more)


class WallClockField(forms.DateTimeField):
    """A date and time of the zone chosen beside it: Django must not attach a zone of its own."""

    def to_python(self, value: Any) -> Any:
        found = super().to_python(value)
        return found.replace(tzinfo=None) if found else found


class ScheduleForm(WizardForm):
    """Step 3, Schedule Details."""

    execute = forms.ChoiceField(label="When", widget=forms.RadioSelect)
    at = _moment("First date and time")
    time_zone = forms.ChoiceField(label="Time zone", required=False, choices=ZONE_CHOICES)
    interval = forms.IntegerField(label="Every", required=False, min_value=1, max_value=99999)
    unit = forms.ChoiceField(label="Unit", required=False, choices=list(UNITS.items()))
    every = forms.IntegerField(
        label="Every n days (daily) or weeks (weekly)", required=False, min_value=1, max_value=366
    )
    anchor = forms.ChoiceField(
        label="Counted", required=False,
        choices=[("start", "from the first date"), ("month_start", "from the 1st of each month"), ("weekdays", "Monday to Friday, every week")],
    )  # fmt: skip
    weekdays = forms.MultipleChoiceField(
        label="Weekdays",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[(d, d.title()) for d in WEEKDAYS],
    )
    days = forms.MultipleChoiceField(
        label="Days of the month", required=False, widget=forms.CheckboxSelectMultiple,
        choices=[*((str(n), str(n)) for n in range(1, 32)), ("last", "Last day")],
    )  # fmt: skip
    week = forms.ChoiceField(
        label="Or in the week", required=False, choices=[("", "—"), *((w, w.title()) for w in WEEKS)]
    )
    weekday = forms.ChoiceField(label="on", required=False, choices=[("", "—"), *((d, d.title()) for d in WEEKDAYS)])
    months = forms.MultipleChoiceField(
        label="Months", required=False, widget=forms.CheckboxSelectMultiple, help_text="None checked means every month.",
        choices=[(str(n), calendar.month_name[n]) for n in range(1, 13)],
    )  # fmt: skip
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
        label="When a run was missed", required=False, choices=[(p.value, MISSED[p]) for p in MissedPolicy]
    )
    visibility = forms.ChoiceField(
        label="Visibility", widget=forms.RadioSelect,
        choices=[(Visibility.PUBLIC, "Public: everyone who may see this customer's jobs"), (Visibility.PRIVATE, "Private: only you")],
    )  # fmt: skip

    def arrange(self) -> None:
        self.fields["execute"].choices = [*CHOICES, LATER] if self.draft.draft_of else CHOICES
        rows = filters_above(self.draft.tenant)
        self.fields["schedule_filter"].choices = [("", "None"), *((row.pk, row.name) for row in rows)]

    def start(self) -> dict[str, Any]:
        trigger = next((t for t in self.spec.triggers if t.kind is not TriggerKind.NOW), None)
        found: dict[str, Any] = {
            "execute": "later" if self.draft.draft_of else "now", "time_zone": self.draft.tenant.time_zone, "visibility": self.spec.visibility.value,
            "unit": "H", "every": 1, "interval": 1, "missed": MissedPolicy.ONCE.value,
        }  # fmt: skip
        if trigger:
            found |= {
                "execute": trigger.kind.value,
                "schedule_filter": trigger.schedule_filter,
                "missed": trigger.missed.value,
            }
            found |= _fields_of(trigger.rule)
        return found

    def clean(self) -> dict[str, Any]:
        """A schedule must be possible; what is wrong stands beside its field."""
        data = super().clean() or {}
        if data.get("execute") in (None, "now", "later"):
            return data
        try:
            schedule = schedule_from(_rule_of(data))
        except ImpossibleRule as error:
            self.add_error(PLACES.get(error.field, "execute"), str(error))
            return data
        note = instant_of(schedule.start_at, schedule.zone)[1]
        if data["execute"] == "once" and "does not exist" in note:
            zone = schedule.zone.key
            self.add_error("at", f"This time does not exist in {zone}: the clock is put forward then. Choose another.")
        return data

    def spec_after(self) -> JobSpec:
        """Return the specification with this step's values; a rule that is not complete yet is left out."""
        v = self.values()
        triggers: tuple[TriggerSpec, ...] = ()
        if v["execute"] == "now":
            triggers = (TriggerSpec(TriggerKind.NOW),)
        elif v["execute"] != "later" and not (set(self.errors) - {"visibility"}):
            kind = TriggerKind(v["execute"])
            policy = MissedPolicy(v.get("missed") or MissedPolicy.ONCE)
            triggers = (TriggerSpec(kind, kind.value.title(), _rule_of(v), v.get("schedule_filter"), policy),)
        return replace(self.spec, triggers=triggers, visibility=Visibility(v["visibility"]))


def _rule_of(v: dict[str, Any]) -> dict[str, Any]:
    """Return the schedule's JSON from the form's values; parts that the kind does not have are left out."""
    kind = v["execute"]
    rule: dict[str, Any] = {"kind": kind, "time_zone": v.get("time_zone") or "UTC"}
    rule["start_at"] = v["at"].isoformat() if v.get("at") else None
    if kind != "once":
        rule |= {"end_at": v["end_at"].isoformat() if v.get("end_at") else None, "max_count": v.get("max_count")}
    if kind == "every":
        number, unit = v.get("interval") or 0, v.get("unit") or "H"
        rule["interval"] = f"P{number}D" if unit == "D" else f"PT{number}{unit}"
    elif kind == "daily":
        rule |= {"every": v.get("every") or 1, "anchor": v.get("anchor") or "start"}
    elif kind == "weekly":
        rule |= {"weekdays": v.get("weekdays") or [], "every": v.get("every") or 1}
    elif kind == "monthly":
        rule["months"] = [int(m) for m in v.get("months") or range(1, 13)]
        if v.get("week") or v.get("weekday"):
            rule |= {"week": v.get("week") or None, "weekday": v.get("weekday") or None}
        rule["days"] = [d if d == "last" else int(d) for d in v.get("days") or []]
    elif kind == "cron":
        rule["expression"] = v.get("expression") or ""
    return rule


def _fields_of(rule: dict[str, Any]) -> dict[str, Any]:
    """Return the form's values for a stored rule."""
    found: dict[str, Any] = {
        key: rule[key]
        for key in ("time_zone", "every", "anchor", "weekdays", "week", "weekday", "expression", "max_count")
        if key in rule
    }
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
