"""Step 3 of the wizard, Schedule Details: when the job runs; `jobs.web.wizard.triggers` has the form of a trigger."""

from __future__ import annotations

from dataclasses import asdict, replace

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.forms import BoundField
from django.http import QueryDict

from config import limits
from jobs.domain.options import WizardStep
from jobs.domain.rollout import Rollout
from jobs.domain.spec import JobSpec, TriggerKind, TriggerSpec
from jobs.plan.job_mapping import filters_above
from jobs.web.wizard.forms import WizardForm, choice_field
from jobs.web.wizard.triggers import TriggerForm, shown_of

EXECUTE_CHOICES = [
    ("now", "Execute Now: run immediately on submission"),
    ("schedule", "Schedule Now: run when the triggers below say"),
]
EXECUTE_LATER = ("later", "Save only: do not run it now")


class ScheduleForm(WizardForm):
    """Step 3, Schedule Details: now or by triggers, what overlaps, who sees it. `order` lists the triggers' numbers."""

    step = WizardStep.SCHEDULE

    execute = forms.ChoiceField(label="When", widget=forms.RadioSelect)
    order = forms.CharField(required=False, max_length=limits.MOST_LINE_CHARACTERS, widget=forms.HiddenInput)
    canary = forms.IntegerField(
        label="Canaries first",
        required=False,
        min_value=0,
        max_value=limits.MOST_ROLLOUT_DEVICES,
        help_text="So many devices run alone first; 0 for none.",
    )
    wave = forms.IntegerField(
        label="Then in waves of",
        required=False,
        min_value=0,
        max_value=limits.MOST_ROLLOUT_DEVICES,
        help_text="0: all the rest at once.",
    )
    soak = forms.IntegerField(label="Pause after each (minutes)", required=False, min_value=0, max_value=1440)
    stop_count = forms.IntegerField(
        label="Stop when so many devices did not succeed",
        required=False,
        min_value=0,
        max_value=limits.MOST_ROLLOUT_DEVICES,
        help_text="0: go on.",
    )
    stop_percent = forms.IntegerField(
        label="Or when so many percent did not", required=False, min_value=0, max_value=100
    )
    sample = forms.IntegerField(
        label="Of at least so many devices", required=False, min_value=1, max_value=limits.MOST_ROLLOUT_DEVICES
    )
    window = forms.TypedChoiceField(
        label="Maintenance window",
        required=False,
        coerce=int,
        empty_value=None,
        help_text="A filter. Devices begin only when it removes nothing; "
        "when it closes, those that have not begun are skipped.",
    )

    def arrange(self) -> None:
        filters = filters_above(self.draft.tenant)
        choice_field(self, "window").choices = [("", "Any time"), *((row.pk, str(row)) for row in filters)]
        choice_field(self, "execute").choices = (
            [*EXECUTE_CHOICES, EXECUTE_LATER] if self.draft.draft_of else EXECUTE_CHOICES
        )
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

    def start(self) -> dict[str, object]:
        stored = any(trigger.kind is not TriggerKind.NOW for trigger in self.spec.triggers)
        none = "later" if self.draft.draft_of else "now"
        return {
            "execute": "schedule" if stored else none,
            "order": ",".join(str(form.number) for form in self.triggers),
            "window": self.spec.window,
            **asdict(self.spec.rollout),
        }

    def clean(self) -> dict[str, object]:
        """With Schedule Now chosen, every trigger must be valid."""
        data = super().clean() or {}
        if data.get("execute") == "schedule" and any(form.errors for form in self.triggers):
            raise forms.ValidationError("A trigger needs another look; nothing you typed is lost.")
        return data

    def spec_after(self) -> JobSpec:
        """Return the specification with this step's values; a trigger that is not complete yet is left out."""
        v = self.values()
        triggers: tuple[TriggerSpec, ...] = (TriggerSpec(kind=TriggerKind.NOW),) if v["execute"] == "now" else ()
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
        return [str(sentence) for _, sentences in parts for sentence in sentences]

    @property
    def rollout_fields(self) -> list[BoundField]:
        """The fields that say how the run spreads over its devices."""
        return [self["max_parallel"], *(self[name] for name in asdict(Rollout()))]

    @property
    def spread(self) -> str:
        """What is set of them, in words; empty when nothing is."""
        window = "in a maintenance window" if self.spec.window else ""
        return ", ".join(filter(None, (self.spec.rollout.words(), window)))

    def _numbers(self) -> list[int]:
        given = [int(part) for part in self.data.get("order", "0").split(",") if _is_number(part)]
        return list(dict.fromkeys(given))[: limits.MOST_TRIGGERS] or [0]


def rearranged(data: QueryDict, action: str) -> QueryDict:
    """Return posted data with one trigger more (`add-trigger`) or less (`drop-trigger-2`)."""
    found = data.copy()
    numbers = [part for part in found.get("order", "0").split(",") if _is_number(part)][: limits.MOST_TRIGGERS]
    if action == "add-trigger":
        fresh = str(max(map(int, numbers), default=-1) + 1)
        numbers.append(fresh)
        # The new one begins with the last one's zone and start: most second triggers differ in the rule.
        last = f"t{numbers[-2]}-" if len(numbers) > 1 else ""
        for name, value in {**shown_of(None, "UTC"), "kind": "daily", "enabled": "on", "at": ""}.items():
            found[f"t{fresh}-{name}"] = found.get(f"{last}{name}", "") if name in ("at", "time_zone") else str(value)
    else:
        numbers = [n for n in numbers if n != action.removeprefix("drop-trigger-")]
    found["order"] = ",".join(numbers)
    return found


def _is_number(part: str) -> bool:
    """Say whether a part of `order` is a trigger's number."""
    return part.isascii() and part.isdecimal() and len(part) < 4
