"""Approval of a job: ask for it, read exactly what was asked for, decide."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from approvals import selectors as approvals
from approvals.domain import OPEN
from approvals.models import ApprovalRequest
from approvals.web import decision
from config.errors import Conflict, Invalid, NotFound
from config.requests import Request
from devices import access as tenants
from devices.domain.configs import as_lines, unified
from jobs import selectors
from jobs.dispatch import approval_gate
from jobs.domain import approval_words as words
from jobs.domain.approval_content import Content, digest_of, is_dynamic
from jobs.models import ServiceJob
from jobs.web.approval_forms import RequestForm, first_problem

#: Groups of devices on one page of a request's plan.
PAGE = 25


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
    wanted = request.GET.get("q", "").strip()[:100]
    groups = words.folded(content, wanted)
    before = approval_gate.content_asked(asked.previous) if asked.previous else None
    return {
        **decision.facts(request, asked, now),
        "job": job,
        "content": content,
        "dynamic": is_dynamic(content),
        "facts": words.facts(content, asked.requested_by.get_username(), str(asked.scope)),
        "rows": words.rows(content),
        "logins": content.get("logins", {}),
        "groups": Paginator(groups, PAGE).get_page(request.GET.get("page")),
        "found": sum(len(group.devices) for group in groups),
        "q": wanted,
        "stale": asked.status in OPEN and digest_of(approval_gate.present(job, asked)) != asked.digest,
        "diff": _difference(before, content) if before else None,
    }


def _difference(before: Content, content: Content) -> list[tuple[str, str]]:
    """Return how an earlier request compares with this one, line by line, as `unified` does."""
    return unified(as_lines(words.lines(before)), as_lines(words.lines(content)))


@require_POST
def request_approval(request: Request, pk: UUID) -> HttpResponse:
    """Ask for approval of a saved job."""
    found = saved_job(request, pk)
    form = RequestForm(request.POST)
    if not form.is_valid():
        messages.error(request, first_problem(form))
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
    found = (
        rows.filter(pk=int(wanted)).first() if wanted.isascii() and wanted.isdecimal() and len(wanted) < 18 else None
    )
    found = found or rows.filter(pk=job.approval_id or 0).first() or rows.first()
    if found is None:
        raise NotFound("Nobody has asked for an approval of this job.")
    return found
