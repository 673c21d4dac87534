"""Pages of jobs: dashboard, Job Management, one job, its approval."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from approvals import access as approvals
from approvals.domain import LABELS as APPROVAL_LABELS
from approvals.domain import ApprovalStatus
from approvals.web.requests import status_pill
from config import lists
from config.errors import Conflict, Forbidden, Invalid
from config.lists import Column, Filter, Listing
from config.requests import Request
from config.ui import ago, pill
from devices import access as tenants
from devices.web.once import act_once
from devices.web.scope import within
from jobs import access, selectors, types
from jobs.authoring import drafts
from jobs.authoring.conflicts import collisions
from jobs.dispatch import approval_gate, starter
from jobs.domain.rollout import Rollout
from jobs.domain.spec import OPTIONS
from jobs.models import ServiceJob
from jobs.plan import builder
from jobs.schedule import next_times
from jobs.web import dashboard
from jobs.web.approval_forms import BypassForm, RequestForm, first_problem
from jobs.web.approvals import saved_job, say


def home(request: Request) -> HttpResponse:
    """The dashboard: what runs, what failed, what waits."""
    runs = within(request, selectors.visible_runs(request.user))
    return render(request, "jobs/dashboard.html", dashboard.figures(request.user, runs))


def job_list(request: Request) -> HttpResponse:
    """Job Management."""
    columns = (
        Column("Name", _name, sort="name", css="strong"),
        Column("Template", lambda j: j.template.name, sort="template__name"),
        Column("Customer", lambda j: j.tenant.name, sort="tenant__name"),
        Column("Job Status", _job_status, sort="enabled"),
        Column(
            "Approval Status",
            lambda j: (
                status_pill(j.approval.status if j.approval else "not_requested")
                if j.version.content.changes_devices or j.approval
                else "—"
            ),
        ),
        Column("Next run", lambda j: ago(j.next_run_at), sort="next_run_at"),
        Column("Created by", lambda j: j.created_by.get_username(), sort="created_by__username"),
        Column("Changed", lambda j: ago(j.changed_at), sort="changed_at"),
    )
    statuses = [(s.value, APPROVAL_LABELS[s]) for s in ApprovalStatus]
    filters = (
        Filter("approval", "Approval Status", statuses, _by_approval),
        Filter("status", "Job Status", [("saved", "Saved"), ("draft", "Draft")], lists.field("status")),
    )
    new = {"new_url": reverse("new-job"), "new_label": "New job"} if access.may_run_anywhere(request.user) else {}
    listing = Listing(
        title="Job Management",
        columns=columns,
        search=("name", "description", "template__name"),
        empty="No job yet. A job runs a service template on devices, now or on a schedule.",
        filters=filters,
        order="-changed_at",
        **new,
    )
    return lists.show(request, within(request, selectors.visible_jobs(request.user)), listing)


def _by_approval(rows: QuerySet[ServiceJob], value: str) -> QuerySet[ServiceJob]:
    return rows.filter(approval=None) if value == "not_requested" else rows.filter(approval__status=value)


def _name(job: ServiceJob) -> str:
    draft = job.status == ServiceJob.Status.DRAFT
    url = reverse("wizard", args=[job.pk, "details"]) if draft else reverse("job", args=[job.pk])
    return format_html('<a href="{}">{}</a>', url, job.name or "Unnamed draft")


def _job_status(job: ServiceJob) -> str:
    if job.status == ServiceJob.Status.DRAFT:
        return pill("draft", "Draft", "idle")
    return pill("on", "Enabled", "ok") if job.enabled else pill("off", "Off", "warn")


def job(request: Request, pk: UUID) -> HttpResponse:
    """One job: what it does, on what, when, and its runs."""
    found = saved_job(request, pk)
    plan = builder.plan_of(found, request.user, first=20)
    whole = None if found.version.content.changes_devices else builder.plan_of(found, found.created_by)
    changes = approval_gate.is_change(found, whole)
    status = found.approval.status if found.approval else "not_requested"
    coming = next_times.preview(found, timezone.now())
    context = {
        "job": found,
        "job_type": types.label_of(found.job_type),
        "options": [(option.label, option.words(getattr(found, option.name))) for option in OPTIONS],
        "plan": plan,
        "coming": coming,
        "several": len({item.trigger for item in coming}) > 1,
        "collisions": collisions(found, request.user, coming),
        "device_count": builder.target_devices(found, request.user).count(),
        "runs": selectors.with_counts(selectors.visible_runs(request.user).filter(job=found))[:10],
        "triggers": next_times.described(found),
        "spread": Rollout.from_json(found.rollout).words(),
        "may_run": access.may_run(request.user, found.tenant),
        "approval_pill": status_pill(status),
        "changes": changes,
        "changing": whole.changes() if whole else (),
        "needs_request": changes and status not in ("requested", "approved"),
        "blocked": changes and status != "approved",
        "request_form": RequestForm(),
        "bypass_form": BypassForm() if approvals.may_bypass(request.user, found.tenant) else None,
        "newer": found.template.current_id != found.version_id,
    }
    return render(request, "jobs/job.html", context)


@require_POST
def run_now(request: Request, pk: UUID) -> HttpResponse:
    """Start a saved job; ask first where that uses up what was meant for later."""
    found = saved_job(request, pk)

    def start() -> str:
        run = starter.run_now(
            by=request.user, job=found, now=timezone.now(), confirmed=request.POST.get("confirmed") == "1"
        )
        return reverse("run", args=[run.pk])

    try:
        return act_once(request, start)
    except starter.Unconfirmed as error:
        words = {"title": f"Run {found} now?", "question": error.message, "verb": "Yes, run it now", "confirmed": True}
        return render(request, "confirm.html", {**words, "back": reverse("job", args=[pk])})
    except Conflict as error:
        messages.error(request, error.message)
        return redirect("job", pk=pk)


@require_POST
def run_unapproved(request: Request, pk: UUID) -> HttpResponse:
    """Run a change now without approval, or let its coming runs do so: by right, with a reason."""
    found, form = saved_job(request, pk), BypassForm(request.POST)
    by, now = request.user, timezone.now()

    def act() -> str:
        reason, scope = form.cleaned_data["reason"], form.scope()
        if form.cleaned_data["covers"] == "now":
            run = starter.run_unapproved(by=by, job=found, reason=reason, now=now)
            return reverse("run", args=[run.pk])
        approval_gate.bypass(by=by, job=found, reason=reason, now=now, scope=scope)
        messages.success(request, "Its coming runs need no approval, as long as nothing of it is changed.")
        return reverse("job", args=[pk])

    if not form.is_valid():
        messages.error(request, first_problem(form))
        return redirect("job", pk=pk)
    try:
        return act_once(request, act)
    except (Conflict, Forbidden, Invalid) as error:
        messages.error(request, error.message)
        return redirect("job", pk=pk)


@require_POST
def edit(request: Request, pk: UUID) -> HttpResponse:
    """Open a copy of a saved job in the wizard."""
    draft = drafts.start_editing(by=request.user, job=saved_job(request, pk))
    return redirect("wizard", pk=draft.pk, step="details")


@require_POST
def switch(request: Request, pk: UUID) -> HttpResponse:
    """Switch a job on or off."""
    found = saved_job(request, pk)
    drafts.set_enabled(by=request.user, job=found, enabled=not found.enabled)
    return redirect("job", pk=pk)


def delete(request: Request, pk: UUID) -> HttpResponse:
    """Ask, then delete a job; its history stays."""
    found = tenants.get_visible(request.user, selectors.visible_jobs(request.user), pk=pk)
    if request.method == "POST":
        if say(
            request,
            lambda: drafts.delete_job(by=request.user, job=found),
            f"The job '{found}' was deleted; its runs stay in Job History.",
        ):
            return redirect("jobs")
        return redirect("job", pk=pk)
    question = f"Delete the job '{found}'? It leaves Job Management and never runs again. Its runs stay in Job History."
    back = reverse("jobs") if found.status == "draft" else reverse("job", args=[pk])
    return render(
        request, "confirm.html", {"title": "Delete job", "question": question, "verb": "Yes, delete it", "back": back}
    )
