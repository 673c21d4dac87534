"""Add, change and remove single triggers of a saved job; what they change in its content voids its approval."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from config.errors import Conflict, Invalid
from config.limits import MOST_TRIGGERS
from jobs.authoring import drafts
from jobs.dispatch import approval_gate
from jobs.domain.spec import TriggerSpec
from jobs.models import ServiceJob, Trigger
from jobs.plan.job_mapping import trigger_spec, write_trigger
from jobs.schedule import next_times


def save_trigger(
    *, by: User, job: ServiceJob, spec: TriggerSpec, instance: Trigger | None = None, now: datetime | None = None
) -> Trigger:
    """Add a trigger to a saved job, or change one; runs that it made stay its own. Invalid when it would never fire."""
    now = now or timezone.now()
    with transaction.atomic():
        job = _open(by, job)
        if instance is None and job.triggers.filter(retired=False).count() >= MOST_TRIGGERS:
            raise Invalid(fields={"job": [f"A job has at most {MOST_TRIGGERS} triggers; take one out first."]})
        row = _locked(instance) if instance else Trigger(tenant=job.tenant, job=job)
        was = trigger_spec(row) if instance else None
        write_trigger(row, spec)
        timing = (spec.rule, spec.schedule_filter, spec.enabled)
        if was is None or timing != (was.rule, was.schedule_filter, was.enabled):
            coming = next_times.next_after(row, now) if spec.enabled else None
            if spec.enabled and coming is None:
                raise Invalid(fields={"schedule": [drafts.never(row)]})
            Trigger.objects.filter(pk=row.pk).update(next_run_at=coming)
        _close(by, job, now)
    row.refresh_from_db()
    return row


def remove_trigger(*, by: User, trigger: Trigger, now: datetime | None = None) -> None:
    """Take a trigger out of its job; one that made runs stays behind them, retired."""
    with transaction.atomic():
        job = _open(by, trigger.job)
        trigger = _locked(trigger)
        if trigger.runs.exists():
            Trigger.objects.filter(pk=trigger.pk).update(enabled=False, retired=True, next_run_at=None)
        else:
            trigger.delete()
        _close(by, job, now or timezone.now())


def _open(by: User, job: ServiceJob) -> ServiceJob:
    drafts.check_may_edit(by, job)
    job = drafts.lock_job(job.pk)
    if job.status != ServiceJob.Status.SAVED or job.deleted_at:
        raise Conflict("This is no saved job; triggers of a draft are changed with the draft.")
    return job


def _locked(trigger: Trigger) -> Trigger:
    """Return it as it is now; the tick leaves it alone meanwhile."""
    return Trigger.objects.select_for_update(of=("self",), no_key=True).get(pk=trigger.pk)


def _close(by: User, job: ServiceJob, now: datetime) -> None:
    drafts.record_edit(by, job)
    approval_gate.void_if_changed(job, now)
