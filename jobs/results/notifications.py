"""Tell a job's recipients, and its tenant's receivers, of its runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import F

from devices.access import in_use
from devices.services import outbox
from devices.services.snapshots import changes
from jobs.domain.states import LABELS, RunStatus
from jobs.models import JobRun, ServiceJob

#: A mail shows the differences of so many devices, in so many lines.
MOST_MAIL_DEVICES = 20
MOST_MAIL_LINES = 300
#: What happened to the run, where that is not how it ended.
EVENT_WORDS = {"executed": "started", "paused": "paused"}


@dataclass(frozen=True, slots=True)
class RunEvent:
    """An event of a run (`executed`, `paused`, `completed`), and who caused it, if a person did."""

    run: JobRun
    event: str
    by: User | None = None


def tell(happened: Iterable[RunEvent], now: datetime) -> None:
    """Tell of several events at once, in the caller's transaction; each person and receiver is told once of each."""
    events = list(happened)
    people = recipients({item.run.job_id for item in events})
    outbox.announce_all([_event(item, people[item.run.job_id]) for item in events], now=now)


def _event(item: RunEvent, people: list[User]) -> outbox.Event:
    run = item.run
    words = EVENT_WORDS.get(item.event) or LABELS[RunStatus(run.status)]
    text = (
        f"{run.template_name} version {run.template_version} on {run.device_count} devices: {words}. {run.pause_reason}"
    )
    return outbox.Event(
        tenant=run.tenant,
        event=item.event,
        key=f"run:{run.pk}:{item.event}",
        subject=f"{run.job_name} (run {run.pk}: {words})",
        text=f"{text.strip()} {run.reason}".strip(),
        url=f"/runs/{run.pk}/",
        recipients=people,
        by=item.by,
        details=_differences(run) if people and item.event == "completed" else "",
    )


def _differences(run: JobRun) -> str:
    """Return what the run changed in the devices' configurations, for a mail: as much as somebody reads there."""
    rows = run.device_runs.filter(snapshot_before__isnull=False, snapshot_after__isnull=False)
    changed = rows.exclude(snapshot_before__sha256=F("snapshot_after__sha256")).defer("plan_data").order_by("pk")
    found: list[str] = []
    for row in changed.select_related("snapshot_before__same_as", "snapshot_after__same_as")[:MOST_MAIL_DEVICES]:
        assert row.snapshot_before and row.snapshot_after
        lines = changes(row.snapshot_before, row.snapshot_after, row.platform)
        found += ["", f"{row.device_name}:", *(line for _, line in lines)] if lines else []
    is_cut = len(found) > MOST_MAIL_LINES or changed.count() > MOST_MAIL_DEVICES
    more = ["", "There is more; the run page has all of it."] if is_cut else []
    return "\n".join([*found[:MOST_MAIL_LINES], *more, ""]) if found else ""


def recipients(jobs: set[UUID]) -> dict[UUID, list[User]]:
    """Return whom each job (id) tells: the active users it names, and those of the groups it names."""
    named = ServiceJob.notify_users.through._default_manager.filter(servicejob__in=jobs)
    wanted = set(named.values_list("servicejob_id", "user_id"))
    groups = ServiceJob.notify_groups.through._default_manager.filter(servicejob__in=jobs, group__user__isnull=False)
    wanted |= set(groups.values_list("servicejob_id", "group__user"))
    users = in_use(User.objects.filter(pk__in={user for _, user in wanted})).in_bulk() if wanted else {}
    found: dict[UUID, list[User]] = defaultdict(list)
    for job, user in sorted(wanted, key=lambda pair: pair[1]):
        if user in users:
            found[job].append(users[user])
    return found
