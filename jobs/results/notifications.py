"""Tell a job's recipients, and its tenant's receivers, of its runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import F, Q

from devices.access import in_use
from devices.services import outbox
from jobs.domain.plan import SNAPSHOTS
from jobs.models import DeviceRun, JobRun, ServiceJob
from jobs.results.evidence import evidence_of

#: A mail shows the differences of so many devices, in so many lines.
MOST_MAIL_DEVICES = 20
MOST_MAIL_LINES = 300
#: A line of them has so many characters; secrets are hidden before.
MOST_MAIL_CHARACTERS = 700
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
    words = EVENT_WORDS.get(item.event) or run.label
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
    """Return what the run changed in the devices' configurations, for a mail: as much as somebody reads there.

    A device of which a configuration was not read is named with why: nothing said of it is no "no difference".
    """
    rows = run.device_runs.select_related("snapshot_before__same_as", "snapshot_after__same_as").order_by("pk")
    both = Q(snapshot_before__isnull=False, snapshot_after__isnull=False)
    told = rows.filter(both).exclude(snapshot_before__sha256=F("snapshot_after__sha256"))
    if any(name in SNAPSHOTS.values() for _, name in run.planned_steps or ()):
        told |= rows.exclude(both).filter(started_at__isnull=False)
    found = [line for row in told.prefetch_related("steps")[:MOST_MAIL_DEVICES] for line in _told_of(row)]
    is_cut = len(found) > MOST_MAIL_LINES or told.count() > MOST_MAIL_DEVICES
    more = ["", "There is more; the run page has all of it."] if is_cut else []
    return "\n".join([*found[:MOST_MAIL_LINES], *more, ""]) if found else ""


def _told_of(row: DeviceRun) -> list[str]:
    """Return what a mail says of a device's running configuration: its differences, or why there are none to see."""
    found = next((item for item in evidence_of(row, row.steps.all()) if item.kind == "running"), None)
    if found is None:
        return []
    both = found.compared(row.platform)
    lines = [line for _, line in both.changes] if both else [found.gap]
    head = f"{row.device_name}{f' ({found.remark})' if found.remark and both else ''}:"
    return ["", head, *(line[:MOST_MAIL_CHARACTERS] for line in lines)] if lines else []


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
