"""Start runs: at once when somebody asks, or in batches those that the tick made."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from approvals.domain import Late
from approvals.models import ApprovalRequest
from config.errors import Conflict, ServiceError
from config.failpoints import failpoint
from jobs import access, queue
from jobs.dispatch import approval_gate, overlap_queue
from jobs.dispatch.admission import Admission, admit, plan_of, reason_not_to_run, write
from jobs.domain.spec import TriggerCause, TriggerKind
from jobs.domain.states import RunStatus
from jobs.log_fields import of_run
from jobs.models import JobRun, ServiceJob, Trigger
from jobs.models.sql.dispatch import Due, insert_runs
from jobs.plan import builder
from jobs.plan.builder import Narrowed
from templates_app.domain.rendering import Renderer, TooMuchWork

log = logging.getLogger(__name__)
#: A run that nobody has decided about for so long has lost its wakeup.
FORGOTTEN_AFTER = timedelta(seconds=2)
#: So many runs are decided about in one transaction.
RUNS_PER_TRANSACTION = 100
#: What the texts of all plans that are made in one transaction may take: about a second; a plan that takes more is made
#: before the transaction in which it is decided about.
STEPS_PER_TRANSACTION = 4_000_000
#: So often a plan is made ahead while what it is made of changes.
PLANS_AHEAD = 3
#: What is read of a job with it; for many jobs at once, what they share is one object.
PARTS = ("tenant", "template", "version", "agent", "created_by", "approval")
OURS = "Interlock itself failed while planning; the server log has the details."


class Unconfirmed(Conflict):
    """A run would use up what was meant for later; it starts when it is asked for again, confirmed."""

    code = "unconfirmed"


class NotApproved(Conflict):
    """A change that somebody asked for is not approved."""

    code = "not_approved"


class _Slow(Exception):
    """The first of the runs to be decided about takes too long to be planned in a transaction."""

    def __init__(self, run: JobRun) -> None:
        super().__init__(str(run.pk))
        self.run = run


def run_now(*, by: User, job: ServiceJob, now: datetime, confirmed: bool = False) -> JobRun:
    """Start a saved job now. Conflict says why it may not start; nothing is created then.

    Unconfirmed says what it would use up, unless that is `confirmed`.
    """
    access.check_may_run(by, job.tenant)
    narrowed = approval_gate.narrowed_now(job)
    reason = reason_not_to_run(job, by, now)
    if reason:
        raise Conflict(reason)
    question = approval_gate.question_before(job, now)
    if question and not confirmed:
        raise Unconfirmed(question)
    if narrowed:
        return run_again(by=by, job=job, narrowed=narrowed, now=now)
    with transaction.atomic():
        trigger = _trigger(job, "Run now", TriggerCause.PERSON)
        return start_now(by=by, job=job, trigger=trigger, now=now, asked=True)


def run_unapproved(*, by: User, job: ServiceJob, reason: str, now: datetime) -> JobRun:
    """Start a change now without asking anybody, by right and with a reason (`approval_gate.bypass`)."""
    with transaction.atomic():
        job = approval_gate.bypass(by=by, job=job, reason=reason, now=now)
        return run_now(by=by, job=job, now=now, confirmed=True)


def start_now(
    *,
    by: User,
    job: ServiceJob,
    trigger: Trigger,
    now: datetime,
    narrowed: Narrowed | None = None,
    asked: bool = False,
) -> JobRun:
    """Make a run at once and start it in the caller's transaction; `by` is in whose name it runs.

    A run whose plan takes its time is left to a worker, so that nobody waits for the transaction. Where somebody has
    `asked` for it, NotApproved tells him of a change that nobody has approved; else that is the run's reason.
    """
    insert_runs([Due(trigger.pk, job.pk, now)], now)
    run = JobRun.objects.get(trigger=trigger)
    run.executed_by = by
    if narrowed:
        run.parent, run.only, run.resumes = narrowed.of, sorted(narrowed.only), narrowed.resumes
    run.save(update_fields=["executed_by", "parent", "only", "resumes"])
    overlap_queue.lock_lines([(run, job)])
    refused = asked and not approval_gate.is_approved(job)
    try:
        decision = admit(run, job, by, now, builder.Fetched(renderer=Renderer(STEPS_PER_TRANSACTION)))
    except TooMuchWork:
        queue.wake_starters(1)
        return run
    if refused and decision.right.refusal:
        raise NotApproved(decision.right.refusal)
    write([decision], now)
    return run


def _trigger(job: ServiceJob, name: str, cause: TriggerCause) -> Trigger:
    """Make a trigger for one run at once."""
    return Trigger.objects.create(tenant=job.tenant, job=job, kind=TriggerKind.NOW, name=name, cause=cause)


def run_again(*, by: User, job: ServiceJob, narrowed: Narrowed, now: datetime) -> JobRun:
    """Run devices of an ended run again, as a new run with a new plan.

    Conflict unless it may be: an approval of a change was for the run that has ended, not for a second one.
    """
    reason = reason_not_to_run(job, by, now)
    if reason:
        raise Conflict(reason)
    words = f"{'Resumed' if narrowed.resumes else 'Again'}: run {narrowed.of.pk if narrowed.of else '—'}"
    with transaction.atomic():
        trigger = _trigger(job, words, TriggerCause.AGAIN)
        return start_now(by=by, job=job, trigger=trigger, now=now, narrowed=narrowed, asked=True)


def start_queued(*, now: datetime | None = None) -> int:
    """Start the runs that the tick made, oldest first, until none is left; return how many were decided.

    Locks are taken in the order runs, jobs, agents, approval request, audit trails. After a defect of ours they are
    decided about one by one, so that it ends the run it belongs to and no other. Tenants whose plans take their time
    are served after all others.
    """
    decided, size = 0, RUNS_PER_TRANSACTION
    slow: set[int] = set()
    while True:
        try:
            found = _start_some(size, now or timezone.now(), slow) or _start_aside(now or timezone.now(), slow)
        except _Slow as error:
            slow.add(error.run.tenant_id)
            words = "To plan run %s takes its time; it is done after those of other customers."
            log.warning(words, error.run.pk, extra={"action": "run.slow", **of_run(error.run)})
            continue
        except Exception:
            if size == 1:
                raise
            words = "A batch of runs could not be started; each is tried by itself."
            log.exception(words, extra={"action": "batch.failed", "runs": size})
            size = 1
            continue
        if not found:
            return decided
        decided += found


def any_forgotten(*, now: datetime) -> bool:
    """Say whether a run waits to be started that no wakeup has reached."""
    old = now - FORGOTTEN_AFTER
    return JobRun.objects.filter(status=RunStatus.QUEUED, planned_at=None, created_at__lt=old).exists()


def start_late(*, now: datetime) -> None:
    """Start what was approved after its time with the wish to run it now."""
    rows = _jobs().filter(approval__status="approved", approval__late=Late.NOW, deleted_at=None)
    for job in rows:
        with transaction.atomic():
            # Whoever clears the wish is the one who starts it.
            if ApprovalRequest.objects.filter(pk=job.approval_id or 0, late=Late.NOW).update(late="") != 1:
                continue
            failpoint("approved_not_started")
            trigger = _trigger(job, "After approval", TriggerCause.APPROVAL)
            start_now(by=job.created_by, job=job, trigger=trigger, now=now)


def _start_some(size: int, now: datetime, slow: set[int]) -> int:
    """Decide about some runs of all but the slow tenants (ids) in one transaction; return how many."""
    with transaction.atomic():
        waiting_runs = _locked(_queued().exclude(tenant__in=slow), size)
        return _decide(_together(waiting_runs, _load(waiting_runs)), now, Renderer(STEPS_PER_TRANSACTION))


def _start_aside(now: datetime, slow: set[int]) -> int:
    """Decide about one run of a slow tenant (ids): its plan is made ahead, so that in the transaction it is made again
    without rendering anything twice."""
    run = _queued().filter(tenant__in=slow).first() if slow else None
    if run is None:
        return 0
    for _ in range(PLANS_AHEAD):
        renderer = Renderer(remembers=True)
        if not _is_planned_ahead(run, renderer):
            break
        renderer.allow(STEPS_PER_TRANSACTION)
        try:
            with transaction.atomic():
                rows = _locked(_queued().filter(pk=run.pk), 1)
                _decide(_together(rows, _load(rows)), now, renderer)
            return 1
        except _Slow:
            continue
    with transaction.atomic():
        for row in _locked(_queued().filter(pk=run.pk), 1):
            job = _load([row])[row.job_id]
            refused = Admission(run=row, job=job, by=job.created_by, status=RunStatus.SKIPPED, reason=builder.TOO_MUCH)
            write([refused], now)
    return 1


def _is_planned_ahead(run: JobRun, renderer: Renderer) -> bool:
    """Render what a run sends; False when that takes more than a plan may. What else is wrong is said in the end."""
    job = _load([run])[run.job_id]
    try:
        plan_of(run, job, job.created_by, builder.Fetched([job], renderer))
    except TooMuchWork:
        return False
    except Exception:  # noqa: BLE001 - the same comes once more, where it is decided about
        return True
    return True


def _decide(pairs: Sequence[tuple[JobRun, ServiceJob]], now: datetime, renderer: Renderer) -> int:
    """Decide about as many runs as the renderer can plan, and return how many; _Slow when it cannot plan the first."""
    try:
        with transaction.atomic():
            overlap_queue.lock_lines(pairs)
            decisions = _admitted(pairs, now, builder.Fetched([job for _, job in pairs], renderer))
            write(decisions, now)
        return len(decisions)
    except _Slow:
        raise
    except Exception:  # noqa: BLE001 - the edge of the scheduler: one broken job must not hold up the others
        if len(pairs) > 1:
            raise
        for run, job in pairs:
            log.exception("Run %s could not be planned.", run.pk, extra={"action": "run.errored", **of_run(run)})
            run.refresh_from_db()
            write([Admission(run=run, job=job, by=job.created_by, status=RunStatus.ERRORED, reason=OURS)], now)
        return len(pairs)


def _admitted(pairs: Sequence[tuple[JobRun, ServiceJob]], now: datetime, fetched: builder.Fetched) -> list[Admission]:
    found: list[Admission] = []
    for run, job in pairs:
        try:
            found.append(_admit(run, job, now, fetched))
        except TooMuchWork:
            if not found:
                raise _Slow(run) from None
            break
    return found


def _queued() -> QuerySet[JobRun]:
    """Return the runs that nobody has decided about, the oldest first."""
    return JobRun.objects.filter(status=RunStatus.QUEUED, planned_at=None).order_by("pk").prefetch_related("tenant")


def _locked(rows: QuerySet[JobRun], most: int) -> list[JobRun]:
    return list(rows.select_for_update(skip_locked=True, of=("self",), no_key=True)[:most])


def _admit(run: JobRun, job: ServiceJob, now: datetime, fetched: builder.Fetched) -> Admission:
    """Decide; what refuses the run becomes its reason."""
    try:
        return admit(run, job, job.created_by, now, fetched)
    except ServiceError as error:
        return Admission(run=run, job=job, by=job.created_by, status=RunStatus.SKIPPED, reason=error.message)


def _jobs() -> QuerySet[ServiceJob]:
    return ServiceJob.objects.select_related(*PARTS)


def _load(runs: Sequence[JobRun]) -> dict[UUID, ServiceJob]:
    """Return the jobs of some runs, with all that planning reads; what is the same is one object, rights and
    contents too."""
    rows = ServiceJob.objects.filter(pk__in={run.job_id for run in runs})
    return {job.pk: job for job in rows.prefetch_related(*(*PARTS, *builder.PARTS))}


def _together(runs: Sequence[JobRun], jobs: dict[UUID, ServiceJob]) -> list[tuple[JobRun, ServiceJob]]:
    """Choose which runs are decided about at once, the oldest among them.

    A change is alone, for it uses up an approval. Of a job, and of a queue, one is taken, because the next one's turn
    depends on it.
    """
    found: list[tuple[JobRun, ServiceJob]] = []
    lines: set[object] = set()
    for run in runs:
        job = jobs[run.job_id]
        mine = {job.pk, (run.tenant_id, run.agent_id)} if run.in_queue else {job.pk}
        if job.version.content.changes_devices:
            if not found:
                return [(run, job)]
        elif not lines & mine:
            found.append((run, job))
            lines |= mine
    return found
