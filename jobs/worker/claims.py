"""Take queued devices of planned runs for a worker, within every limit; each taken device is held and leased."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from config.failpoints import failpoint
from devices.models import Agent, Credential, JumpHost, Tenant, Worker
from devices.services import vault
from devices.services.workers import LEASE, this_network
from jobs import queue
from jobs.domain.plan import DevicePlan
from jobs.domain.states import RunStatus
from jobs.log_fields import of_device_run, of_run
from jobs.models import DeviceRun, JobRun, ScheduleFilter, ServiceJob
from jobs.models.sql.claims import runs_with_room
from jobs.models.transitions import enter, transition
from jobs.schedule import next_times
from jobs.worker import device_locks

log = logging.getLogger(__name__)
#: At least so many runs are looked at in one claim, one for each device wanted.
FEWEST_RUNS = 40
#: Of those with more than a few devices, so many.
MOST_LARGE_RUNS = 20
#: So many devices of a run see a credential that no device of it has accepted yet.
TRIALS = 3
#: What speaks of a wrong credential.
REFUSALS = ("login_refused", "enable_refused")


@dataclass(slots=True)
class Assignment:
    """A claimed device run with all that its execution reads from the database, so that a thread needs no query.

    `claimed` is when it was claimed, in monotonic seconds; `job` is there where the plan has secrets that it keeps;
    `jump_hosts` are those of the claim, by id.
    """

    device_run: DeviceRun
    plan: DevicePlan
    job: ServiceJob | None
    logins: vault.Logins
    claimed: float
    jump_hosts: Mapping[str, JumpHost] = field(default_factory=dict)


@dataclass(slots=True)
class _Room:
    """How many devices may still begin: per run, per agent, per tenant, and per unproven credential of a run."""

    runs: dict[int, int]
    agents: dict[int, int | None]
    tenants: dict[int, int | None]
    trials: dict[tuple[int, str], int] = field(default_factory=dict)

    def take(self, row: DeviceRun) -> bool:
        """Use one place of each kind; False when one of them has none."""
        run = row.run
        trial = (run.pk, row.credential_key)
        if row.credential_key in (run.proven or ()):
            trials: int | None = None
        else:
            trials = self.trials.setdefault(trial, TRIALS)
        places = (self.runs[run.pk], self.agents.get(run.agent_id or 0), self.tenants.get(row.tenant_id), trials)
        if any(place is not None and place <= 0 for place in places):
            return False
        self.runs[run.pk] -= 1
        for kind, key in ((self.agents, run.agent_id or 0), (self.tenants, row.tenant_id)):
            if kind.get(key) is not None:
                kind[key] -= 1  # type: ignore[index,operator]
        if trials is not None:
            self.trials[trial] -= 1
        return True


def claim(*, worker: Worker, now: datetime, limit: int, only: int | None = None) -> list[Assignment]:
    """Take up to `limit` devices for a worker, of the runs of its agents (or `only` of one, by id), oldest runs
    first."""
    failpoint("worker_woken")
    claimed = time.monotonic()
    with transaction.atomic():
        # The agents' rows serialize claims: limits are counted and used up without a race.
        agents = Agent.objects.filter(queue__in=worker.queues, draining=False).order_by("pk")
        served = {agent.pk: agent for agent in agents.select_for_update(of=("self",), no_key=True)}
        runs = _open_runs(_with_room(served), now, only, max(FEWEST_RUNS, limit))
        if not runs:
            return []
        rows = device_locks.take(_within_limits(runs, served, now, limit), now, this_network())
        begun = {row.run_id: row.run for row in rows if row.run.status == RunStatus.QUEUED}
        rows = _begin(rows, worker, now)
        if begun:
            beginning = JobRun.objects.filter(pk__in=begun)
            transition(beginning, of=[RunStatus.QUEUED], to=RunStatus.RUNNING, started_at=now)
    failpoint("claim_committed")
    _log_started(begun.values(), rows)
    return _assignments(rows, claimed)


def _begin(rows: list[DeviceRun], worker: Worker, now: datetime) -> list[DeviceRun]:
    """Make the rows, which are locked, the worker's own."""
    begun = transition(
        DeviceRun.objects.filter(pk__in=[row.pk for row in rows]),
        of=[RunStatus.QUEUED],
        to=RunStatus.RUNNING,
        token=F("token") + 1,
        worker=worker,
        lease_expires_at=now + LEASE,
        started_at=now,
        waiting_since=None,
        not_before=None,
    )
    mine = [row for row in rows if row.pk in begun]
    enter(mine, RunStatus.RUNNING)
    for row in mine:
        row.token, row.worker, row.waited_since = row.token + 1, worker, row.waiting_since
        row.lease_expires_at, row.waiting_since, row.not_before = now + LEASE, None, None
    return mine


def _log_started(runs: Iterable[JobRun], rows: Iterable[DeviceRun]) -> None:
    for run in runs:
        log.info("Run %s begins.", run.pk, extra={"action": "run.started", **of_run(run)})
    if not log.isEnabledFor(logging.DEBUG):  # a line for each device costs half a percent of talking to it
        return
    for row in rows:
        about = {**of_device_run(row), "worker": row.worker.name if row.worker else "", "try": row.tries + 1}
        words = "Device run %s begins: %s."
        log.debug(words, row.pk, row.device_name, extra={"action": "device_run.started", **about})


def does_work_wait(*, worker: Worker, now: datetime) -> bool:
    """Say whether runs of a worker's agents that have begun have devices that could begin, were there places for
    them."""
    ready = DeviceRun.objects.filter(_ready(now), run=OuterRef("pk"), wave__lte=OuterRef("wave"))
    runs = JobRun.objects.filter(status=RunStatus.RUNNING, paused_at=None, agent__queue__in=worker.queues)
    return runs.filter(Exists(ready)).exists()


def _ready(now: datetime) -> Q:
    return Q(status=RunStatus.QUEUED) & (Q(not_before=None) | Q(not_before__lte=now))


def _open_runs(agents: dict[int, Agent], now: datetime, only: int | None, most: int) -> dict[int, JobRun]:
    """Runs with a device that could begin, their busy devices counted; at most about so many."""
    found: dict[int, JobRun] = {}
    skip = 0
    while len(found) < most:
        rows = runs_with_room(agents, now, only=only, most=most, skip=skip)
        wanted = {run.window_id for run in rows if run.window_id}  # type: ignore[attr-defined]
        windows = ScheduleFilter.objects.in_bulk(wanted) if wanted else {}
        for run in rows:
            run.agent = agents[run.agent_id or 0]
            if next_times.is_open(windows.get(run.window_id), now):  # type: ignore[attr-defined]
                found[run.pk] = run
        if len(rows) < most:
            break
        skip += most
    return found


def _with_room(agents: dict[int, Agent]) -> dict[int, Agent]:
    """Leave out the agents that already run on as many devices as they may."""
    limited = [agent for agent in agents.values() if agent.max_parallel is not None]
    busy = _busy_agents(limited)
    full = {agent.pk for agent in limited if agent.max_parallel is not None and busy[agent.pk] >= agent.max_parallel}
    return {pk: agent for pk, agent in agents.items() if pk not in full}


def _busy_agents(limited: list[Agent]) -> Counter[int]:
    running = DeviceRun.objects.filter(status=RunStatus.RUNNING, run__agent__in=limited)
    return Counter(running.values_list("run__agent", flat=True)) if limited else Counter()


def _within_limits(runs: dict[int, JobRun], agents: dict[int, Agent], now: datetime, limit: int) -> list[DeviceRun]:
    room = _room(runs, agents)
    taken: list[DeviceRun] = []
    found = _candidates(runs, room, now, limit)
    room.trials = _trials({row.run_id: runs[row.run_id] for row in found if _is_on_trial(runs[row.run_id], row)})
    for row in found:
        row.run = runs[row.run_id]
        if len(taken) < limit and room.take(row):
            taken.append(row)
    return taken


def _candidates(runs: dict[int, JobRun], room: _Room, now: datetime, limit: int) -> list[DeviceRun]:
    """Devices that could begin, oldest run first: of many small runs together, of each large one as many as are wanted.

    So a large run of which few may begin, because its credential is on trial, does not stand before all others.
    """
    ready = DeviceRun.objects.filter(_ready(now)).select_related("device__sighting").order_by("pk")
    rows: QuerySet[DeviceRun] = ready.select_for_update(skip_locked=True, of=("self",))
    small = [pk for pk, run in runs.items() if run.device_count <= TRIALS]
    found = (
        list(rows.filter(run__in=small, wave__lte=F("run__wave")).order_by("tries", "run", "pk")[: limit * TRIALS])
        if small
        else []
    )
    for pk in [pk for pk, run in runs.items() if run.device_count > TRIALS][:MOST_LARGE_RUNS]:
        some, most = rows.filter(run=pk, wave__lte=runs[pk].wave), min(limit, room.runs[pk])
        # Asked for one after the other, the index gives each in its order, however many there are.
        fresh = list(some.filter(tries=0)[:most])
        found += fresh + (list(some.filter(tries__gt=0)[: most - len(fresh)]) if len(fresh) < most else [])
    return sorted(found, key=lambda row: (row.tries > 0, row.run_id, row.pk))


def _room(runs: dict[int, JobRun], agents: dict[int, Agent]) -> _Room:
    limited = [agent for agent in agents.values() if agent.max_parallel is not None]
    limits = {run.tenant_id: run.tenant_limit for run in runs.values()}  # type: ignore[attr-defined]
    tenants = {pk: limit for pk, limit in limits.items() if limit is not None}
    if tenants:
        list(Tenant.objects.filter(pk__in=tenants).order_by("pk").select_for_update(no_key=True))
    running = DeviceRun.objects.filter(status=RunStatus.RUNNING)
    busy_agents = _busy_agents(limited)
    busy_tenants = Counter(running.filter(tenant__in=tenants).values_list("tenant", flat=True)) if tenants else {}
    return _Room(
        runs={run.pk: run.max_parallel - run.busy for run in runs.values()},  # type: ignore[attr-defined]
        agents={agent.pk: (agent.max_parallel or 0) - busy_agents[agent.pk] for agent in limited},
        tenants={pk: most - busy_tenants[pk] for pk, most in tenants.items()},
    )


def _is_on_trial(run: JobRun, row: DeviceRun) -> bool:
    return run.device_count > TRIALS and row.credential_key not in (run.proven or ())


def _trials(runs: dict[int, JobRun]) -> dict[tuple[int, str], int]:
    """How many more devices of each run may try each credential that none has accepted yet (those that work on it
    count)."""
    found: dict[tuple[int, str], int] = {}
    for run in runs.values():
        rows = run.device_runs.filter(Q(status=RunStatus.RUNNING) | refused(run))
        tried = rows.values_list("credential_key").annotate(n=Count("pk")).order_by()
        found |= {(run.pk, key): TRIALS - n for key, n in tried if key not in (run.proven or ())}
    return found


def refused(run: JobRun) -> Q:
    """Return what finds the devices of a run that refused their credential since it was last resumed."""
    since = Q(ended_at__gt=run.resumed_at) if run.resumed_at else Q()
    return Q(reason__in=REFUSALS) & since


def _assignments(rows: list[DeviceRun], claimed: float) -> list[Assignment]:
    if not rows:
        return []
    plans = [row.plan for row in rows]
    hosts = JumpHost.objects.filter(pk__in={hop.id for plan in plans for hop in plan.via})
    logins = vault.Logins(Credential.objects.filter(pk__in=set().union(*(plan.credentials for plan in plans))))
    found = {str(row.pk): row for row in hosts} if any(plan.via for plan in plans) else {}
    secret = {row.run.job_id for row, plan in zip(rows, plans, strict=True) if plan.has_secrets}
    jobs = ServiceJob.objects.in_bulk(secret) if secret else {}
    return [
        Assignment(row, plan, jobs.get(row.run.job_id), logins, claimed, found)
        for row, plan in zip(rows, plans, strict=True)
    ]


def is_proven(run: JobRun, credential: str) -> bool:
    """Say whether all devices of a run may try a credential (id)."""
    return run.device_count <= TRIALS or credential in (run.proven or ())


def prove(*, run: JobRun, credential: str) -> None:
    """Note that a device of the run has accepted a credential (id), so that all others may try it."""
    with transaction.atomic():
        about = {**of_run(run), "credential": credential}
        words = "A device of run %s has accepted a credential."
        transaction.on_commit(lambda: log.info(words, run.pk, extra={"action": "credential.proven", **about}))
        fresh = JobRun.objects.select_for_update(no_key=True).only("proven").get(pk=run.pk)
        run.proven = fresh.proven or []
        if credential not in run.proven:
            run.proven = [*run.proven, credential]
            JobRun.objects.filter(pk=run.pk).update(proven=run.proven)
            queue.wake_workers({run.agent.queue: run.device_count} if run.agent else {})
