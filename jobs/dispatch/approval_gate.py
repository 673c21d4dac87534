"""Between jobs and approvals: what a job asks for, whether it still is that, using an approval, and doing what one
allows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict, cast

from django.contrib.auth.models import User
from django.db import transaction

from approvals import access as approval_access
from approvals import services as approvals
from approvals.domain import OPEN, Action, ApprovalStatus, Scope
from approvals.models import ApprovalRequest, ApprovalSubject
from config.errors import Conflict, Invalid
from config.json_value import Json
from devices import access as tenants
from jobs import access
from jobs.dispatch import policy_kinds
from jobs.domain.approval_content import Content, SelectionPart, TriggerPart, differences, digest_of
from jobs.domain.bypass import Bypass
from jobs.domain.plan import Plan
from jobs.domain.recurrence import describe
from jobs.domain.schedule_json import stored_schedule
from jobs.domain.spec import OPTIONS
from jobs.models import ServiceJob, Trigger
from jobs.plan import builder
from jobs.schedule import next_times


class Extent(TypedDict, total=False):
    """For how much an approval is asked: a scope (one run, or a series) and a most of devices found later."""

    scope: Scope | None
    at_most: int | None


def content_of(job: ServiceJob, plan: Plan, at_most: int | None = None) -> Content:
    """Return all that an approval of the job is bound to; `at_most` makes the devices dynamic, up to that number."""
    chosen = builder.selection_of(job)
    selection: SelectionPart = {
        "mode": job.selection_mode,
        "at_most": at_most,
        "search": job.search,
        "devices": sorted(chosen.devices),
        "tags": sorted(chosen.tags),
    }
    return {
        "name": job.name,
        "owner": job.created_by.get_username(),
        "template": {"id": job.template_id, "name": job.template.name, "version": job.version.number},
        "options": {
            **{option.name: getattr(job, option.name) for option in OPTIONS if not option.unapproved},
            "agent": job.agent.name if job.agent else "",
            "type": job.job_type,
            "rollout": job.rollout,
            "window": {"name": job.window.name, "time_zone": job.window.time_zone, "rules": job.window.rules}
            if job.window
            else None,
        },
        "selection": selection,
        "variables": dict(sorted(job.variables.items())),
        # A secret value is never shown; that it is another one now is told by its sealed text.
        "secrets": {
            name: hashlib.sha256(text.encode()).hexdigest()[:16] for name, text in sorted(job.sealed_variables.items())
        },
        "notify": {
            "people": sorted(job.notify_users.values_list("username", flat=True)),
            "groups": _roles_told(job),
        },
        "triggers": [_trigger(row) for row in next_times.live_triggers(job)],
        "devices": sorted(plan.bodies, key=lambda body: body["name"]),
    }


def _roles_told(job: ServiceJob) -> list[str]:
    """Return the keys of the roles that the job tells: a group that is called otherwise is no other recipient."""
    roles = tenants.roles_of(job.tenant).filter(group__in=job.notify_groups.all())
    return sorted(roles.values_list("key", flat=True))


def _trigger(row: Trigger) -> TriggerPart:
    found = row.schedule_filter
    return {
        "name": str(row),
        "rule": row.rule,
        "words": describe(stored_schedule(row.rule)),
        "missed": [row.missed, row.grace_minutes, row.catch_up],
        "filter": {"name": found.name, "time_zone": found.time_zone, "rules": found.rules} if found else None,
    }


def is_needed(job: ServiceJob, by: User) -> bool:
    """Say whether this user needs approval for this job: computed from its steps, not from a label (AP12)."""
    by_right = not job.wants_approval and approval_access.may_bypass(by, job.tenant)
    return job.version.content.changes_devices and not by_right


def request(
    *, by: User, job: ServiceJob, message: str, now: datetime, scope: Scope | None = None, at_most: int | None = None
) -> ServiceJob:
    """Ask for approval of a saved job's present plan; an open request must be closed before."""
    access.check_may_run(by, job.tenant)
    if not job.version.content.changes_devices:
        raise Conflict("This job changes no device, so it needs no approval. Run it.")
    if job.approval and job.approval.status in OPEN:
        raise Conflict("There is an open request for this job. Close it first, or wait for the decision.")
    plan = builder.plan_of(job, job.created_by)
    if at_most is not None and not 1 <= at_most <= 100_000:
        raise Invalid(fields={"at_most": ["Say how many devices at most, 1 to 100,000."]})
    if at_most is not None and len(plan.devices) > at_most:
        raise Invalid(fields={"at_most": [f"{len(plan.devices)} devices match already; allow at least so many."]})
    content = content_of(job, plan, at_most)
    coming = [item for item in next_times.preview(job, now, 50) if not item.removed_by]
    with transaction.atomic():
        locked = ServiceJob.objects.select_for_update(of=("self",), no_key=True).get(pk=job.pk)
        proposal = approvals.Proposal(
            subject=locked.approval_subject or _open_subject(locked),
            title=job.name,
            summary=f"{job.template.name} version {plan.version} on {len(plan.devices)} devices: {job.description}",
            url=f"/jobs/{job.pk}/",
            digest=digest_of(content),
            content=cast(dict[str, Json], content),
            editors=tuple(job.editors),
            authors=tuple(job.template.versions.exclude(created_by=None).values_list("created_by", flat=True)),
            kinds=policy_kinds.of_job(job),
            notify=tuple(_told(job)),
            due_at=coming[0].occurrence.at if coming else None,
            scope=scope or Scope(),
        )
        made = approvals.request_approval(by=by, proposal=proposal, message=message, now=now)
        job.approval_subject = proposal.subject
        point_at(job, made)
    return job


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
    at_most = content_asked(asked).get("selection", {}).get("at_most")
    plan = plan or builder.plan_of(job, job.created_by, only=frozen(asked))
    return content_of(job, plan, at_most)


def content_asked(asked: ApprovalRequest) -> Content:
    """Return what a request is bound to, which `content_of` made."""
    return cast(Content, asked.content)


def frozen(asked: ApprovalRequest | None) -> set[str] | None:
    """Return the ids of the devices that a request is for; None when it is dynamic, or there is none."""
    content = content_asked(asked) if asked else None
    if not content or content["selection"]["at_most"]:
        return None
    return {device["device"] for device in content["devices"]}


@dataclass(frozen=True, slots=True)
class Right:
    """By what right a run changes devices: an approval that it used up, or a bypass.

    With a `refusal` it must not run.
    """

    approval: ApprovalRequest | None = None
    bypass: Bypass | None = None
    refusal: str = ""


def use(job: ServiceJob, by: User, plan: Plan, now: datetime) -> Right:
    """Return by what right the change runs, its approval used in this transaction, or why it must not."""
    asked = job.approval
    if asked is None or asked.status != ApprovalStatus.APPROVED:
        if job.wants_approval:
            return Right(refusal="The job asked for approval by hand and has none.")
        return Right(bypass=Bypass.BY_RIGHT)
    content = present(job, asked, plan)
    if digest_of(content) != asked.digest:
        changed = ", ".join(differences(content_asked(asked), content)) or "the content"
        void_if_changed(job, now)
        return Right(refusal=f"The approval is for other content; changed since: {changed}. Request it again.")
    at_most = content_asked(asked)["selection"]["at_most"]
    if at_most and len(plan.devices) > at_most:
        return Right(refusal=f"{len(plan.devices)} devices match by now; the approval is for {at_most} at most.")
    try:
        approvals.execute(request=asked, now=now)
    except Conflict as error:
        return Right(refusal=error.message)
    return Right(approval=asked)


def point_at(job: ServiceJob, asked: ApprovalRequest | None) -> None:
    """Make this the job's request."""
    ServiceJob.objects.filter(pk=job.pk).update(approval=asked)
    job.approval = asked


def _told(job: ServiceJob) -> set[int]:
    people = set(job.notify_users.values_list("pk", flat=True))
    return people | set(job.notify_groups.values_list("user", flat=True)) - {None}
