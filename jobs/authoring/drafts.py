"""Make and change jobs: drafts, submitting, requesting approval, deleting. Every face comes through here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Unpack
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from approvals import services as approvals
from approvals.domain import Scope
from config.errors import Conflict, Forbidden, Invalid, NotFound
from devices import access as tenants
from devices.domain.roles import Verb
from devices.services import audit, vault
from devices.services.inventory import take_secrets
from jobs import access, types
from jobs.dispatch import approval_gate, starter
from jobs.domain.spec import JobSpec, TriggerKind
from jobs.models import JobRun, ServiceJob, Trigger
from jobs.plan import builder
from jobs.plan.job_mapping import spec_of, write_spec
from jobs.schedule import next_times
from templates_app import selectors as templates
from templates_app.domain import variables as rules
from templates_app.domain.content import VariableType
from templates_app.models import ServiceTemplate


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to become of a complete draft: its approval is asked for with a `message`, or it runs without one for a
    `reason`; with neither it is saved, and started where it changes nothing."""

    message: str | None = None
    reason: str | None = None
    scope: Scope | None = None
    at_most: int | None = None


SAVE = Wish()


def start_draft(*, by: User, template_id: int) -> ServiceJob:
    """Open a draft from a ready template the user may run."""
    try:
        template = tenants.get_visible(by, templates.usable_templates(by), Verb.RUN, pk=template_id)
    except NotFound:
        raise Invalid(fields={"template": ["Choose a service template that is ready and yours to run."]}) from None
    with transaction.atomic():
        return ServiceJob.objects.create(
            tenant=template.tenant,
            template=template,
            version=template.latest,
            created_by=by,
            changed_by=by,
            snapshots=template.latest.content.changes_devices,
            job_type=types.of_template(template.built_in).key,
        )


def open_draft(*, by: User, template_id: int, change: Callable[[ServiceJob], JobSpec]) -> ServiceJob:
    """Open a draft and keep in it what `change` makes of it, or keep nothing at all."""
    with transaction.atomic():
        draft = start_draft(by=by, template_id=template_id)
        return save_draft(by=by, draft=draft, spec=change(draft))


def start_editing(*, by: User, job: ServiceJob) -> ServiceJob:
    """Open the user's copy of a saved job; the job itself goes on unchanged until the copy is submitted."""
    check_may_edit(by, job)
    held = ServiceJob.objects.filter(draft_of=job, created_by=by).first()
    if held:
        return held
    with transaction.atomic():
        draft = ServiceJob(tenant=job.tenant, template=job.template, version=job.version, created_by=by, draft_of=job)
        spec = spec_of(job)
        later = tuple(t for t in spec.triggers if t.kind is not TriggerKind.NOW)
        return write_spec(by=by, job=draft, spec=replace(spec, triggers=later))


def save_draft(*, by: User, draft: ServiceJob, spec: JobSpec) -> ServiceJob:
    """Keep what was entered so far; only references and the name's uniqueness are checked.

    Conflict when it is no draft any more: the page keeps drafts by itself, and what it sends last may come after
    Submit.
    """
    _check_name(draft, spec.name)
    try:
        with transaction.atomic():
            _check_still_draft(draft)
            return write_spec(by=by, job=draft, spec=spec)
    except IntegrityError as error:
        if "job_name_once_per_tenant" not in str(error):
            raise
        raise Invalid(fields={"name": ["Somebody gave a job this name just now; choose another."]}) from error


def submit_job(
    *, by: User, draft: ServiceJob, now: datetime | None = None, needs_schedule: bool = True
) -> tuple[ServiceJob, JobRun | None]:
    """Turn a complete draft into a saved job; with Execute Now, start it.

    Returns the job and the run, if one started.
    """
    now = now or timezone.now()
    with transaction.atomic():
        job = _save(by, draft, now, needs_schedule)
        return job, _start(by, job, now)


def _start(by: User, job: ServiceJob, now: datetime) -> JobRun | None:
    """Start a job that is to be executed now; a change that nobody has allowed waits for that, and for a person."""
    wanted = job.triggers.filter(kind=TriggerKind.NOW, next_run_at=None, runs=None)
    if wanted and (approval_gate.is_approved(job) or not job.version.content.changes_devices):
        try:
            with transaction.atomic():
                return starter.start_now(by=by, job=job, trigger=wanted[0], now=now, asked=True)
        except starter.NotApproved:
            pass
    wanted.delete()
    return None


def create_job(*, by: User, spec: JobSpec, wish: Wish = SAVE) -> tuple[ServiceJob, JobRun | None]:
    """Make a job from a whole specification at once, or nothing at all."""
    with transaction.atomic():
        draft = open_draft(by=by, template_id=spec.template or 0, change=lambda _: spec)
        return finish_draft(by=by, draft=draft, wish=wish, needs_schedule=bool(spec.triggers))


def finish_draft(
    *, by: User, draft: ServiceJob, wish: Wish, needs_schedule: bool = True
) -> tuple[ServiceJob, JobRun | None]:
    """Do with a complete draft what is wished: save it, ask for its approval, or run it without one.

    Where nothing is changed there is no approval to do without: it is saved and started as any other.
    """
    if wish.reason is not None and (draft.wants_approval or approval_gate.is_change(draft)):
        return bypass_job(by=by, draft=draft, reason=wish.reason, scope=wish.scope)
    if wish.message is not None:
        job = request_job(by=by, draft=draft, message=wish.message, scope=wish.scope, at_most=wish.at_most)
        return job, None
    return submit_job(by=by, draft=draft, needs_schedule=needs_schedule)


def change_job(*, by: User, job: ServiceJob, spec: JobSpec) -> ServiceJob:
    """Make a saved job what a whole specification says, or change nothing; an approval of other content is void."""
    if job.status == ServiceJob.Status.DRAFT:
        raise Conflict("This is a draft; complete it in the wizard.")
    if spec.template != job.template_id:
        raise Invalid(fields={"template": ["A job keeps its template; make a new job."]})
    with transaction.atomic():
        draft = start_editing(by=by, job=job)
        save_draft(by=by, draft=draft, spec=spec)
        return submit_job(by=by, draft=draft)[0]


def request_job(
    *, by: User, draft: ServiceJob, message: str, now: datetime | None = None, **asked: Unpack[approval_gate.Extent]
) -> ServiceJob:
    """Turn a complete draft into a saved job and ask for approval of its present plan (`approval_gate.request`)."""
    now = now or timezone.now()
    with transaction.atomic():
        job = _save(by, draft, now, needs_schedule=False)
        job.triggers.filter(kind=TriggerKind.NOW, runs=None).delete()
        return approval_gate.request(by=by, job=job, message=message, now=now, **asked)


def bypass_job(
    *, by: User, draft: ServiceJob, reason: str, now: datetime | None = None, scope: Scope | None = None
) -> tuple[ServiceJob, JobRun | None]:
    """Turn a complete draft into a saved job that may run without approval (`approval_gate.bypass`); start it where it
    is to be executed now."""
    now = now or timezone.now()
    with transaction.atomic():
        job = _save(by, draft, now, needs_schedule=False)
        approval_gate.bypass(by=by, job=job, reason=reason, now=now, scope=scope)
        return job, _start(by, job, now)


def set_enabled(*, by: User, job: ServiceJob, enabled: bool) -> None:
    """Switch a job on or off; a job that is off does not run."""
    check_may_edit(by, job)
    with transaction.atomic():
        ServiceJob.objects.filter(pk=job.pk).update(enabled=enabled)
        audit.record(tenant=job.tenant, by=by, action="job.enabled" if enabled else "job.disabled", subject=job.name)


def delete_job(*, by: User, job: ServiceJob, now: datetime | None = None) -> None:
    """Take a job out of Job Management. Its runs stay in Job History; a draft is simply gone."""
    check_may_edit(by, job)
    if job.status == ServiceJob.Status.DRAFT:
        discard_draft(by=by, draft=job)
        return
    if JobRun.objects.filter(job=job, status__in=["queued", "waiting", "running"]).exists():
        raise Conflict("The job is running. Cancel the run or wait for its end, then delete the job.")
    with transaction.atomic():
        job.triggers.update(enabled=False, next_run_at=None)
        if job.approval and job.approval.status in ("requested", "approved", "rejected"):
            approvals.close(by=None, request=job.approval, message="The job was deleted.", now=now or timezone.now())
        ServiceJob.objects.filter(pk=job.pk).update(deleted_at=now or timezone.now())
        ServiceJob.objects.filter(draft_of=job).delete()
        audit.record(tenant=job.tenant, by=by, action="job.deleted", subject=job.name)


def discard_draft(*, by: User, draft: ServiceJob) -> None:
    """Throw a draft, or a copy under edit, away with the account typed into it; the job that was edited stays as it
    is."""
    if draft.status != ServiceJob.Status.DRAFT or draft.created_by_id != by.pk:
        raise Conflict("Only your own drafts can be discarded.")
    with transaction.atomic():
        account = draft.account
        draft.delete()
        if account:
            account.delete()


def problems_of(draft: ServiceJob, by: User) -> dict[str, list[str]]:
    """Return what is still missing or wrong, by field of the wizard; empty when the job can be submitted."""
    found: dict[str, list[str]] = {}
    if not draft.name:
        found["name"] = ["Name the job."]
    if not draft.description:
        found["description"] = ["Say what the job does and why."]
    if draft.template.status != ServiceTemplate.Status.READY and draft.draft_of is None:
        found["template"] = ["The template is no longer ready; choose another."]
    if draft.agent_id is None:
        found["agent"] = ["Choose the agent that runs the job."]
    if not builder.target_devices(draft, by).exists():
        found["devices"] = ["No device matches. Pick devices, choose asset tags, or widen the search."]
    found |= _variable_problems(draft)
    triggers = list(draft.triggers.all())
    if not triggers:
        found["schedule"] = ["Choose Execute Now or a time."]
    return found


def _variable_problems(draft: ServiceJob) -> dict[str, list[str]]:
    content = draft.version.content
    stored = set(draft.sealed_variables) | set(draft.draft_of.sealed_variables if draft.draft_of else ())
    given = {**draft.variables, **dict.fromkeys(stored, "stored")}
    used: dict[str, list[str]] = {}
    profiles = {t.step: t.profile.values for t in draft.tasks.select_related("profile") if t.profile}
    for step in range(len(content.steps)):
        _, problems = rules.resolve(content.variables, profiles.get(step, {}), given)
        for name, sentence in problems.items():
            used[f"variables.{name}"] = [sentence]
    return used


def _save(by: User, draft: ServiceJob, now: datetime, needs_schedule: bool) -> ServiceJob:
    access.check_may_run(by, draft.tenant)
    _check_still_draft(draft)
    problems = problems_of(draft, by)
    if not needs_schedule or draft.draft_of:
        problems.pop("schedule", None)
    for trigger in draft.triggers.all():
        if trigger.kind != TriggerKind.NOW and trigger.enabled and next_times.next_after(trigger, now) is None:
            problems["schedule"] = [never(trigger)]
    if problems:
        raise Invalid(fields=problems)
    _check_name(draft, draft.name)
    job = _write_back(by, draft, now) if draft.draft_of else draft
    record_edit(by, job)
    for trigger in job.triggers.filter(enabled=True, runs=None).exclude(kind=TriggerKind.NOW):
        Trigger.objects.filter(pk=trigger.pk).update(next_run_at=next_times.next_after(trigger, now))
    job.refresh_from_db()
    return job


def record_edit(by: User, job: ServiceJob) -> None:
    """Note who changed a saved job: its editors never decide about its approval."""
    now, revision = timezone.now(), job.revision + 1
    job.edits = {**job.edits, str(by.pk): now.isoformat()}
    ServiceJob.objects.filter(pk=job.pk).update(
        status=ServiceJob.Status.SAVED, edits=job.edits, revision=revision, changed_by=by, changed_at=now
    )
    audit.record(tenant=job.tenant, by=by, action="job.saved", subject=job.name, revision=revision)


def _check_still_draft(draft: ServiceJob) -> None:
    """Lock a draft: a double click waits here, and the second one finds that there is no draft any more."""
    row = ServiceJob.objects.select_for_update(of=("self",), no_key=True).filter(pk=draft.pk).first()
    if row is None or row.status != ServiceJob.Status.DRAFT:
        raise Conflict("This job was submitted already. Reload the page to see it.")


def is_draft(draft: ServiceJob) -> bool:
    """Say whether it still is one: the draft of a form that was sent twice is a job by then, or gone."""
    return ServiceJob.objects.filter(pk=draft.pk, status=ServiceJob.Status.DRAFT).exists()


def lock_job(pk: UUID) -> ServiceJob:
    """Return a job, locked against other changes; its runs may begin meanwhile."""
    return ServiceJob.objects.select_for_update(of=("self",), no_key=True).get(pk=pk)


def never(trigger: Trigger) -> str:
    """Say why a trigger would never fire."""
    if trigger.kind == TriggerKind.ONCE and trigger.schedule_filter is None:
        return "The time lies in the past; choose a later one."
    removed = f" the filter '{trigger.schedule_filter}' removes all its timings, or" if trigger.schedule_filter else ""
    return f"The trigger '{trigger}' would never fire:{removed} its end has passed. Change the rule."


def _write_back(by: User, draft: ServiceJob, now: datetime) -> ServiceJob:
    """Carry a copy under edit into its job, its newly typed secrets along; void an approval of what it was before."""
    assert draft.draft_of_id is not None
    job = lock_job(draft.draft_of_id)
    write_spec(by=by, job=job, spec=spec_of(draft))
    _carry_secrets(draft, job)
    discard_draft(by=by, draft=draft)
    approval_gate.void_if_changed(job, now)
    return job


def _carry_secrets(draft: ServiceJob, job: ServiceJob) -> None:
    """Seal what was typed into a copy under edit anew for its job; what was not typed stays as the job has it."""
    if draft.account:
        job.account = take_secrets(source=draft.account, target=job.account)
    wanted = {v.name for v in draft.version.content.variables if v.type is VariableType.SECRET}
    for name in wanted & draft.sealed_variables.keys():
        job.sealed_variables[name] = vault.reseal(
            draft.sealed_variables[name], tenant_id=job.tenant_id, field=name, row=str(draft.pk), to=str(job.pk)
        )
    job.save(update_fields=["account", "sealed_variables"])


def check_may_edit(by: User, job: ServiceJob) -> None:
    """Raise unless the user may change the job."""
    access.check_may_run(by, job.tenant)
    if job.visibility == "private" and job.created_by_id != by.pk:
        raise Forbidden("This job is private; only its creator changes it.")


def _check_name(job: ServiceJob, name: str) -> None:
    """Refuse a name that another job of the tenant has (X-20)."""
    if not name.strip():
        return
    others = ServiceJob.objects.filter(tenant=job.tenant, deleted_at=None, draft_of=None, name__iexact=name.strip())
    if others.exclude(pk__in=[job.pk, job.draft_of_id]).exists():
        raise Invalid(fields={"name": [f"A job named '{name.strip()}' exists in {job.tenant}; choose another name."]})
