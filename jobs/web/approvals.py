"""Approval of a job: ask for it, read exactly what was asked for, decide."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from approvals import access as approval_access
from approvals import deciders
from approvals import selectors as approvals
from approvals import services as approval_services
from approvals.domain import LATE_LABELS, Action, Late, Scope
from approvals.models import ApprovalRequest
from approvals.web.requests import status_pill
from config.errors import Conflict, Invalid, NotFound, ServiceError
from devices import access as tenants
from devices.domain.configs import unified
from jobs import selectors
from jobs.dispatch import approval_gate
from jobs.domain.approval_content import digest_of, is_dynamic, lines
from jobs.models import ServiceJob

#: Devices on one page of a request's plan.
PAGE = 25


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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", **kwargs)

    def asked(self) -> dict[str, Any]:
        """Return the arguments of `approving.request` (of a valid form)."""
        v = self.cleaned_data
        until = v["series_until"].replace(tzinfo=UTC) if v["series_until"] else None
        scope = Scope(True, until, v["series_runs"]) if v["scope"] == "series" else Scope()
        at_most = (v["at_most"] or 0) if v["devices"] == "dynamic" else None
        return {"message": v["message"], "scope": scope, "at_most": at_most}


def approval(request: HttpRequest, pk: Any) -> HttpResponse:
    """The approval of a job: the whole content, the log, and the decision."""
    found = saved_job(request, pk)
    asked = _asked(request, found)
    now, problem = timezone.now(), ""
    if request.method == "POST":
        try:
            decide(by=request.user, asked=asked, given=request.POST, now=now)
            messages.success(request, "Recorded.")
            return redirect("approval", pk=pk)
        except ServiceError as error:
            problem = error.message
    return render(
        request, "jobs/approval.html", {"job": found, **facts(request, found, asked, now), "problem": problem}
    )


def facts(request: HttpRequest, job: ServiceJob, asked: ApprovalRequest, now: Any) -> dict[str, Any]:
    """Return what a page about a request shows: its stored content, paged and searched, and what the viewer may do."""
    content, by = asked.content, request.user
    words = request.GET.get("q", "").strip()[:100]
    devices = (
        [d for d in content.get("devices", ()) if words.lower() in _text(d)] if words else content.get("devices", [])
    )
    open_ = asked.status in ("requested", "approved")
    stale = open_ and digest_of(approval_gate.present(job, asked)) != asked.digest
    mine = asked.requested_by_id == by.pk
    return {
        "asked": asked,
        "content": content,
        "dynamic": is_dynamic(content),
        "devices": Paginator(devices, PAGE).get_page(request.GET.get("page")),
        "q": words,
        "stale": stale,
        "log": approvals.log_of(asked),
        "earlier": ApprovalRequest.objects.filter(tenant=asked.tenant_id, url=asked.url)
        .exclude(pk=asked.pk)
        .order_by("-pk"),
        "diff": unified("\n".join(lines(asked.previous.content)), "\n".join(lines(content)), hide=False)
        if asked.previous
        else None,
        "steps": _steps(asked),
        "pill": status_pill(asked.status),
        "may_decide": asked.status == "requested" and deciders.may_decide(by, asked, now),
        "may_comment": mine or approval_access.may_approve(by, asked.tenant),
        "may_close": asked.status in ("requested", "approved", "rejected")
        and (mine or approval_access.may_bypass(by, asked.tenant)),
        "mine": mine,
        "late": list(LATE_LABELS.items()) if asked.due_at and asked.due_at <= now else [],
        "message": request.POST.get("message", ""),
    }


def decide(*, by: Any, asked: ApprovalRequest, given: Any, now: Any) -> None:
    """Do what a posted form says: approve, reject, comment or close. The same for the pages and the admin."""
    action, message = given.get("action", ""), given.get("message", "")
    common = {"by": by, "request": asked, "message": message, "now": now}
    if action == "comment":
        approval_services.comment(**common)
    elif action == "close":
        approval_services.close(**common)
    elif action in ("approve", "reject"):
        verb = Action.APPROVE if action == "approve" else Action.REJECT
        late = given.get("late", "") if given.get("late", "") in list(Late) else ""
        one_run = bool(given.get("one_run"))
        approval_services.decide(action=verb, digest=given.get("digest", ""), one_run=one_run, late=late, **common)
    else:
        raise Invalid("Choose Approve, Reject, Comment or Close.")


@require_POST
def request_approval(request: HttpRequest, pk: Any) -> HttpResponse:
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


def saved_job(request: HttpRequest, pk: Any) -> ServiceJob:
    """Return a saved job that the viewer sees."""
    rows = selectors.visible_jobs(request.user).filter(status=ServiceJob.Status.SAVED)
    return tenants.get_visible(request.user, rows, pk=pk)


def say(request: HttpRequest, verb: Callable[[], Any], done: str) -> bool:
    """Do it and say so, or say why not."""
    try:
        verb()
    except (Conflict, Invalid) as error:
        messages.error(request, error.message)
        return False
    messages.success(request, done)
    return True


def _asked(request: HttpRequest, job: ServiceJob) -> ApprovalRequest:
    """Return the job's request, or an earlier one of it that is named in the address."""
    rows = approvals.visible_requests(request.user).filter(url=f"/jobs/{job.pk}/").select_related("previous")
    wanted = request.GET.get("request", "")
    found = rows.filter(pk=int(wanted)).first() if wanted.isdigit() and len(wanted) < 18 else None
    found = found or rows.filter(pk=job.approval_id).first() or rows.order_by("-pk").first()
    if found is None:
        raise NotFound("Nobody has asked for an approval of this job.")
    return found


def _steps(asked: ApprovalRequest) -> list[dict[str, Any]]:
    """Each step with its group's name, how many it needs and who has approved it."""
    from django.contrib.auth.models import Group

    names = dict(
        Group.objects.filter(pk__in=[step.group for step in asked.all_steps if step.group]).values_list("pk", "name")
    )
    votes = asked.events.filter(action=Action.APPROVE).select_related("actor", "on_behalf_of")
    return [
        {
            "number": n + 1,
            "required": step.required,
            "group": names.get(step.group, "everyone who may approve"),
            "by": [f"{v.actor} for {v.on_behalf_of}" if v.on_behalf_of else str(v.actor) for v in votes if v.step == n],
            "open": asked.status == "requested" and asked.step == n,
        }
        for n, step in enumerate(asked.all_steps)
    ]


def _text(device: dict[str, Any]) -> str:
    commands = [command for step in device.get("steps", ()) for command in step.get("commands", ())]
    return " ".join([device["name"], device["address"], *commands]).lower()
