"""What people do to a run: cancel it, run its failed devices again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from config.errors import Conflict
from devices.services import audit
from jobs import access
from jobs.domain.states import OPEN, RunStatus
from jobs.models import DeviceRun, JobRun
from jobs.services.settling import settle


def cancel_run(*, by: Any, run: JobRun, now: datetime) -> None:
    """Stop a run: queued devices never start, running ones stop before their next command."""
    access.check_may_run(by, run.tenant)
    with transaction.atomic():
        asked = JobRun.objects.filter(pk=run.pk, status__in=OPEN, cancel_requested_at=None).update(
            cancel_requested_at=now, cancelled_by=by
        )
        if not asked:
            raise Conflict("The run has ended or is being cancelled already.")
        DeviceRun.objects.filter(run=run, status__in=[RunStatus.QUEUED, RunStatus.WAITING]).update(
            status=RunStatus.CANCELLED, reason="cancelled", message="Cancelled before anything was sent.", ended_at=now
        )
        # A run that was not planned yet has no device whose end would end it.
        unplanned = JobRun.objects.filter(pk=run.pk, planned_at=None, status__in=[RunStatus.QUEUED, RunStatus.WAITING])
        unplanned.update(
            status=RunStatus.CANCELLED, reason="Cancelled before it started.", planned_at=now, ended_at=now
        )
        audit.record(tenant=run.tenant, by=by, action="run.cancelled", subject=run.job_name, run=run.pk)
    settle([run.pk])
