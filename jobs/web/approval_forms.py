"""The forms by which an approval is asked for, or a change is run without one."""

from __future__ import annotations

from datetime import UTC, datetime

from django import forms
from django.http import QueryDict

from approvals.domain import Scope
from config import limits
from jobs.dispatch import approval_gate
from jobs.dispatch.approval_gate import MOST_DEVICES, MOST_RUNS


class Asked(approval_gate.Extent):
    """What a form asks for, in the words of `approval_gate.request`."""

    message: str


def _until(label: str) -> forms.DateTimeField:
    """Return the field for the end of a series, typed in UTC."""
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(label=label, required=False, widget=widget)


def _runs() -> forms.IntegerField:
    """Return the field for the number of runs of a series."""
    return forms.IntegerField(label="Or for so many runs", required=False, min_value=1, max_value=MOST_RUNS)


class RequestForm(forms.Form):
    """What an approval is asked for: one run or a series, these devices or those found then."""

    message = forms.CharField(
        label="Comments",
        max_length=limits.MOST_MESSAGE_CHARACTERS,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    scope = forms.ChoiceField(
        label="Scope",
        required=False,
        choices=[
            ("run", "One run: closed by its execution"),
            ("series", "A series: every run while the content is unchanged"),
        ],
    )
    series_until = _until("Series until (UTC)")
    series_runs = _runs()
    devices = forms.ChoiceField(
        label="Devices",
        required=False,
        choices=[
            ("frozen", "Exactly those that match now"),
            ("dynamic", "Those that match when it runs, up to a number"),
        ],
    )
    at_most = forms.IntegerField(label="Devices at most", required=False, min_value=1, max_value=MOST_DEVICES)

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data, label_suffix="")

    def asked(self) -> Asked:
        """Return the arguments of `approval_gate.request` (of a valid form)."""
        v = self.cleaned_data
        at_most = (v["at_most"] or 0) if v["devices"] == "dynamic" else None
        return {
            "message": v["message"],
            "scope": _scope(v["scope"] == "series", v["series_until"], v["series_runs"]),
            "at_most": at_most,
        }


class BypassForm(forms.Form):
    """Why nobody else is asked, and for which runs."""

    # In the wizard it stands, folded, within the form of the step.
    use_required_attribute = False

    reason = forms.CharField(
        label="Reason",
        max_length=limits.MOST_MESSAGE_CHARACTERS,
        help_text="It stands in the approval log and in the audit trail.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    covers = forms.ChoiceField(
        label="For",
        required=False,
        choices=[
            ("now", "One run, now"),
            ("next", "Its next scheduled run"),
            ("series", "Its coming runs, while nothing of it is changed"),
        ],
    )
    bypass_until = _until("Until (UTC)")
    bypass_runs = _runs()

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data, label_suffix="")

    def clean_covers(self) -> str:
        """An empty choice means one run, now."""
        return self.cleaned_data["covers"] or "now"

    def scope(self) -> Scope:
        """Return which runs are meant (of a valid form)."""
        v = self.cleaned_data
        return _scope(v["covers"] == "series", v["bypass_until"], v["bypass_runs"])


def _scope(series: bool, until: datetime | None, runs: int | None) -> Scope:
    """Return the runs that are meant; times are typed in UTC."""
    return Scope(True, until.replace(tzinfo=UTC) if until else None, runs) if series else Scope()


def first_problem(form: forms.Form) -> str:
    """Return what is wrong with a form, in a line."""
    return " ".join(str(sentence) for said in form.errors.values() for sentence in said)
