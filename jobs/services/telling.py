"""Tell a job's recipients, and its tenant's receivers, of its runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q

from devices.services import outbox
from jobs.domain.states import LABELS, RunStatus
from jobs.models import JobRun, ServiceJob

#: What happened to the run, where that is not how it ended.
WORDS = {"executed": "started", "paused": "paused"}


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of a run (`executed`, `paused`, `completed`), and who caused it, if a person did."""

    run: JobRun
    event: str
    by: Any = None


def tell(happened: Iterable[Happened], now: datetime) -> None:
    """Tell of several events at once, in the caller's transaction; each person and receiver is told once of each."""
    events = list(happened)
    people = recipients({item.run.job_id for item in events})
    outbox.announce_all([_event(item, people[item.run.job_id]) for item in events], now=now)


def _event(item: Happened, people: list[User]) -> outbox.Event:
    run = item.run
    words = WORDS.get(item.event) or LABELS[RunStatus(run.status)]
    text = (
        f"{run.template_name} version {run.template_version} on {run.device_count} devices: {words}. {run.pause_reason}"
    )
    return outbox.Event(
        tenant=run.tenant, event=item.event, key=f"run:{run.pk}:{item.event}", subject=f"{run.job_name} (run {run.pk}: {words})",
        text=f"{text.strip()} {run.reason}".strip(), url=f"/runs/{run.pk}/", recipients=people, by=item.by,
    )  # fmt: skip


def recipients(jobs: set[UUID]) -> dict[UUID, list[User]]:
    """Return whom each job (id) tells: the active users it names, and those of the groups it names."""
    named = ServiceJob.notify_users.through._default_manager.filter(servicejob__in=jobs)
    wanted = set(named.values_list("servicejob_id", "user_id"))
    groups = ServiceJob.notify_groups.through._default_manager.filter(servicejob__in=jobs, group__user__isnull=False)
    wanted |= set(groups.values_list("servicejob_id", "group__user"))
    users = User.objects.filter(Q(pk__in={user for _, user in wanted}), is_active=True).in_bulk() if wanted else {}
    found: dict[UUID, list[User]] = defaultdict(list)
    for job, user in sorted(wanted, key=lambda pair: pair[1]):
        if user in users:
            found[job].append(users[user])
    return found
