"""Jobs as OpsRamp's API writes them: keys in its order, real types, text lists with comma and space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from devices.models import Device
from devices.services.masking import Maskers
from jobs import types
from jobs.authoring.opsramp import devices_in_order
from jobs.domain.opsramp.patterns import Pattern, moment_text, pattern_of, start_of
from jobs.domain.schedule_json import ScheduleJson
from jobs.domain.spec import TriggerKind
from jobs.models import DeviceRun, ServiceJob, Trigger
from jobs.results.transcripts import with_maskers

#: The order of keys in its answers; the database keeps none.
PATTERN = ("type", "frequency", "repeatFrequency", "repeatType", "weekDays", "dayOfMonth", "weekIndex", "dayOfWeek")


def job_body(job: ServiceJob, entities: bool = True) -> dict[str, object]:
    """Return a job's body; lists leave its entities out."""
    found: dict[str, object] = {"name": job.name}
    if entities:
        found["entities"] = [_entity(device) for device in devices_in_order(job, job.devices.all())]
    schedule = _schedule(job)
    if schedule:
        found["schedule"] = schedule
    return {**found, "jobQueued": job.in_queue, "script": _script(job), "id": str(job.pk)}


def _entity(device: Device) -> dict[str, object]:
    return {
        "resource": {
            "id": str(device.pk),
            "generalInfo": {"ipAddresses": device.address, "hostName": device.name or device.address},
            "clientUniqueId": device.tenant.key,
            "type": "DEVICE",
        }
    }


def _ordered(data: Pattern | None) -> Pattern | None:
    given = dict[str, object](data or {})
    return cast(Pattern, {key: given[key] for key in PATTERN if key in given}) if given else None


def _schedule(job: ServiceJob) -> dict[str, object]:
    """Return the schedule as the request said it, or, where it was changed since, as near as OpsRamp's words come."""
    triggers: list[Trigger] = [trigger for trigger in job.triggers.all() if not trigger.retired]
    said = _ordered(job.compat.get("pattern"))
    timed = next((trigger for trigger in triggers if trigger.kind != TriggerKind.NOW), None)
    if timed:
        return _timed(timed.rule, said, job.compat)
    return {"pattern": said or {"type": "never"}} if job.compat or triggers else {}


def _timed(rule: ScheduleJson, said: Pattern | None, compat: Mapping[str, object]) -> dict[str, object]:
    """Return the start and pattern of a rule, in the words of the request's pattern where that says the same."""
    if said and compat.get("rule") == rule:
        return {"startDate": compat["start"], "pattern": said}
    pattern = pattern_of(rule)
    if said and pattern and "start" not in compat and pattern["type"] == said["type"]:
        pattern = said
    start: dict[str, object] = {"startDate": moment_text(start_of(rule))}
    return {**start, "pattern": pattern} if pattern else start


def _script(job: ServiceJob) -> dict[str, object]:
    found = types.find(job.job_type)
    return found.opsramp.write(job) if found and found.opsramp else {"jobType": job.job_type}


def output_row(row: DeviceRun, maskers: Maskers) -> dict[str, object]:
    """Return what a script gave on one device; rows of a list share their maskers."""
    return {
        "id": row.pk,
        "resource": _entity(row.device)["resource"] if row.device else {"generalInfo": {"hostName": row.device_name}},
        "status": row.status,
        "output": "".join(step.output for step in with_maskers(row.steps.all(), maskers)) or row.message,
        "responseDate": moment_text(row.ended_at) if row.ended_at else None,
        "type": "ONDEMAND" if row.run.trigger and row.run.trigger.kind == TriggerKind.NOW else "SCHEDULED",
        "owner": row.run.executed_by.get_username(),
    }


def envelope(
    rows: list[dict[str, object]], *, total: int, page: int, size: int, order: str, descending: bool
) -> dict[str, object]:
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
