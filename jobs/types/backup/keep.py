"""Keep the configurations that backup steps read: all versions or only changed ones, and alert of a change if
wanted; and say what a run kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Prefetch

from devices.models import ConfigSnapshot
from devices.services import outbox
from devices.services.snapshots import Content, differs, keep_snapshots
from jobs.models import DeviceRun, JobRun, KeptConfiguration
from jobs.results import notifications
from jobs.types.backup.parameters import VERSION_WITH_CHANGES
from jobs.types.base import ReadConfigurations, value_of
from templates_app.domain.variables import TRUE

#: The result of a run shows so many devices; the list of device runs has the others.
DEVICES_SHOWN = 200


def keep(found: Sequence[ReadConfigurations], now: datetime) -> None:
    """Store configurations as their jobs want it, and announce the changes, in the caller's transaction."""
    kept: list[tuple[DeviceRun, Content, bool]] = []
    events: list[outbox.Event] = []
    for read in found:
        row, job = read.device_run, read.device_run.run.job
        if row.device is None:
            continue
        for kind, text in read.kept:
            last = _last(row, kind)
            changed = last is not None and differs(last, text, row.platform)
            if last is None or changed or value_of(job, "versions_saved") != VERSION_WITH_CHANGES:
                content = Content(row.tenant_id, row.device, text, f"backup run {row.run_id}", kind)
                kept.append((row, content, changed))
            if changed and value_of(job, f"{kind}_alert").lower() in TRUE:
                events.append(_alert(row, kind))
    snapshots = keep_snapshots([content for _, content, _ in kept], taken_at=now)
    KeptConfiguration.objects.bulk_create(
        KeptConfiguration(tenant_id=row.tenant_id, device_run=row, snapshot=snapshot, changed=changed)
        for (row, _, changed), snapshot in zip(kept, snapshots, strict=True)
    )
    outbox.announce_all(events, now=now)


def kept_by(run: JobRun) -> dict[str, object]:
    """Return what the run's page shows: `rows` are its device runs, in order, with the configurations kept of each
    (`kept`); `more` says that there are further devices."""
    snapshots = KeptConfiguration.objects.select_related("snapshot").defer("snapshot__content_sealed")
    rows = run.device_runs.defer("plan_data").prefetch_related(
        Prefetch("kept_configurations", queryset=snapshots, to_attr="kept")
    )
    found = list(rows.order_by("pk")[: DEVICES_SHOWN + 1])
    return {"rows": found[:DEVICES_SHOWN], "more": len(found) > DEVICES_SHOWN}


def _last(row: DeviceRun, kind: str) -> ConfigSnapshot | None:
    rows = ConfigSnapshot.objects.filter(device=row.device, tenant=row.tenant_id, kind=kind)
    return rows.select_related("same_as").order_by("-taken_at", "-pk").first()


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
