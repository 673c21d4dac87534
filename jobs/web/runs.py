"""Pages of runs: Job History, the live run page, a device's transcript and configuration difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from approvals import access as approvals
from approvals.domain import OPEN as APPROVAL_OPEN
from config import lists
from config.errors import Conflict, Forbidden, Invalid
from config.lists import Column, Filter, Listing
from config.requests import Request
from config.ui import ago, duration, pill
from devices import access as tenants
from devices.domain.roles import Verb
from devices.services.snapshots import shown
from devices.web.compare import comparison
from devices.web.once import act_once
from devices.web.scope import within
from jobs import access, control, selectors, types
from jobs.dispatch import approval_gate
from jobs.domain import endings
from jobs.domain.rollout import Rollout
from jobs.domain.states import CHOICES, LABELS, OPEN, RunStatus
from jobs.models import DeviceRun, JobRun, StepResult
from jobs.results.evidence import Evidence, Reading, evidence_of
from jobs.results.transcripts import transcript, with_maskers

BOARD_PAGE = 100
#: What runs are narrowed to: their statuses, and among those that succeeded the ones with a warning.
STATUSES = [*CHOICES, (endings.WARNING, endings.WITH_WARNING)]


def run_list(request: Request) -> HttpResponse:
    """Job History (N-26, N-27)."""
    columns = (
        Column(
            "Name",
            lambda r: format_html('<a href="{}">{}</a>', reverse("run", args=[r.pk]), r.job_name),
            sort="job_name",
            css="strong",
        ),
        Column("Network", lambda r: r.network_names or "—"),
        Column("Type", lambda r: types.label_of(r.job_type), sort="job_type"),
        Column("Status", _status_and_cause, sort="status"),
        Column("Devices", _progress),
        Column("Start Time", _start, sort="started_at", css="nowrap"),
        Column("End Time", lambda r: ago(r.ended_at), sort="ended_at", css="nowrap"),
        Column("User", lambda r: r.executed_by.get_username(), sort="executed_by__username"),
        Column("Customer", lambda r: r.tenant.name, sort="tenant__name"),
    )
    filters = (
        Filter("type", "Type", types.choices(), lists.field("job_type")),
        Filter("status", "Status", STATUSES, _narrow),
    )
    listing = Listing(
        title="Job History",
        columns=columns,
        search=("job_name", "template_name", "executed_by__username"),
        empty="Nothing has run yet. Runs appear here as soon as a job starts.",
        filters=filters,
        order="-id",
    )
    rows = within(request, selectors.with_counts(selectors.visible_runs(request.user)))
    return lists.show(request, rows, listing)


def _narrow(rows: QuerySet[JobRun], value: str) -> QuerySet[JobRun]:
    return selectors.with_warning(rows) if value == endings.WARNING else rows.filter(status=value)


def run(request: Request, pk: int) -> HttpResponse:
    """One run, live."""
    found = _run(request, pk)
    context = {"run": found, "may_run": access.may_run(request.user, found.tenant), **_board(request, found)}
    return render(request, "jobs/run.html", context)


def board(request: Request, pk: int) -> HttpResponse:
    """The live part of the run page."""
    found = _run(request, pk)
    return render(
        request,
        "jobs/board.html",
        {"run": found, "may_run": access.may_run(request.user, found.tenant), **_board(request, found)},
    )


@require_POST
def cancel(request: Request, pk: int) -> HttpResponse:
    """Stop a run."""
    words = "The run is being cancelled: nothing new starts, running devices stop before their next command."
    found = _run(request, pk)
    return _do(request, found, words, lambda: control.cancel_run(by=request.user, run=found, now=timezone.now()))


@require_POST
def cancel_device(request: Request, pk: int, device_pk: int) -> HttpResponse:
    """Stop one device of a run."""
    found = _device_run(request, pk, device_pk)
    words = f"{found.device_name} is being cancelled; the other devices go on."
    return _do(
        request, found.run, words, lambda: control.cancel_device(by=request.user, device_run=found, now=timezone.now())
    )


@require_POST
def release_device(request: Request, pk: int, device_pk: int) -> HttpResponse:
    """Free a device that a worker on an unreachable machine holds."""
    found = _device_run(request, pk, device_pk)
    words = f"{found.device_name} is free again."
    return _do(request, found.run, words, lambda: control.release_device(by=request.user, device_run=found))


@require_POST
def resume(request: Request, pk: int) -> HttpResponse:
    """Let a paused run go on."""
    found = _run(request, pk)
    return _do(
        request, found, "The run goes on.", lambda: control.resume_run(by=request.user, run=found, now=timezone.now())
    )


@require_POST
def again(request: Request, pk: int) -> HttpResponse:
    """Run some devices of an ended run again; ask for the approval of that, or do it without one and say why."""
    found, which, now, by = _run(request, pk), request.POST.get("which", ""), timezone.now(), request.user
    which = which if which in (*control.AGAIN, control.RESUME) else "failed"
    words, action = request.POST.get("message", "").strip()[:1000], request.POST.get("action", "run")

    def act() -> str:
        if action == "request":
            control.request_again(by=by, run=found, which=which, message=words, now=now)
            messages.success(request, "The approval was requested. Run the devices again from here when it is given.")
            return reverse("approval", args=[found.job_id])
        if action == "bypass":
            made = control.bypass_again(by=by, run=found, which=which, reason=words, now=now)
        else:
            made = control.run_again(by=by, run=found, which=which, now=now)
        messages.success(request, "A new run has begun.")
        return reverse("run", args=[made.pk])

    try:
        return act_once(request, act)
    except (Conflict, Forbidden, Invalid) as error:
        messages.error(request, error.message)
        return redirect("run", pk=pk)


def _do(request: Request, found: JobRun, words: str, verb: Callable[[], JobRun | None]) -> HttpResponse:
    """Call a verb, say what came of it, and go to the run it made or to the one it was about."""
    try:
        made = verb()
        messages.success(request, words)
    except Conflict as error:
        messages.error(request, error.message)
        made = None
    return redirect("run", pk=made.pk if made else found.pk)


def device_run(request: Request, pk: int, device_pk: int) -> HttpResponse:
    """One device of a run: outcome, transcript, difference. A drawer for htmx, a page otherwise."""
    found = _device_run(request, pk, device_pk)
    steps = with_maskers(found.steps.all())
    context = {
        "run": found.run,
        "item": found,
        "pill": status_pill(found.status, found.message),
        "plan": found.plan,
        "steps": [(step, *_finding(step)) for step in steps],
        "evidence": [] if found.is_open else [_shown(request, found, item) for item in evidence_of(found, steps)],
        "may_run": access.may_run(request.user, found.tenant),
        "quarantined": selectors.is_quarantined(found),
        "may_release": tenants.may(request.user, Verb.ADMINISTER, found.tenant),
    }
    template = "jobs/device_run.html" if request.htmx else "jobs/device_run_page.html"
    return render(request, template, context)


def raw(request: Request, pk: int, device_pk: int) -> HttpResponse:
    """The whole transcript as a text file."""
    found = _device_run(request, pk, device_pk)
    response = HttpResponse(transcript(found.steps.all()), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="run-{found.run_id}-device-{found.pk}.txt"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def status_pill(status: str, text: str = "") -> str:
    """Return a status as a pill; `text` is the message or reason with which it ended."""
    return pill(status, endings.label(status, text), endings.colour(status, text))


def _finding(step: StepResult) -> tuple[str, str]:
    return endings.of_step(step.kind, step.status, step.verdict)


def _start(run: JobRun) -> str:
    """When it started, and how long after its time."""
    if run.lateness is None:
        return ago(run.started_at)
    return format_html('{}<br><span class="quiet">{} late</span>', ago(run.started_at), duration(run.lateness))


def _status_and_cause(run: JobRun) -> str:
    """The status, and in words under it why it is not a plain success."""
    found = status_pill(run.status, run.reason)
    return format_html('<span>{}<br><span class="quiet">{}</span></span>', found, run.reason) if run.reason else found


def _progress(run: JobRun) -> str:
    if not run.device_count:
        return "—"
    return format_html(
        '<span class="progress"><progress max="{}" value="{}" aria-label="devices done"></progress>{}/{}</span>',
        run.device_count,
        run.ended_count,  # type: ignore[attr-defined]
        run.ended_count,  # type: ignore[attr-defined]
        run.device_count,
    )


def _run(request: Request, pk: int) -> JobRun:
    return tenants.get_visible(request.user, selectors.visible_runs(request.user), pk=pk)


def _device_run(request: Request, pk: int, device_pk: int) -> DeviceRun:
    rows = selectors.visible_device_runs(request.user).filter(run=pk)
    return tenants.get_visible(request.user, rows, pk=device_pk)


def _board(request: Request, found: JobRun) -> dict[str, object]:
    """Counts, and one page of devices with a cell per step; what failed comes first once a filter asks for it."""
    counts = selectors.counts(found)
    total = sum(counts.values())
    ended = total - sum(counts.get(status, 0) for status in OPEN)
    shown = request.GET.get("only", "")
    rows = selectors.board(found)
    if shown == endings.WARNING:
        rows = selectors.with_warning(rows)
    elif shown in RunStatus.__members__.values():
        rows = rows.filter(status=shown)
    page = Paginator(rows, BOARD_PAGE).get_page(request.GET.get("page"))
    columns = _columns(found)
    return {
        "pill": status_pill(found.status, found.reason),
        "total": total,
        "ended": ended,
        "lines": _lines(request.user, list(page), columns),
        "page": page,
        "chips": _chips(found, counts),
        "again": [] if found.is_open else _again(found, counts),
        "again_needs": _needs(request.user, found),
        "spread": Rollout.from_json(found.rollout).words(),
        "only": shown,
        "step_names": [name for _, name in columns],
        "eta": _time_left(found, ended, total),
        "offline": found.is_open and found.agent is not None and not found.agent.is_online(timezone.now()),
        **_result(found),
    }


def _lines(user: User, rows: list[DeviceRun], columns: list[tuple[int, str]]) -> list[dict[str, object]]:
    """Return what the board shows of each device: whom it waits for, its status, a cell for each step."""
    holders = selectors.holders(user, [row.waits_for for row in rows if row.waits_for is not None])
    return [
        {
            "item": row,
            "waits_for": holders.get(row.waits_for or 0, "a run of another customer"),
            "pill": status_pill(row.status, row.message),
            "cells": _cells(row, columns),
        }
        for row in rows
    ]


def _chips(found: JobRun, counts: Mapping[str, int]) -> list[tuple[str, str, int]]:
    """Return (word, label, how many) of each way in which devices ended; those with a warning are among the others."""
    chips = [(status.value, LABELS[status], counts[status]) for status in RunStatus if counts.get(status)]
    warned = selectors.count_with_warning(found) if counts.get(RunStatus.SUCCEEDED) else 0
    return [*chips, (endings.WARNING, endings.WITH_WARNING, warned)] if warned else chips


def _time_left(found: JobRun, ended: int, total: int) -> timedelta | None:
    """Return how long the run takes yet if it goes on as it went so far; None where that cannot be said."""
    if not found.is_open or not found.started_at or not ended or found.paused_at or found.next_wave_at:
        return None
    return (timezone.now() - found.started_at) / ended * (total - ended)


def _result(found: JobRun) -> dict[str, object]:
    """Return what the run's type shows of its result beside the devices: the page in its folder, and what is on it."""
    kind = types.find(found.job_type)
    if kind is None or not kind.page:
        return {}
    return {"result_page": kind.page, "result": kind.show(found) if kind.show else {}}


def _again(found: JobRun, counts: Mapping[str, int]) -> list[tuple[str, str]]:
    """Return the ways to run devices again, and the words for each."""
    numbers = {which: sum(counts.get(s, 0) for s in statuses) for which, (_, statuses) in control.AGAIN.items()}
    ways = [(which, f"Run {n} {control.AGAIN[which][0]} again") for which, n in numbers.items() if n]
    resumable = len(control.places_to_resume(found)) if ways else 0
    return [*ways, (control.RESUME, f"Resume {resumable} at the failed step")] if resumable else ways


def _needs(user: User, found: JobRun) -> list[str]:
    """Return what can be done before devices of a change may run again: `request`, and by right `bypass`; nothing
    where they may run."""
    job = found.job
    if (
        not found.approval_id
        or approval_gate.is_approved(job)
        or (job.approval and job.approval.status in APPROVAL_OPEN)
    ):
        return []
    return ["request", "bypass"] if approvals.may_bypass(user, job.tenant) else ["request"]


def _columns(found: JobRun) -> list[tuple[int, str]]:
    """The steps, (position, name), of all devices of a run in plan order: a step is its place, not its name."""
    return [(position, name) for position, name in found.planned_steps or ()]


def _cells(row: DeviceRun, columns: list[tuple[int, str]]) -> list[dict[str, str]]:
    """One cell a column; empty where the device has no such step, or has not come to it yet."""
    steps = {step.position: step for step in row.steps.all()}
    cells = []
    for position, name in columns:
        step = steps.get(position)
        colour, words = _finding(step) if step else ("", "")
        cells.append({"name": name, "colour": colour, "label": f"{name}: {words}" if step else ""})
    return cells


def _shown(request: Request, found: DeviceRun, item: Evidence) -> dict[str, object]:
    """Return what the page shows of two configurations: their comparison, or why there is none and what was read."""
    before, after = item.before.snapshot, item.after.snapshot
    diff = comparison(request, before, after, found.platform) if before and after else None
    return {"item": item, "diff": diff, "read": [] if diff else [(one, _text(one)) for one in item.read]}


def _text(reading: Reading) -> str:
    return shown(reading.snapshot) if reading.snapshot else ""
