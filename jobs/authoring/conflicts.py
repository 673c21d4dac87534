"""Which other jobs come to the same devices at about the same time: a warning for those who plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.contrib.auth.models import User

from jobs import selectors
from jobs.models import ServiceJob, Trigger
from jobs.plan import builder
from jobs.schedule import next_times

#: Two runs are close when they are due within this time of one another.
NEAR = timedelta(minutes=30)
#: So many triggers of other jobs are looked at.
MOST_TRIGGERS = 300
#: Of each of them.
MOST_OCCURRENCES = 200
#: The devices of so many jobs are compared.
MOST_JOBS = 20


@dataclass(frozen=True, slots=True)
class Collision:
    """Another job that is due near one of ours and shares devices with it."""

    job: ServiceJob
    at: datetime
    devices: int


def collisions(job: ServiceJob, by: User, coming: Sequence[next_times.Ahead]) -> list[Collision]:
    """Return the other jobs that `by` sees and that meet the job's coming occurrences, the earliest first."""
    ours = [item.occurrence.at for item in coming if not item.removed_by]
    if not ours:
        return []
    near = _near(job, by, ours)
    mine = builder.target_devices(job, by).order_by().values("pk")
    found = []
    for other, at in list(near.items())[:MOST_JOBS]:
        shared = builder.target_devices(other, by).filter(pk__in=mine).count()
        if shared:
            found.append(Collision(other, at, shared))
    return found


def _near(job: ServiceJob, by: User, ours: list[datetime]) -> dict[ServiceJob, datetime]:
    """Return the jobs with an occurrence near one of ours, and its instant."""
    first, last = ours[0] - NEAR, ours[-1] + NEAR
    visible = selectors.visible_jobs(by).filter(enabled=True, status=ServiceJob.Status.SAVED)
    others = visible.exclude(pk__in=[pk for pk in (job.pk, job.draft_of_id) if pk])
    rows = Trigger.objects.filter(job__in=others.values("pk"), enabled=True, next_run_at__lte=last)
    found: dict[ServiceJob, datetime] = {}
    for trigger in rows.select_related("schedule_filter").order_by("next_run_at", "pk")[:MOST_TRIGGERS]:
        at = next((at for at in _between(trigger, first, last) if any(abs(at - our) <= NEAR for our in ours)), None)
        if at:
            other = others.get(pk=trigger.job_id)
            found[other] = min(at, found.get(other, at))
    return dict(sorted(found.items(), key=lambda pair: pair[1]))


def _between(trigger: Trigger, first: datetime, last: datetime) -> list[datetime]:
    due = next_times.ahead([next_times.filtered(trigger)], first)
    return [
        item.occurrence.at
        for item in islice(due, MOST_OCCURRENCES)
        if item.occurrence.at <= last and not item.removed_by
    ]
