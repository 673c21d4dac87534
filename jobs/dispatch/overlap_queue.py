"""Runs that wait for others: whose turn it is, and who goes on when one has ended."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable

from django.db import transaction
from django.db.models import Model, Q

from devices.models import Agent
from jobs import queue
from jobs.domain.overlap import Ahead, Overlap, Turn, turn
from jobs.domain.states import OPEN, RunStatus
from jobs.log_fields import of_run
from jobs.models import JobRun, ServiceJob
from jobs.models.transitions import transition

log = logging.getLogger(__name__)


def lock_lines(runs: Iterable[tuple[JobRun, ServiceJob]]) -> None:
    """See to it that nobody else decides about the same jobs and queues meanwhile; first the jobs, then the agents."""
    pairs = list(runs)
    jobs = {job.pk for _, job in pairs if Overlap(job.overlap) is not Overlap.ALLOW}
    agents = {run.agent_id for run, _ in pairs if run.in_queue and run.agent_id}
    locked: tuple[tuple[type[Model], Collection[object]], ...] = ((ServiceJob, jobs), (Agent, agents))
    for model, pks in locked:
        if pks:
            rows = model._default_manager.filter(pk__in=pks).order_by("pk")
            list(rows.select_for_update(no_key=True).values_list("pk"))


def turn_of(run: JobRun, job: ServiceJob) -> Turn:
    """Say whether it is the run's turn."""
    overlap = Overlap(job.overlap)
    if overlap is Overlap.ALLOW and not run.in_queue:
        return Turn()
    among = Q(pk__in=[]) if overlap is Overlap.ALLOW else Q(job=run.job_id)
    if run.in_queue:
        among |= _queue_of(run)
    earlier = Q(scheduled_for__lt=run.scheduled_for) | Q(scheduled_for=run.scheduled_for, pk__lt=run.pk)
    ahead = JobRun.objects.filter(among, status__in=OPEN).exclude(pk=run.pk)
    ahead = ahead.filter(Q(planned_at__isnull=False) | earlier).order_by("scheduled_for", "pk")
    found = ahead.values_list("pk", "job_id", "in_queue", "tenant_id", "agent_id", "status")[:200]
    line = (run.tenant_id, run.agent_id)
    return turn(
        overlap,
        run.in_queue,
        [
            Ahead(pk, job_id == run.job_id, in_queue and (tenant, agent) == line, status == RunStatus.WAITING)
            for pk, job_id, in_queue, tenant, agent, status in found
        ],
    )


def release_waiting(among: Q | None = None) -> None:
    """Queue the waiting runs again whose turn has come (`among` narrows them, else all are looked at)."""
    waiting = (
        JobRun.objects.filter(among or Q(), status=RunStatus.WAITING).select_related("job", "tenant").order_by("pk")
    )
    ready = [run for run in waiting[:500] if turn_of(run, run.job) == Turn()]
    if ready:
        turn_came = JobRun.objects.filter(pk__in=[run.pk for run in ready])
        transition(turn_came, of=[RunStatus.WAITING], to=RunStatus.QUEUED, reason="")
        transaction.on_commit(lambda: _log_released(ready))
        queue.wake_starters(len(ready))


def _log_released(runs: Iterable[JobRun]) -> None:
    for run in runs:
        log.info("It is the turn of run %s.", run.pk, extra={"action": "run.released", **of_run(run)})


def ended(runs: Iterable[JobRun]) -> None:
    """Wake the runs that waited for these; called in the transaction that ends them."""
    over = list(runs)
    among = Q(job__in={run.job_id for run in over})
    for run in {(run.tenant_id, run.agent_id): run for run in over if run.in_queue}.values():
        among |= _queue_of(run)
    if over:
        release_waiting(among)


def _queue_of(run: JobRun) -> Q:
    """The runs of jobs that are queued (jobQueued) in the same tenant for the same agent."""
    return Q(in_queue=True, tenant=run.tenant_id, agent=run.agent_id)
