"""Jobs as OpsRamp's API writes them: keys in its order, real types, text lists with comma and space."""

from __future__ import annotations

from typing import Any

from jobs.authoring.opsramp import CONFIG, devices_in_order
from jobs.domain.opsramp.body import Kind
from jobs.domain.opsramp.patterns import moment_text, pattern_of, start_of
from jobs.domain.spec import JobType, TriggerKind
from jobs.models import DeviceRun, ServiceJob, Trigger
from jobs.results.config_backups import value_of
from templates_app.domain.builtins import parameter_name
from templates_app.domain.variables import TRUE
from templates_app.models import Script

KINDS = {
    JobType.AD_CHECK_LIST: Kind.AD_CHECK_LIST,
    JobType.CONFIG_BACKUP: Kind.CONFIG_BACKUP,
    JobType.APP_INSTALL: Kind.APP_INSTALL,
    JobType.CUSTOM_SCRIPT: Kind.CUSTOM,
}
#: The order of keys in its answers; the database keeps none.
PATTERN = ("type", "frequency", "repeatFrequency", "repeatType", "weekDays", "dayOfMonth", "weekIndex", "dayOfWeek")
APPROVAL = ("approvalType", "approvalReason", "alertRequired")
#: What stands for a secret parameter's value.
HIDDEN = "********"


def job_body(job: ServiceJob, script: Script | None, entities: bool = True) -> dict[str, Any]:
    """Return a job's body; lists leave its entities out. `script` is the one that a custom job runs."""
    found: dict[str, Any] = {"name": job.name}
    if entities:
        found["entities"] = [_entity(device) for device in devices_in_order(job, job.devices.all())]
    schedule = _schedule(job)
    if schedule:
        found["schedule"] = schedule
    return {**found, "jobQueued": job.in_queue, "script": _script(job, script), "id": str(job.pk)}


def _entity(device: Any) -> dict[str, Any]:
    return {
        "resource": {
            "id": str(device.pk),
            "generalInfo": {"ipAddresses": device.address, "hostName": device.name or device.address},
            "clientUniqueId": device.tenant.key,
            "type": "DEVICE",
        }
    }


def _ordered(data: dict[str, Any] | None, keys: tuple[str, ...]) -> dict[str, Any] | None:
    return {key: data[key] for key in keys if key in data} if data else None


def _schedule(job: ServiceJob) -> dict[str, Any]:
    """Return the schedule as the request said it, or, where it was changed since, as near as OpsRamp's words come."""
    triggers: list[Trigger] = [trigger for trigger in job.triggers.all() if not trigger.retired]
    said, kept = _ordered(job.compat.get("pattern"), PATTERN), job.compat.get("rule")
    timed = next((trigger for trigger in triggers if trigger.kind != TriggerKind.NOW), None)
    if timed is None:
        return {"pattern": said or {"type": "never"}} if job.compat or triggers else {}
    if kept == timed.rule and said:
        return {"startDate": job.compat["start"], "pattern": said}
    pattern = pattern_of(timed.rule)
    start = moment_text(start_of(timed.rule))
    if said and "start" not in job.compat and pattern and pattern["type"] == said["type"]:
        pattern = said
    return {"startDate": start, "pattern": pattern} if pattern else {"startDate": start}


def _script(job: ServiceJob, script: Script | None) -> dict[str, Any]:
    kind = KINDS.get(JobType(job.job_type))
    if kind is None:
        return {"jobType": job.job_type}
    if kind is Kind.CUSTOM:
        return _custom(job, script)
    found: dict[str, Any] = {"jobType": kind.value}
    if kind is Kind.CONFIG_BACKUP:
        found["configParams"] = {key: _value(job, name) for key, name in CONFIG.items()}
    if kind is Kind.APP_INSTALL:
        if job.compat.get("approval"):
            found["approvalType"] = _ordered(job.compat["approval"], APPROVAL)
        for key in ("app", "version"):
            if job.variables.get(key):
                found[key] = job.variables[key]
    return found


def _value(job: ServiceJob, name: str) -> Any:
    text = value_of(job, name)
    return text if name == CONFIG["versionsSaved"] else text.lower() in TRUE


def _custom(job: ServiceJob, script: Script | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if script is not None:
        found["customScript"] = {
            "id": script.pk,
            "name": script.name,
            "description": script.description,
            "platforms": script.platforms,
        }
        rows = []
        for parameter in script.parameters.all():
            name = parameter_name(parameter.number)
            value = HIDDEN if name in job.sealed_variables else job.variables.get(name)
            if value is not None:
                rows.append({"paramId": parameter.number, "name": parameter.name, "value": value})
        if rows:
            found["parameters"] = rows
    if job.compat.get("user_type"):
        found["userType"] = job.compat["user_type"]
    return found


def output_row(row: DeviceRun) -> dict[str, Any]:
    """Return what a script gave on one device."""
    return {
        "id": row.pk,
        "resource": _entity(row.device)["resource"] if row.device else {"generalInfo": {"hostName": row.device_name}},
        "status": row.status,
        "output": "".join(step.output for step in row.steps.all()) or row.message,
        "responseDate": moment_text(row.ended_at) if row.ended_at else None,
        "type": "ONDEMAND" if row.run.trigger and row.run.trigger.kind == TriggerKind.NOW else "SCHEDULED",
        "owner": row.run.executed_by.get_username(),
    }


def envelope(rows: list[Any], *, total: int, page: int, size: int, order: str, descending: bool) -> dict[str, Any]:
    """Return one page of a search as OpsRamp frames it."""
    pages = -(-total // size)
    return {
        "results": rows,
        "totalResults": total,
        "orderBy": order,
        "pageNo": page,
        "pageSize": size,
        "totalPages": pages,
        "nextPage": page < pages,
        "previousPageNo": max(page - 1, 0),
        "descendingOrder": descending,
    }
