"""Begin the jobs that want to run when a device says that its configuration has changed: backups do."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from config.errors import ServiceError
from devices.models import Device
from devices.selectors import own_and_above
from jobs import types
from jobs.dispatch import starter
from jobs.domain.spec import TriggerCause, TriggerKind
from jobs.domain.states import OPEN
from jobs.models import JobRun, ServiceJob, Trigger
from jobs.plan import builder
from jobs.types.base import value_of
from templates_app.domain.variables import TRUE

NAME = "Configuration-change trap"
#: A device sends several traps for one change; so long after a backup that a trap began, further ones begin none.
QUIET_AFTER = timedelta(seconds=30)


def configuration_changed(*, address: str, now: datetime) -> list[JobRun]:
    """Begin the backups of the devices at this address that their jobs want on a trap; return the runs."""
    made = []
    for device in Device.objects.filter(Q(address=address) | Q(connect_host=address), enabled=True).select_related(
        "tenant"
    ):
        for job in _wanting(device):
            run = _back_up(job, device, now)
            if run is not None:
                made.append(run)
    return made


def _wanting(device: Device) -> list[ServiceJob]:
    """Return the jobs whose type starts on a trap, which say so themselves, and which are for the device."""
    wanting = {one.key: one.starts_on_trap for one in types.BY_KEY.values() if one.starts_on_trap}
    rows = ServiceJob.objects.filter(
        job_type__in=wanting,
        status=ServiceJob.Status.SAVED,
        deleted_at=None,
        draft_of=None,
        enabled=True,
        tenant__in=own_and_above(device.tenant),
    )
    found = rows.select_related("tenant", "template", "version", "agent", "created_by", "approval")
    wanted = [job for job in found if value_of(job, wanting[job.job_type]).lower() in TRUE]
    return [job for job in wanted if builder.target_devices(job, job.created_by).filter(pk=device.pk).exists()]


def _back_up(job: ServiceJob, device: Device, now: datetime) -> JobRun | None:
    with transaction.atomic():
        # Two receivers, or two traps at once, wait for each other here.
        ServiceJob.objects.select_for_update(no_key=True).get(pk=job.pk)
        recent = Q(status__in=OPEN) | Q(created_at__gt=now - QUIET_AFTER)
        begun = JobRun.objects.filter(recent, job=job, trigger__cause=TriggerCause.TRAP).values_list("only", flat=True)
        if any(str(device.pk) in (only or ()) for only in begun):
            return None
        trigger = Trigger.objects.create(
            tenant=job.tenant, job=job, kind=TriggerKind.NOW, name=NAME, cause=TriggerCause.TRAP, retired=True
        )
        try:
            return starter.start_now(
                by=job.created_by, job=job, trigger=trigger, now=now, narrowed=starter.Narrowed({str(device.pk)})
            )
        except ServiceError:
            transaction.set_rollback(True)
            return None
