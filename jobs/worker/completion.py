"""What follows when devices end: the next wave opens, the run stops or pauses, or it ends and its recipients are
told."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from jobs import queue
from jobs.dispatch import overlap_queue
from jobs.domain.rollout import Rollout
from jobs.domain.states import OPEN, RunStatus, outcome
from jobs.log_fields import of_device_run, of_run
from jobs.models import DeviceRun, JobRun
from jobs.models.transitions import Move, transition, transition_each
from jobs.results import notifications
from jobs.schedule import next_times
from jobs.worker import claims, device_locks

log = logging.getLogger(__name__)
#: How many devices of a run there are of each (status, wave).
Tally = list[tuple[str, int, int]]
#: So many runs are completed in one transaction.
RUNS_PER_TRANSACTION = 50
UNBEGUN = (RunStatus.QUEUED, RunStatus.WAITING)


def complete(run_ids: Iterable[int], now: datetime | None = None) -> set[int]:
    """Look at runs (ids) of which devices have ended, many in one transaction; what is already complete is left alone.

    Return those of many that somebody else holds: they are to be looked at again. One alone is waited for.
    """
    asked, left = sorted(set(run_ids)), set()
    for first in range(0, len(asked), RUNS_PER_TRANSACTION):
        some = asked[first : first + RUNS_PER_TRANSACTION]
        with transaction.atomic():
            done = _complete(some, now or timezone.now(), wait=len(asked) == 1)
        if len(done) < len(some):
            left |= set(_open(set(some) - done).values_list("pk", flat=True))
    return left


def _open(pks: Iterable[int]) -> QuerySet[JobRun]:
    return JobRun.objects.filter(pk__in=pks, status__in=OPEN, planned_at__isnull=False)


def _complete(pks: list[int], now: datetime, wait: bool) -> set[int]:
    found = _open(pks).select_related("tenant", "agent").order_by("pk")
    runs = {run.pk: run for run in found.select_for_update(skip_locked=not wait, of=("self",), no_key=True)}
    tallies = _tallies(runs)
    ends = {run.pk: _end_of(run, tallies[run.pk], now) for run in runs.values()}
    over = [Move(run, RunStatus(run.status), end) for run in runs.values() if (end := ends[run.pk])]
    causes = _causes(move.row.pk for move in over)
    ended = [move.row for move in over]
    for run in ended:
        run.reason = "; ".join(part for part in (run.reason, causes.get(run.pk, "")) if part)[:500]
        run.paused_at, run.pause_reason, run.next_wave_at, run.ended_at = None, "", None, now
    transition_each(over, ("reason", "ended_at", "paused_at", "pause_reason", "next_wave_at"))
    notifications.tell([notifications.RunEvent(run, "completed") for run in ended], now)
    for run in ended:
        transaction.on_commit(partial(log_completed, run))
    overlap_queue.ended(ended)
    return set(runs)


def log_completed(run: JobRun) -> None:
    """Write into the server log how a run has ended, and how long (seconds) after its first device began."""
    seconds = round((run.ended_at - run.started_at).total_seconds(), 3) if run.ended_at and run.started_at else None
    found = {"status": run.status, "reason": run.reason, "devices": run.device_count, "seconds": seconds}
    words = "Run %s of %s has ended: %s."
    log.info(words, run.pk, run.job_name, run.status, extra={"action": "run.completed", **of_run(run), **found})


def _end_of(run: JobRun, rows: Tally, now: datetime) -> RunStatus | None:
    """Return the status in which a run has come to its end; None when it has not, and what follows is done."""
    if _must_stop(run, rows) and _end_unbegun(run, now):
        rows = _tallies([run.pk])[run.pk]
    if any(status in OPEN for status, _, _ in rows):
        _suspect_credential(run, now)
        _open_next_wave(run, rows, now)
        return None
    return outcome(status for status, _, _ in rows)


def _tallies(pks: Iterable[int]) -> dict[int, Tally]:
    """Count the devices of each run (id) by status and wave."""
    found: dict[int, Tally] = defaultdict(list)
    rows = DeviceRun.objects.filter(run__in=list(pks)).values_list("run", "status", "wave")
    for run, status, wave, n in rows.annotate(n=Count("pk")).order_by():
        found[run].append((status, wave, n))
    return found


def _must_stop(run: JobRun, rows: Tally) -> bool:
    """Say whether so many devices failed that no further one may begin; the reason is put into `run.reason`."""
    rollout = Rollout.from_json(run.rollout)
    if rollout == Rollout() or run.stopped_at or not any(status in UNBEGUN for status, _, _ in rows):
        return False
    counts: Counter[str] = Counter()
    for status, _, n in rows:
        counts[status] += n
    ended = sum(n for status, n in counts.items() if status not in OPEN)
    run.reason = rollout.reason_to_stop(ended, ended - counts[RunStatus.SUCCEEDED])
    return bool(run.reason)


def _end_unbegun(run: JobRun, now: datetime) -> bool:
    """End what has not begun because too many devices failed; True when there was something."""
    run.stopped_at = now
    JobRun.objects.filter(pk=run.pk).update(reason=run.reason, stopped_at=now)
    about = {**of_run(run), "reason": run.reason}
    transaction.on_commit(lambda: log.info("Run %s stops.", run.pk, extra={"action": "run.stopped", **about}))
    return end_unbegun(run, RunStatus.SKIPPED, "stopped", f"Nothing was sent. {run.reason}", now) > 0


def end_unbegun(run: JobRun, status: RunStatus, reason: str, message: str, now: datetime) -> int:
    """End the devices of a run that have not begun; return how many."""
    ending = {"reason": reason, "message": message, "ended_at": now, "waits_for": None}
    ended = len(transition(DeviceRun.objects.filter(run=run), of=UNBEGUN, to=status, **ending))
    if ended:
        about = {**of_run(run), "status": status, "reason": reason, "devices": ended}
        words = "%s devices of run %s do not begin: %s."
        given = (ended, run.pk, reason)
        transaction.on_commit(lambda: log.info(words, *given, extra={"action": "run.unbegun_ended", **about}))
    return ended


def _suspect_credential(run: JobRun, now: datetime) -> None:
    """Pause a run in which several devices refused the same credential: others would only lock the account."""
    if run.paused_at is not None:
        return
    rows = run.device_runs.filter(claims.refused(run))
    refused = rows.values_list("credential_name").annotate(n=Count("pk")).order_by()
    for name, count in refused:
        proven = run.proven or ()
        unproven = run.device_runs.filter(status__in=UNBEGUN, credential_name=name).exclude(credential_key__in=proven)
        if count >= claims.TRIALS and unproven.exists():
            reason = (
                f"{count} devices refused the credential {name}; no other device sees it. "
                "Correct it and resume, or cancel the run."
            )
            run.paused_at, run.pause_reason = now, reason[:300]
            JobRun.objects.filter(pk=run.pk, paused_at=None).update(paused_at=now, pause_reason=run.pause_reason)
            notifications.tell([notifications.RunEvent(run, "paused")], now)
            transaction.on_commit(partial(_log_paused, run))
            return


def _log_paused(run: JobRun) -> None:
    found = {"reason": run.pause_reason}
    log.warning("Run %s waits for a person.", run.pk, extra={"action": "run.paused", **of_run(run), **found})


def _open_next_wave(run: JobRun, rows: Tally, now: datetime) -> None:
    """Open the next wave when all devices of the open ones have ended, after the rollout's pause."""
    if run.paused_at or run.next_wave_at or any(status in OPEN and wave <= run.wave for status, wave, _ in rows):
        return
    pause = Rollout.from_json(run.rollout).pause
    if pause:
        JobRun.objects.filter(pk=run.pk).update(next_wave_at=now + pause)
    else:
        JobRun.objects.filter(pk=run.pk).update(wave=run.wave + 1)
        _wave_opened(run)


def _wave_opened(run: JobRun) -> None:
    about = {**of_run(run), "wave": run.wave + 1}
    words = "Wave %s of run %s begins."
    given = (run.wave + 1, run.pk)
    transaction.on_commit(lambda: log.info(words, *given, extra={"action": "run.wave_opened", **about}))
    wake(run)


def wake(run: JobRun) -> None:
    """Wake the workers of the run's agent."""
    if run.agent:
        queue.wake_workers({run.agent.queue: min(run.device_count, run.max_parallel)})


def look_after(*, now: datetime) -> None:
    """Do what time alone brings: open waves whose pause is over, close maintenance windows, end who waited too long."""
    due = JobRun.objects.filter(status__in=OPEN, next_wave_at__lte=now, paused_at=None)
    for run in due.select_related("agent", "tenant")[:500]:
        moved = JobRun.objects.filter(pk=run.pk, next_wave_at=run.next_wave_at).update(
            wave=run.wave + 1, next_wave_at=None
        )
        if moved:
            _wave_opened(run)
    _close_windows(now)
    device_locks.wake_stranded()
    device_locks.clear_lines()
    late = device_locks.give_up(now)
    for row in late:
        words = "Device run %s waited too long for its device."
        found = {"status": RunStatus.FAILED, "reason": device_locks.BUSY}
        log.warning(words, row.pk, extra={"action": "device_run.gave_up", **of_device_run(row), **found})
    complete({row.run_id for row in late}, now)
    # A worker that vanished between storing the last device's result and settling its run leaves this to others.
    incomplete = JobRun.objects.filter(status__in=OPEN, planned_at__isnull=False).exclude(device_runs__status__in=OPEN)
    complete(list(incomplete.values_list("pk", flat=True)[:500]), now)


def _close_windows(now: datetime) -> None:
    """End the devices that have not begun when their job's maintenance window closes."""
    rows = JobRun.objects.filter(
        status__in=OPEN, planned_at__isnull=False, job__window__isnull=False, started_at__isnull=False
    )
    for run in rows.filter(device_runs__status__in=UNBEGUN).distinct().select_related("tenant", "job__window")[:500]:
        if not next_times.is_open(run.job.window, now):
            words = f"Nothing was sent. The maintenance window {run.job.window} closed before its turn came."
            end_unbegun(run, RunStatus.SKIPPED, "window_closed", words, now)
            complete([run.pk], now)


def _causes(pks: Iterable[int]) -> dict[int, str]:
    """Say of each run (id) in one line which devices did not plainly succeed and why: `login refused: sw01; rejected:
    rt01; with a warning: rt02`."""
    found: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    plain = Q(status=RunStatus.SUCCEEDED, message="") | Q(reason="stopped")
    bad = DeviceRun.objects.filter(run__in=list(pks)).exclude(plain).order_by("pk")
    for run, name, reason, status in bad.values_list("run", "device_name", "reason", "status"):
        cause = "with a warning" if status == RunStatus.SUCCEEDED else (reason or status).replace("_", " ")
        found[run][cause].append(name)
    return {run: "; ".join(_cause(cause, names) for cause, names in causes.items()) for run, causes in found.items()}


def _cause(cause: str, names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{cause}: {', '.join(names[:3])}{more}"
