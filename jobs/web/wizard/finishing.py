"""The end of the wizard: save and start, ask for approval, or run without one. Each is done once for a form."""

from __future__ import annotations

from typing import TypeVar

from django import forms as django_forms
from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse

from config.errors import Conflict, Forbidden, Invalid
from config.requests import Request
from devices.web.once import act_once
from jobs.authoring import drafts
from jobs.dispatch import approval_gate
from jobs.models import JobRun, ServiceJob
from jobs.web.approval_forms import BypassForm, RequestForm
from jobs.web.wizard import forms

AnyForm = TypeVar("AnyForm", bound=django_forms.Form)
#: The buttons that end the wizard.
ACTIONS = ("submit", "request", "bypass")


def finish(request: Request, draft: ServiceJob, form: forms.WizardForm, action: str) -> HttpResponse | None:
    """Do what the button says and lead on; what keeps it from that goes onto the form (None)."""
    verb = {"request": _request, "bypass": _bypass}.get(action, _submit)
    try:
        return act_once(request, lambda: verb(request, draft))
    except Invalid as error:
        for sentence in (s for sentences in error.fields.values() for s in sentences):
            form.add_error(None, sentence)
    except Forbidden as error:
        form.add_error(None, error.message)
    except Conflict as error:
        if not drafts.is_draft(draft):
            raise
        form.add_error(None, error.message)
    return None


def _submit(request: Request, draft: ServiceJob) -> str:
    job, run = drafts.submit_job(by=request.user, draft=draft)
    if not run and not approval_gate.is_allowed(job):
        messages.warning(request, "The job was saved. It changes devices, so request its approval before it can run.")
    elif not run:
        messages.success(request, "The job was saved.")
    return _page(job, run)


def _request(request: Request, draft: ServiceJob) -> str:
    asked = _valid(RequestForm(request.POST))
    job = drafts.request_job(by=request.user, draft=draft, **asked.asked())
    messages.success(request, "The job was saved and its approval requested. You can run it when it is approved.")
    return _page(job, None)


def _bypass(request: Request, draft: ServiceJob) -> str:
    asked = _valid(BypassForm(request.POST))
    reason, scope = asked.cleaned_data["reason"], asked.scope()
    job, run = drafts.bypass_job(by=request.user, draft=draft, reason=reason, scope=scope)
    if not run:
        messages.success(request, "The job was saved. Its coming runs need no approval while nothing of it is changed.")
    return _page(job, run)


def _valid(form: AnyForm) -> AnyForm:
    if not form.is_valid():
        raise Invalid(fields={name: list(map(str, said)) for name, said in form.errors.items()})
    return form


def _page(job: ServiceJob, run: JobRun | None) -> str:
    return reverse("run", args=[run.pk]) if run else reverse("job", args=[job.pk])
