"""Approval of a job: ask for it, read exactly what was asked for, decide."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from approvals import selectors as approvals
from approvals.domain import OPEN, Scope
from approvals.models import ApprovalRequest
from approvals.web import decision
from config.errors import Conflict, Invalid, NotFound
from config.requests import Request
from devices import access as tenants
from devices.domain.configs import unified
from jobs import selectors
from jobs.dispatch import approval_gate
from jobs.domain.approval_content import digest_of, is_dynamic, lines
from jobs.domain.plan import DeviceBody
from jobs.models import ServiceJob

#: Devices on one page of a request's plan.
PAGE = 25


class Asked(approval_gate.Extent):
    """What a form asks for, in the words of `approval_gate.request`."""

    message: str


class RequestForm(forms.Form):
    """What an approval is asked for: one run or a series, these devices or those found then."""

    message = forms.CharField(
        label="Comments", max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    scope = forms.ChoiceField(
        label="Scope",
        required=False,
        choices=[
            ("run", "One run: closed by its execution"),
            ("series", "A series: every run while the content is unchanged"),
        ],
    )
    series_until = forms.DateTimeField(
        label="Series until (UTC)",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    series_runs = forms.IntegerField(label="Or for so many runs", required=False, min_value=1, max_value=10_000)
    devices = forms.ChoiceField(
        label="Devices",
        required=False,
        choices=[
            ("frozen", "Exactly those that match now"),
            ("dynamic", "Those that match when it runs, up to a number"),
        ],
    )
    at_most = forms.IntegerField(label="Devices at most", required=False, min_value=1, max_value=100_000)

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data, label_suffix="")

    def asked(self) -> Asked:
        """Return the arguments of `approval_gate.request` (of a valid form)."""
        v = self.cleaned_data
        until = v["series_until"].replace(tzinfo=UTC) if v["series_until"] else None
        scope = Scope(True, until, v["series_runs"]) if v["scope"] == "series" else Scope()
        at_most = (v["at_most"] or 0) if v["devices"] == "dynamic" else None
        return {"message": v["message"], "scope": scope, "at_most": at_most}


def approval(request: Request, pk: UUID) -> HttpResponse:
    """The approval of a job: the whole content, the log, and the decision."""
    found = saved_job(request, pk)
    asked, now = _asked(request, found), timezone.now()
    problem = decision.take(request, asked, now)
    if problem == "":
        messages.success(request, "Recorded.")
        return redirect("approval", pk=pk)
    return render(request, "jobs/approval.html", {"problem": problem, **facts(request, found, asked, now)})


def facts(request: Request, job: ServiceJob, asked: ApprovalRequest, now: datetime) -> dict[str, object]:
    """Return what a page about a request shows: the request itself, and its stored content, paged and searched."""
    content = approval_gate.content_asked(asked)
    words = request.GET.get("q", "").strip()[:100]
    devices = content.get("devices", [])
    if words:
        devices = [device for device in devices if words.lower() in _text(device)]
    before = approval_gate.content_asked(asked.previous) if asked.previous else None
    return {
        **decision.facts(request, asked, now),
        "job": job,
        "content": content,
        "dynamic": is_dynamic(content),
        "devices": Paginator(devices, PAGE).get_page(request.GET.get("page")),
        "q": words,
        "stale": asked.status in OPEN and digest_of(approval_gate.present(job, asked)) != asked.digest,
        "diff": unified("\n".join(lines(before)), "\n".join(lines(content)), hide=False) if before else None,
    }


@require_POST
def request_approval(request: Request, pk: UUID) -> HttpResponse:
    """Ask for approval of a saved job."""
    found = saved_job(request, pk)
    form = RequestForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(str(s) for said in form.errors.values() for s in said))
        return redirect("job", pk=pk)
    now = timezone.now()
    say(
        request,
        lambda: approval_gate.request(by=request.user, job=found, now=now, **form.asked()),
        "The approval was requested.",
    )
    return redirect("job", pk=pk)


def saved_job(request: Request, pk: UUID) -> ServiceJob:
    """Return a saved job that the viewer sees."""
    rows = selectors.visible_jobs(request.user).filter(status=ServiceJob.Status.SAVED)
    return tenants.get_visible(request.user, rows, pk=pk)


def say(request: Request, verb: Callable[[], object], done: str) -> bool:
    """Do it and say so, or say why not."""
    try:
        verb()
    except (Conflict, Invalid) as error:
        messages.error(request, error.message)
        return False
    messages.success(request, done)
    return True


def _asked(request: Request, job: ServiceJob) -> ApprovalRequest:
    """Return the job's request, or an earlier one of it that is named in the address."""
    rows = approvals.requests_about(request.user, job.approval_subject_id)
    wanted = request.GET.get("request", "")
    found = rows.filter(pk=int(wanted)).first() if wanted.isdigit() and len(wanted) < 18 else None
    found = found or rows.filter(pk=job.approval_id or 0).first() or rows.first()
    if found is None:
        raise NotFound("Nobody has asked for an approval of this job.")
    return found


def _text(device: DeviceBody) -> str:
    commands = [command for step in device.get("steps", ()) for command in step.get("commands", ())]
    return " ".join([device["name"], device["address"], *commands]).lower()
