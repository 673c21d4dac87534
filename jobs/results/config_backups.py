"""Keep the configurations that backup steps read: all versions or only changed ones, and alert of a change if
wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from devices.models import ConfigSnapshot
from devices.services import outbox
from devices.services.snapshots import Content, changes, keep_snapshots
from jobs.models import DeviceRun, ServiceJob
from jobs.results import notifications
from templates_app.domain.builtins import VERSION_WITH_CHANGES
from templates_app.domain.variables import TRUE


@dataclass(frozen=True, slots=True)
class Read:
    """What a device run read: (kind, text) of each configuration. Its run's job is loaded."""

    device_run: DeviceRun
    kept: Sequence[tuple[str, str]]


def keep(found: Sequence[Read], now: datetime) -> None:
    """Store configurations as their jobs want it, and announce the changes, in the caller's transaction."""
    contents: list[Content] = []
    events: list[outbox.Event] = []
    for read in found:
        row, job = read.device_run, read.device_run.run.job
        if row.device is None:
            continue
        for kind, text in read.kept:
            last = _last(row, kind)
            changed = last is not None and bool(changes(last.content, text, row.platform))
            if last is None or changed or value_of(job, "versions_saved") != VERSION_WITH_CHANGES:
                contents.append(Content(row.tenant_id, row.device, text, f"backup run {row.run_id}", kind))
            if changed and value_of(job, f"{kind}_alert").lower() in TRUE:
                events.append(_alert(row, kind))
    keep_snapshots(contents, taken_at=now)
    outbox.announce_all(events, now=now)


def _last(row: DeviceRun, kind: str) -> ConfigSnapshot | None:
    rows = ConfigSnapshot.objects.filter(device=row.device, tenant=row.tenant_id, kind=kind)
    return rows.select_related("same_as").order_by("-taken_at", "-pk").first()


def value_of(job: ServiceJob, name: str) -> str:
    """Return a backup variable as the job has it, or its default."""
    default = next((v.default for v in job.version.content.variables if v.name == name), "")
    return str(job.variables.get(name) or default)


def _alert(row: DeviceRun, kind: str) -> outbox.Event:
    run = row.run
    return outbox.Event(
        tenant=run.tenant,
        event="config_changed",
        key=f"run:{run.pk}:device:{row.pk}:{kind}",
        subject=f"{row.device_name}: {kind} configuration",
        text=f"The {kind} configuration of {row.device_name} ({row.address}) differs from the last one kept. "
        f"Seen by run {run.pk} of {run.job_name}.",
        url=f"/devices/{row.device_id}/",
        recipients=notifications.recipients({run.job_id})[run.job_id],
    )
