"""Step 3 of the wizard, Schedule Details: when the job runs, as a form over one trigger."""

from __future__ import annotations

import calendar
from dataclasses import asdict, replace
from typing import Any, cast

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import QueryDict

from devices.domain.zones import ZONE_CHOICES
from jobs.domain.misfire import LABELS as MISSED
from jobs.domain.misfire import MissedPolicy
from jobs.domain.options import WizardStep
from jobs.domain.recurrence import WEEKDAYS, WEEKS, ImpossibleRule, instant_of
from jobs.domain.rollout import Rollout
from jobs.domain.schedule_json import schedule_from
from jobs.domain.spec import JobSpec, TriggerKind, TriggerSpec
from jobs.models import ServiceJob
from jobs.plan.job_mapping import filters_above
from jobs.web.wizard.forms import WizardForm

CHOICES = [
    ("now", "Execute Now: run immediately on submission"),
    ("schedule", "Schedule Now: run when the triggers below say"),
]
LATER = ("later", "Save only: do not run it now")
KINDS = [
    ("once", "Once"),
    ("every", "Every so many minutes, hours or days"),
    ("daily", "Daily"),
    ("weekly", "Weekly"),
    ("monthly", "Monthly"),
    ("cron", "Cron expression"),
]
UNITS = {"M": "minutes", "H": "hours", "D": "days"}
#: A job has at most so many triggers in the wizard.
MOST = 20
#: Which field of the form says what is wrong with which part of a rule.
PLACES = {
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


def _moment(label: str, **more: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
    return WallClockField(label=label, required=False, widget=widget, input_formats=formats, **more)


class WallClockField(forms.DateTimeField):
    """A date and time of the zone chosen beside it: Django must not attach a zone of its own."""

    def to_python(self, value: Any) -> Any:
        found = super().to_python(value)
        return found.replace(tzinfo=None) if found else found


class TriggerForm(forms.Form):
    """One trigger; its fields carry the prefix t0, t1, …"""

    name = forms.CharField(label="Trigger name", required=False, max_length=80)
    kind = forms.ChoiceField(label="Repeats", choices=KINDS)
    enabled = forms.BooleanField(label="Trigger enabled", required=False)
    at = _moment("First date and time")
    time_zone = forms.ChoiceField(label="Time zone", required=False, choices=ZONE_CHOICES)
    interval = forms.IntegerField(label="Every", required=False, min_value=1, max_value=99999)
    unit = forms.ChoiceField(label="Unit", required=False, choices=list(UNITS.items()))
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
        label="When a run was missed", required=False, choices=[(p.value, MISSED[p]) for p in MissedPolicy]
    )
    grace_minutes = forms.IntegerField(label="Grace time, minutes", required=False, min_value=0, max_value=10_080)
    catch_up = forms.IntegerField(label="Catch up at most", required=False, min_value=1, max_value=500)

    def __init__(self, data: Any, *, number: int, draft: ServiceJob, trigger: TriggerSpec | None) -> None:
        self.number, self.when = number, f"t{number}-kind"
        self.shown = _shown_of(trigger, draft.tenant.time_zone)
        super().__init__(data, prefix=f"t{number}", initial=self.shown, label_suffix="")
        rows = filters_above(draft.tenant)
        cast(Any, self.fields["schedule_filter"]).choices = [("", "None"), *((row.pk, row.name) for row in rows)]

    def clean(self) -> dict[str, Any]:
        """A schedule must be possible; what is wrong stands beside its field."""
        data = super().clean() or {}
        if "kind" not in data:
            return data
        try:
            schedule = schedule_from(_rule_of(data))
        except ImpossibleRule as error:
            self.add_error(PLACES.get(error.field, "kind"), str(error))
            return data
        note = instant_of(schedule.start_at, schedule.zone)[1]
        if data["kind"] == "once" and "does not exist" in note:
            zone = schedule.zone.key
            self.add_error("at", f"This time does not exist in {zone}: the clock is put forward then. Choose another.")
        return data

    def spec(self) -> TriggerSpec:
        """Return the trigger of a valid form."""
        v = {**self.shown, **self.cleaned_data}
        kind = TriggerKind(v["kind"])
        return TriggerSpec(
            kind=kind,
            name=v["name"] or kind.value.title(),
            rule=_rule_of(v),
            schedule_filter=v["schedule_filter"],
            missed=MissedPolicy(v["missed"] or MissedPolicy.ONCE),
            enabled=v["enabled"],
            grace_minutes=15 if v["grace_minutes"] is None else v["grace_minutes"],
            catch_up=v["catch_up"] or 1,
        )


class ScheduleForm(WizardForm):
    """Step 3, Schedule Details: now or by triggers, what overlaps, who sees it. `order` lists the triggers' numbers."""

    step = WizardStep.SCHEDULE

    execute = forms.ChoiceField(label="When", widget=forms.RadioSelect)
    order = forms.CharField(required=False, widget=forms.HiddenInput)
    canary = forms.IntegerField(
        label="Canaries first", required=False, min_value=0, help_text="So many devices run alone first; 0 for none."
    )
    wave = forms.IntegerField(
        label="Then in waves of", required=False, min_value=0, help_text="0: all the rest at once."
    )
    soak = forms.IntegerField(label="Pause after each (minutes)", required=False, min_value=0, max_value=1440)
    stop_count = forms.IntegerField(
        label="Stop when so many devices did not succeed", required=False, min_value=0, help_text="0: go on."
    )
    stop_percent = forms.IntegerField(
        label="Or when so many percent did not", required=False, min_value=0, max_value=100
    )
    sample = forms.IntegerField(label="Of at least so many devices", required=False, min_value=1)
    window = forms.TypedChoiceField(
        label="Maintenance window",
        required=False,
        coerce=int,
        empty_value=None,
        help_text="A filter. Devices begin only when it removes nothing; when it closes, those that have not begun are skipped.",
    )

    def arrange(self) -> None:
        filters = filters_above(self.draft.tenant)
        self.fields["window"].choices = [("", "Any time"), *((row.pk, str(row)) for row in filters)]
        self.fields["execute"].choices = [*CHOICES, LATER] if self.draft.draft_of else CHOICES
        stored = [trigger for trigger in self.spec.triggers if trigger.kind is not TriggerKind.NOW]
        numbers = self._numbers() if self.is_bound else list(range(max(1, len(stored))))
        self.triggers = [
            TriggerForm(
                self.data if self.is_bound else None,
                number=n,
                draft=self.draft,
                trigger=stored[n] if n < len(stored) else None,
            )
            for n in numbers
        ]

    def start(self) -> dict[str, Any]:
        stored = any(trigger.kind is not TriggerKind.NOW for trigger in self.spec.triggers)
        none = "later" if self.draft.draft_of else "now"
        return {
            "execute": "schedule" if stored else none,
            "order": ",".join(str(form.number) for form in self.triggers),
            "window": self.spec.window,
            **asdict(self.spec.rollout),
        }

    def clean(self) -> dict[str, Any]:
        """With Schedule Now chosen, every trigger must be valid."""
        data = super().clean() or {}
        if data.get("execute") == "schedule" and any(form.errors for form in self.triggers):
            raise forms.ValidationError("A trigger needs another look; nothing you typed is lost.")
        return data

    def spec_after(self) -> JobSpec:
        """Return the specification with this step's values; a trigger that is not complete yet is left out."""
        v = self.values()
        triggers: tuple[TriggerSpec, ...] = (TriggerSpec(TriggerKind.NOW),) if v["execute"] == "now" else ()
        if v["execute"] == "schedule":
            triggers = tuple(form.spec() for form in self.triggers if form.is_valid())
        return replace(
            self.spec,
            triggers=triggers,
            **self.options_after(),
            rollout=Rollout(**{name: v[name] or default for name, default in asdict(Rollout()).items()}),
            window=v["window"],
        )

    def all_errors(self) -> list[str]:
        """Return what is to be mended, of the step's own fields and of its triggers."""
        of_triggers = self.triggers if self.has_error(NON_FIELD_ERRORS) else []
        parts = [*((n, s) for n, s in self.errors.items() if n != NON_FIELD_ERRORS)]
        parts += [part for form in of_triggers for part in form.errors.items()]
        return [sentence for _, sentences in parts for sentence in sentences]

    @property
    def rollout_fields(self) -> list[Any]:
        """The fields that say how the run spreads over its devices."""
        return [self["max_parallel"], *(self[name] for name in asdict(Rollout()))]

    @property
    def spread(self) -> str:
        """What is set of them, in words; empty when nothing is."""
        window = "in a maintenance window" if self.spec.window else ""
        return ", ".join(filter(None, (self.spec.rollout.words(), window)))

    def _numbers(self) -> list[int]:
        given = [int(part) for part in self.data.get("order", "0").split(",") if part.isdigit() and len(part) < 4]
        return list(dict.fromkeys(given))[:MOST] or [0]


def rearranged(data: QueryDict, action: str) -> QueryDict:
    """Return posted data with one trigger more (`add-trigger`) or less (`drop-trigger-2`)."""
    found = data.copy()
    numbers = [part for part in found.get("order", "0").split(",") if part]
    if action == "add-trigger":
        fresh = str(max((int(n) for n in numbers if n.isdigit()), default=-1) + 1)
        numbers.append(fresh)
        # The new one begins with the last one's zone and start: most second triggers differ in the rule.
        last = f"t{numbers[-2]}-" if len(numbers) > 1 else ""
        for name, value in {**_shown_of(None, "UTC"), "kind": "daily", "enabled": "on", "at": ""}.items():
            found[f"t{fresh}-{name}"] = found.get(f"{last}{name}", "") if name in ("at", "time_zone") else str(value)
    else:
        numbers = [n for n in numbers if n != action.removeprefix("drop-trigger-")]
    found["order"] = ",".join(numbers)
    return found


def _shown_of(trigger: TriggerSpec | None, zone: str) -> dict[str, Any]:
    """Return a trigger form's values for a stored trigger, or for a new one."""
    found: dict[str, Any] = {
        "kind": "once",
        "time_zone": zone,
        "unit": "H",
        "every": 1,
        "interval": 1,
        "missed": MissedPolicy.ONCE.value,
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
            **_fields_of(trigger.rule),
        }
    return found


def _rule_of(v: dict[str, Any]) -> dict[str, Any]:
    """Return the schedule's JSON from the form's values; parts that the kind does not have are left out."""
    kind = v["kind"]
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
