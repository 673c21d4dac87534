"""Between jobs and approvals: what a job asks for, whether it still is that, using an approval, and doing what one
allows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict, cast

from django.contrib.auth.models import User
from django.db import transaction

from approvals import services as approvals
from approvals.domain import LABELS, OPEN, Action, ApprovalStatus, Scope
from approvals.models import ApprovalRequest, ApprovalSubject
from config.errors import Conflict, Invalid
from config.json_value import Json
from jobs import access
from jobs.dispatch import policy_kinds
from jobs.dispatch.approval_contents import content_of
from jobs.domain.approval_content import AgainPart, Content, differences, digest_of
from jobs.domain.bypass import Bypass
from jobs.domain.plan import Plan
from jobs.models import JobRun, ServiceJob
from jobs.plan import builder
from jobs.plan.builder import Narrowed
from jobs.schedule import next_times

#: No approval is for more devices.
MOST_DEVICES = 100_000
#: No series is for more runs.
MOST_RUNS = 10_000


class Extent(TypedDict, total=False):
    """For how much an approval is asked: a scope (one run, or a series), a most of devices found later, and which
    devices of an ended run alone."""

    scope: Scope | None
    at_most: int | None
    narrowed: Narrowed | None


def is_change(job: ServiceJob, plan: Plan | None = None) -> bool:
    """Say whether the job changes devices: its template says so, or a line of its plan is not known to only read.

    `plan` is the job's, where the caller has it. What takes too long to plan is not known to only read.
    """
    if job.version.content.changes_devices:
        return True
    try:
        return (plan or builder.plan_of(job, job.created_by)).changes_devices
    except Conflict:
        return True


def is_approved(job: ServiceJob) -> bool:
    """Say whether the job has an approval, or was allowed to run without one; the run's start looks for what it is."""
    return job.approval is not None and job.approval.status == ApprovalStatus.APPROVED


def is_allowed(job: ServiceJob) -> bool:
    """Say whether the job is approved, or changes nothing."""
    return is_approved(job) or not is_change(job)


def reason_not_approved(job: ServiceJob) -> str:
    """Say why a change must not start now, as far as its approval's status tells; empty when it is approved."""
    if is_approved(job):
        return ""
    status = ApprovalStatus(job.approval.status) if job.approval else ApprovalStatus.NOT_REQUESTED
    return f"The job changes devices and needs approval; its approval status is {LABELS[status]}."


def request(
    *,
    by: User,
    job: ServiceJob,
    message: str,
    now: datetime,
    scope: Scope | None = None,
    at_most: int | None = None,
    narrowed: Narrowed | None = None,
) -> ServiceJob:
    """Ask for approval of a saved job's present plan; an open request must be closed before."""
    plan = _checked_plan(by, job, at_most, narrowed)
    content = content_of(job, plan, message=message, at_most=at_most, again=_again(narrowed))
    with transaction.atomic():
        proposal = _proposal(job, plan, content, now, scope)
        point_at(job, approvals.request_approval(by=by, proposal=proposal, message=message, now=now))
    return job


def bypass(
    *,
    by: User,
    job: ServiceJob,
    reason: str,
    now: datetime,
    scope: Scope | None = None,
    narrowed: Narrowed | None = None,
) -> ServiceJob:
    """Allow a saved job's present plan without asking anybody, by right and with a reason.

    Forbidden unless everybody who shaped the content since others last agreed to it may do that.
    """
    if job.wants_approval:
        raise Conflict("The job asks for approval in any case: so it was chosen in its last step. Request it.")
    plan = _checked_plan(by, job, None, narrowed)
    content = content_of(job, plan, message=reason, again=_again(narrowed))
    with transaction.atomic():
        proposal = _proposal(job, plan, content, now, scope)
        point_at(job, approvals.bypass(by=by, proposal=proposal, reason=reason, now=now))
    return job


def _checked_plan(by: User, job: ServiceJob, at_most: int | None, narrowed: Narrowed | None) -> Plan:
    """Return the plan that is to be allowed; Conflict or Invalid where it cannot be asked for."""
    access.check_may_run(by, job.tenant)
    if job.approval and job.approval.status in OPEN:
        raise Conflict("There is an open request for this job. Close it first, or wait for the decision.")
    plan = builder.plan_of(job, job.created_by, narrowed=narrowed)
    if not is_change(job, plan):
        raise Conflict("This job changes no device, so it needs no approval. Run it.")
    if at_most is not None and not 1 <= at_most <= MOST_DEVICES:
        raise Invalid(fields={"at_most": [f"Say how many devices at most, 1 to {MOST_DEVICES:,}."]})
    if at_most is not None and len(plan.devices) > at_most:
        raise Invalid(fields={"at_most": [f"{len(plan.devices)} devices match already; allow at least so many."]})
    return plan


def _proposal(job: ServiceJob, plan: Plan, content: Content, now: datetime, scope: Scope | None) -> approvals.Proposal:
    """Return what is asked for; the job is locked from here on."""
    locked = ServiceJob.objects.select_for_update(of=("self",), no_key=True).get(pk=job.pk)
    coming = [] if content["again"] else [item for item in next_times.preview(job, now, 50) if not item.removed_by]
    job.approval_subject = locked.approval_subject or _open_subject(locked)
    return approvals.Proposal(
        subject=job.approval_subject,
        title=job.name,
        summary=f"{job.template.name} version {plan.version} on {len(plan.devices)} devices: {job.description}",
        url=f"/jobs/{job.pk}/",
        digest=digest_of(content),
        content=cast(dict[str, Json], content),
        editors=tuple(job.editors),
        shapers=tuple(_shapers(job)),
        authors=tuple(job.template.versions.exclude(created_by=None).values_list("created_by", flat=True)),
        kinds=policy_kinds.of_job(job),
        notify=tuple(_told(job)),
        due_at=coming[0].occurrence.at if coming else None,
        scope=scope or Scope(),
    )


def _shapers(job: ServiceJob) -> set[int]:
    """Return who (ids) has shaped what the job does since others last agreed to it: its editors, and who changed a
    configuration profile that it uses."""
    rows = ApprovalRequest.objects.filter(subject=job.approval_subject_id, bypass=False, approved_at__isnull=False)
    agreed = rows.order_by("-pk").values_list("created_at", flat=True).first() if job.approval_subject_id else None
    found = job.editors_since(agreed)
    for task in job.tasks.exclude(profile=None).select_related("profile"):
        profile = task.profile
        at = profile.changed_at if profile else None
        if profile and profile.changed_by_id and (agreed is None or (at and at > agreed)):
            found.add(profile.changed_by_id)
    return found


def _open_subject(job: ServiceJob) -> ApprovalSubject:
    """Give a job, which is locked, what its requests are about."""
    subject = approvals.open_subject(tenant=job.tenant)
    ServiceJob.objects.filter(pk=job.pk).update(approval_subject=subject)
    return subject


def void_if_changed(job: ServiceJob, now: datetime) -> bool:
    """Void the job's request when the job is not what was asked for any more; the log says what changed."""
    asked = job.approval
    if asked is None or asked.status not in (*OPEN, ApprovalStatus.REJECTED):
        return False
    content = present(job, asked)
    if digest_of(content) == asked.digest:
        return False
    changed = ", ".join(differences(content_asked(asked), content)) or "the content"
    approvals.close(by=None, request=asked, message=f"Changed since: {changed}.", now=now, action=Action.VOID)
    point_at(job, None)
    return True


def present(job: ServiceJob, asked: ApprovalRequest, plan: Plan | None = None) -> Content:
    """Return what the job would do now, in the terms of a request: frozen devices, or all of a dynamic selection."""
    agreed = content_asked(asked)
    if plan is None:
        plan = builder.plan_of(job, job.created_by, only=frozen(asked), narrowed=narrowed_by(asked))
    return content_of(
        job,
        plan,
        message=agreed.get("message", ""),
        at_most=agreed.get("selection", {}).get("at_most"),
        again=agreed.get("again"),
    )


def content_asked(asked: ApprovalRequest) -> Content:
    """Return what a request is bound to, which `content_of` made."""
    return cast(Content, asked.content)


def frozen(asked: ApprovalRequest | None) -> set[str] | None:
    """Return the ids of the devices that a request is for; None when it is dynamic, or there is none."""
    content = content_asked(asked) if asked else None
    if not content or content["selection"]["at_most"]:
        return None
    return {device["device"] for device in content["devices"]}


def narrowed_by(asked: ApprovalRequest | None) -> Narrowed | None:
    """Return which devices of which ended run a request is for; None when it is for the job as it is."""
    again = content_asked(asked).get("again") if asked else None
    if not again:
        return None
    return Narrowed(set(again["devices"]), JobRun.objects.filter(pk=again["run"] or 0).first(), again["resumes"])


def narrowed_now(job: ServiceJob) -> Narrowed | None:
    """Return what of an ended run the approval in hand is for; None where there is none, or it is for the job."""
    return narrowed_by(job.approval) if is_approved(job) else None


def _again(narrowed: Narrowed | None) -> AgainPart | None:
    if narrowed is None:
        return None
    return {
        "run": narrowed.of.pk if narrowed.of else None,
        "devices": sorted(narrowed.only),
        "resumes": dict(sorted(narrowed.resumes.items())) if narrowed.resumes else None,
    }


@dataclass(frozen=True, slots=True)
class Right:
    """By what right a run changes devices: an approval that it used up; a `bypass` says that nobody else agreed.

    With a `refusal` it must not run.
    """

    approval: ApprovalRequest | None = None
    bypass: Bypass | None = None
    refusal: str = ""


def use(job: ServiceJob, plan: Plan, now: datetime, narrowed: Narrowed | None = None) -> Right:
    """Return by what right the change runs, its approval used in this transaction, or why it must not."""
    asked = job.approval
    if asked is None or not is_approved(job):
        return Right(refusal=reason_not_approved(job))
    refusal = _refusal(job, asked, plan, now, narrowed)
    if refusal:
        return Right(refusal=refusal)
    try:
        approvals.execute(request=asked, now=now)
    except Conflict as error:
        return Right(refusal=error.message)
    by_right = Bypass.AGAIN if narrowed else Bypass.BY_RIGHT
    return Right(approval=asked, bypass=by_right if asked.bypass else None)


def _refusal(job: ServiceJob, asked: ApprovalRequest, plan: Plan, now: datetime, narrowed: Narrowed | None) -> str:
    """Say why an approval does not cover a plan; empty when it does. What it is for must be what would be done."""
    agreed = content_asked(asked)
    meant = agreed.get("again")
    if meant and meant != _again(narrowed):
        return f"The approval in hand is for devices of run {meant['run']} alone. Use it or close it, and ask again."
    part_of_series = narrowed is not None and not meant
    if part_of_series and not asked.series:
        return "The approval in hand is for the job's next run, not for devices of an earlier one. Close it first."
    # Some devices of a series: all of it must still be what was agreed to.
    content = present(job, asked, None if part_of_series else plan)
    if digest_of(content) != asked.digest:
        changed = ", ".join(differences(agreed, content)) or "the content"
        void_if_changed(job, now)
        return f"The approval is for other content; changed since: {changed}. Request it again."
    return _too_many(agreed, plan)


def _too_many(agreed: Content, plan: Plan) -> str:
    """Say why a plan has devices that were not agreed to; empty when it has none."""
    at_most = agreed["selection"]["at_most"]
    if at_most:
        more = len(plan.devices) > at_most
        return f"{len(plan.devices)} devices match by now; the approval is for {at_most} at most." if more else ""
    meant = {device["device"] for device in agreed["devices"]}
    others = [device.name for device in plan.devices if device.device not in meant]
    return f"The approval is not for {others[0]}. Request one for it." if others else ""


def question_before(job: ServiceJob, now: datetime) -> str:
    """Say what a run at this moment would use up that was meant for later; empty when there is nothing to ask."""
    asked = job.approval
    if asked is None or not is_approved(job) or narrowed_by(asked):
        return ""
    if asked.due_at is None or asked.due_at <= now or (asked.series and asked.series_runs is None):
        return ""
    left = asked.series_runs - asked.used if asked.series and asked.series_runs else 1
    use = "uses it up, and that run will need a new one" if left <= 1 else f"uses one of its {left} runs"
    return f"Its approval is meant for the run at {asked.due_at:%A %Y-%m-%d %H:%M} UTC; a run now {use}."


def point_at(job: ServiceJob, asked: ApprovalRequest | None) -> None:
    """Make this the job's request."""
    ServiceJob.objects.filter(pk=job.pk).update(approval=asked)
    job.approval = asked


def _told(job: ServiceJob) -> set[int]:
    people = set(job.notify_users.values_list("pk", flat=True))
    return people | set(job.notify_groups.values_list("user", flat=True)) - {None}
