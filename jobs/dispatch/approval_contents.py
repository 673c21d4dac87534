"""Read from the database what an approval of a job is bound to, whole."""

from __future__ import annotations

from uuid import UUID

from devices import access as tenants
from devices.models import Credential
from devices.services import vault
from jobs.domain.approval_content import (
    AgainPart,
    Content,
    FilterPart,
    LoginPart,
    SelectionPart,
    TaskPart,
    TriggerPart,
)
from jobs.domain.plan import Plan
from jobs.domain.recurrence import describe
from jobs.domain.schedule_json import stored_schedule
from jobs.domain.spec import OPTIONS
from jobs.models import JobTask, ScheduleFilter, ServiceJob, Trigger
from jobs.plan import builder
from jobs.schedule import next_times


def content_of(
    job: ServiceJob, plan: Plan, *, message: str, at_most: int | None = None, again: AgainPart | None = None
) -> Content:
    """Return all that an approval of the job is bound to.

    `at_most` makes the devices dynamic, up to that number; `again` narrows it to devices of an ended run.
    """
    return {
        "name": job.name,
        "description": job.description,
        "message": message.strip(),
        "owner": job.created_by.get_username(),
        "type": job.job_type,
        "template": {"id": job.template_id, "name": job.template.name, "version": job.version.number},
        "options": {option.name: getattr(job, option.name) for option in OPTIONS if not option.unapproved},
        "agent": job.agent.name if job.agent else "",
        "rollout": job.rollout,
        "window": _filter(job.window),
        "selection": _selection(job, at_most),
        "account": _login(job.account, "account of this job"),
        "credential": _login(job.credential),
        "tasks": [_task(row) for row in job.tasks.select_related("profile", "credential").prefetch_related("devices")],
        "variables": dict(sorted(job.variables.items())),
        # A secret value is never shown; that it is another one now is told by its mark.
        "secrets": {name: vault.mark_of(text) for name, text in sorted(job.sealed_variables.items())},
        "notify": {
            "people": sorted(job.notify_users.values_list("username", flat=True)),
            "groups": _roles_told(job),
        },
        "triggers": [] if again else [_trigger(row) for row in next_times.live_triggers(job)],
        "again": again,
        "devices": sorted(plan.bodies, key=lambda body: body["name"]),
        "logins": _logins(plan),
    }


def _selection(job: ServiceJob, at_most: int | None) -> SelectionPart:
    chosen = builder.selection_of(job)
    return {
        "mode": job.selection_mode,
        "at_most": at_most,
        "search": job.search,
        "devices": sorted(chosen.devices),
        "tags": sorted(chosen.tags),
    }


def _task(row: JobTask) -> TaskPart:
    return {
        "step": row.step,
        "devices": None if row.all_devices else sorted(str(device.pk) for device in row.devices.all()),
        "profile": {"name": row.profile.name, "values": dict(sorted(row.profile.values.items()))}
        if row.profile
        else None,
        "credential": _login(row.credential),
        "connection": row.connection_protocol,
        "transfer": row.transfer_protocol,
    }


def _login(credential: Credential | None, name: str = "") -> LoginPart | None:
    if credential is None:
        return None
    return {"name": name or credential.name, "username": credential.username, "mark": vault.mark(credential)}


def _logins(plan: Plan) -> dict[str, LoginPart]:
    """Return with which rights each credential of a plan signs in, by its id."""
    wanted = {UUID(pk) for device in plan.devices for pk in device.credentials}
    rows = Credential.objects.filter(pk__in=wanted)
    return {str(row.pk): login for row in rows if (login := _login(row, row.name or "account of this job"))}


def _roles_told(job: ServiceJob) -> list[str]:
    """Return the keys of the roles that the job tells: a group that is called otherwise is no other recipient."""
    roles = tenants.roles_of(job.tenant).filter(group__in=job.notify_groups.all())
    return sorted(roles.values_list("key", flat=True))


def _trigger(row: Trigger) -> TriggerPart:
    return {
        "name": str(row),
        "rule": row.rule,
        "words": describe(stored_schedule(row.rule)),
        "missed": [row.missed, row.grace_minutes, row.catch_up],
        "filter": _filter(row.schedule_filter),
    }


def _filter(row: ScheduleFilter | None) -> FilterPart | None:
    return {"name": row.name, "time_zone": row.time_zone, "rules": row.rules} if row else None
