"""The wizard's pages. Each step saves the draft, shows live what the job would do, and leads on."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from approvals import access as approvals
from config.errors import Conflict, Forbidden, Invalid, NotFound
from config.pages import show_problems
from config.requests import Request
from devices import access as tenants
from devices import selectors as inventory
from devices.domain.addresses import SAMPLE, UnreadableFile, read_address_csv
from devices.domain.roles import Verb
from devices.domain.selection import SelectionMode
from devices.web.once import done_already
from jobs import access, selectors, types
from jobs.authoring import drafts
from jobs.authoring.conflicts import collisions
from jobs.dispatch import approval_gate
from jobs.models import ServiceJob
from jobs.plan import builder
from jobs.plan.job_mapping import spec_of
from jobs.schedule import next_times
from jobs.web.approval_forms import BypassForm, RequestForm
from jobs.web.wizard import forms
from jobs.web.wizard.finishing import finish
from jobs.web.wizard.schedule import ScheduleForm, rearranged
from templates_app import selectors as templates
from templates_app.services.built_in import ensure_built_ins

STEPS = (("details", "Job Details"), ("tasks", "Task Details"), ("schedule", "Schedule"))
FORMS: dict[str, type[forms.WizardForm]] = {
    "details": forms.DetailsForm,
    "tasks": forms.TasksForm,
    "schedule": ScheduleForm,
}
#: The side panel shows what so many devices would get.
PREVIEWED_DEVICES = 8


def new_job(request: Request) -> HttpResponse:
    """Choose the template first (I-04); choosing it opens the draft."""
    if not access.may_run_anywhere(request.user):
        raise Forbidden("You may not create jobs in any tenant. Ask a tenant administrator for the operator role.")
    ensure_built_ins(tenants.tenants_where(request.user, Verb.RUN), types.built_in_templates())
    usable = templates.usable_templates(request.user).order_by("tenant__name", "name")
    error = ""
    if request.method == "POST":
        try:
            draft = drafts.start_draft(by=request.user, template_id=int(request.POST.get("template") or 0))
            return redirect("wizard", pk=draft.pk, step="details")
        except (Invalid, ValueError):
            error = "Select a service template; it says which devices can be chosen."
    context = {"templates": usable, "error": error, "steps": [(label, "", "", False) for _, label in STEPS]}
    return render(request, "jobs/wizard_new.html", context)


def wizard(request: Request, pk: str, step: str) -> HttpResponse:
    """One step of the wizard: show it, keep it, go on. A form that was sent twice leads where the first one led."""
    try:
        return done_already(request) or _step(request, pk, step)
    except (Conflict, NotFound):
        done = done_already(request)
        if done is None:
            raise
        return done


def _step(request: Request, pk: str, step: str) -> HttpResponse:
    draft = selectors.editable_job(request.user, pk)
    spec = spec_of(draft)
    form = FORMS[step](request.POST or None, draft=draft, user=request.user, spec=spec)
    if request.method == "POST":
        action = request.POST.get("action", "next")
        if action == "import":
            return _import_csv(request, draft, form)
        if step == "schedule" and action.startswith(("add-trigger", "drop-trigger-")):
            return _rearrange(request, draft, action)
        valid = form.is_valid()
        kept = _keep(request, draft, form)
        if action == "back":
            return redirect("wizard", pk=pk, step=STEPS[max(0, _index(step) - 1)][0])
        if valid and kept:
            done = _finish(request, draft, form, action, step)
            if done:
                return done
    return render(request, f"jobs/wizard_{step}.html", _context(request, draft, form, step))


@require_POST
def live(request: Request, pk: str, step: str) -> HttpResponse:
    """Keep what is valid so far and answer with the side panel: devices, commands, credentials.

    What comes after Submit is answered with nothing.
    """
    try:
        draft = selectors.editable_job(request.user, pk)
        form = FORMS[step](request.POST, draft=draft, user=request.user, spec=spec_of(draft))
        form.is_valid()
        saved = _keep(request, draft, form)
        draft = selectors.editable_job(request.user, pk)
    except (NotFound, Conflict):
        if not selectors.visible_jobs(request.user).filter(pk=pk).exists():
            raise
        return HttpResponse(status=204)
    response = render(request, "jobs/panel.html", {"draft": draft, **_panel(draft, request.user), "form": form})
    if saved:
        response["X-Saved"] = "1"
    return response


@require_POST
def discard(request: Request, pk: UUID) -> HttpResponse:
    """Throw the draft away."""
    draft = selectors.editable_job(request.user, pk)
    target = redirect("job", pk=draft.draft_of_id) if draft.draft_of_id else redirect("jobs")
    drafts.discard_draft(by=request.user, draft=draft)
    messages.success(request, "The draft was discarded.")
    return target


@require_POST
def picker(request: Request, pk: UUID) -> HttpResponse:
    """Answer with the device picker, narrowed by what was typed."""
    draft = selectors.editable_job(request.user, pk)
    form = forms.DetailsForm(request.POST, draft=draft, user=request.user, spec=spec_of(draft))
    form.is_valid()
    return render(request, "jobs/picker.html", {"field": form["devices"]})


def sample_csv(request: Request) -> HttpResponse:
    """The sample of the address list (I-16)."""
    response = HttpResponse("\ufeff" + SAMPLE, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="devices-sample.csv"'
    return response


def _keep(request: Request, draft: ServiceJob, form: forms.WizardForm) -> bool:
    """Save the valid part of a form into the draft; problems go beside the fields."""
    try:
        drafts.save_draft(by=request.user, draft=draft, spec=form.spec_after())
    except Invalid as error:
        show_problems(form, error)
        if "name" in error.fields:
            drafts.save_draft(by=request.user, draft=draft, spec=replace(form.spec_after(), name=form.spec.name))
        return False
    return True


def _finish(request: Request, draft: ServiceJob, form: forms.WizardForm, action: str, step: str) -> HttpResponse | None:
    if action == "save":
        messages.success(request, "The draft was saved. It waits in Job Management; nobody else sees it.")
        return redirect("jobs")
    if action == "next" and step != "schedule":
        return redirect("wizard", pk=draft.pk, step=STEPS[_index(step) + 1][0])
    return finish(request, draft, form, action)


def _rearrange(request: Request, draft: ServiceJob, action: str) -> HttpResponse:
    """Show the schedule with one trigger more or less; what was typed stays, and what is valid is kept."""
    form = ScheduleForm(rearranged(request.POST, action), draft=draft, user=request.user, spec=spec_of(draft))
    form.is_valid()
    _keep(request, draft, form)
    return render(request, "jobs/wizard_schedule.html", _context(request, draft, form, "schedule"))


def _import_csv(request: Request, draft: ServiceJob, form: forms.WizardForm) -> HttpResponse:
    """Add the devices of a CSV file to the static list and show what became of each line."""
    form.is_valid()
    _keep(request, draft, form)
    spec, rows, problem = spec_of(draft), [], ""
    upload = request.FILES.get("csv")
    try:
        if upload is None:
            raise UnreadableFile("Choose a CSV file first.")
        rows = list(read_address_csv(upload.read()))
    except UnreadableFile as error:
        problem = str(error)
    content = draft.version.content
    wanted = [row.address for row in rows if row.address and not row.problem]
    choices = inventory.choices_for(request.user, draft.tenant, content.platforms)
    known = {d.address: d for d in choices.filter(address__in=wanted)} if wanted else {}
    results: list[dict[str, object]] = []
    added: list[str] = []
    for row in rows:
        device = known.get(row.address)
        # One sentence for unknown and foreign alike: a stranger must not learn what others have.
        reason = row.problem or ("" if device else "No device that you can choose here has this address.")
        results.append({"line": row.line, "given": row.given, "device": None if reason else device, "reason": reason})
        added += [str(device.pk)] if device and not reason else []
    if added:
        devices = tuple(dict.fromkeys([*spec.selection.devices, *added]))
        selection = replace(spec.selection, mode=SelectionMode.STATIC, devices=devices)
        drafts.save_draft(by=request.user, draft=draft, spec=replace(spec, selection=selection))
    draft = selectors.editable_job(request.user, draft.pk)
    fresh = forms.DetailsForm(None, draft=draft, user=request.user, spec=spec_of(draft))
    context = _context(request, draft, fresh, "details")
    results.sort(key=lambda r: (r["device"] is not None, r["line"]))
    context |= {
        "import_results": results[:500],
        "import_count": len(added),
        "import_total": len(results),
        "import_problem": problem,
    }
    return render(request, "jobs/wizard_details.html", context)


def _context(request: Request, draft: ServiceJob, form: forms.WizardForm, step: str) -> dict[str, object]:
    return {
        "draft": draft,
        "form": form,
        "step": step,
        "steps": _stepper(draft, request.user, step),
        "approval_needed": _is_change(draft, step),
        "bypass_form": BypassForm(request.POST or None) if approvals.may_bypass(request.user, draft.tenant) else None,
        "live_url": reverse("wizard-live", args=[draft.pk, step]),
        "request_form": RequestForm(request.POST or None),
        **_panel(draft, request.user),
    }


def _is_change(draft: ServiceJob, step: str) -> bool:
    """Say whether it changes devices; all that it would send is looked at in the last step."""
    return approval_gate.is_change(draft) if step == "schedule" else draft.version.content.changes_devices


def _panel(draft: ServiceJob, user: User) -> dict[str, object]:
    """What the side panel shows: how many devices match, the first ones, what they would get."""
    count = builder.target_devices(draft, user).count()
    plan = builder.plan_of(draft, user, first=PREVIEWED_DEVICES)
    coming = next_times.preview(draft, timezone.now())
    return {
        "coming": coming,
        "several": len({item.trigger for item in coming}) > 1,
        "collisions": collisions(draft, user, coming),
        "device_count": count,
        "plans": plan.devices,
        "more": max(0, count - PREVIEWED_DEVICES),
    }


def _stepper(draft: ServiceJob, user: User, step: str) -> list[tuple[str, str, str, bool]]:
    """(label, url, what is missing, current) for each step."""
    problems = drafts.problems_of(draft, user)
    place = {"name": 0, "description": 0, "template": 0, "agent": 0, "devices": 0, "schedule": 2}
    missing: dict[int, int] = {}
    for field in problems:
        index = place.get(field.split(".")[0], 1)
        missing[index] = missing.get(index, 0) + 1
    return [
        (
            label,
            reverse("wizard", args=[draft.pk, key]),
            f"{missing[n]} to complete" if n in missing else "complete",
            key == step,
        )
        for n, (key, label) in enumerate(STEPS)
    ]


def _index(step: str) -> int:
    return [key for key, _ in STEPS].index(step)
