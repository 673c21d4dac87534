"""The database writer behind a device run: intents before commands, step results, live output, cancel and lease.

Every write carries the fencing token; when it changes nothing, this worker is no longer the owner and stops. The lease
is renewed for all device runs of a worker at once, by `jobs.worker.leases`, never from here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from config.failpoints import failpoint
from config.key_ring import KeyMissing
from devices.domain import configs
from devices.domain.masking import masker_of
from devices.services.masking import Maskers
from devices.services.snapshots import volatile_in
from devices.services.workers import GUARD, LEASE
from jobs.domain import endings
from jobs.domain.plan import SNAPSHOT, PlannedStep
from jobs.domain.states import RunStatus
from jobs.domain.step_runner import Cancelled, DeviceResult, LeaseLost, interruption
from jobs.models import DeviceRun, StepResult
from jobs.models.runs import Exchange
from jobs.models.sql.bulk import add_rows
from jobs.worker.journal_writer import DIRECT, Writer
from templates_app.domain.content import StepKind

#: Seconds after which what came so far is stored for those who watch; most devices are done by then.
FLUSH_AFTER = 1.5
#: What changes of a step that was stored while it was open.
GROWING = ("status", "message", "verdict", "exchanges_sealed", "output_size", "ended_at")
SAFE_SECONDS = (LEASE - GUARD).total_seconds()


class Journal:
    """Observes one device run (`jobs.domain.step_runner.Observer`) and keeps its evidence.

    `claimed` and `owned_until` (monotonic seconds) are since when it is owned, and how long it may send; `hang_up`
    closes the connection from another thread.
    """

    def __init__(
        self,
        device_run: DeviceRun,
        commands: tuple[str, ...] = (),
        claimed: float | None = None,
        writer: Writer = DIRECT,
    ) -> None:
        self.device_run, self.commands, self.writer = device_run, commands, writer
        self.secrets: tuple[str, ...] = ()
        self.revealed: dict[str, str] = {}
        self.snapshots: dict[str, str] = {}
        self.kept: list[tuple[str, str]] = []
        self.cancelled = self.lost = False
        self.claimed = time.monotonic() if claimed is None else claimed
        self.owned_until = self.claimed + SAFE_SECONDS
        self.hang_up: Callable[[], None] = lambda: None
        self._done, self._changed = 0, False
        self._intent: PlannedStep | None = None
        self._index = 0
        self._steps: list[StepResult] = []
        self._stored = 0
        self._exchanges: list[Exchange] = []
        self._last: tuple[StepResult | None, list[Exchange], PlannedStep | None] = (None, [], None)
        self._flushed = time.monotonic()

    @property
    def is_lost(self) -> bool:
        """Say whether nothing at all may be sent any more."""
        return self.lost or time.monotonic() > self.owned_until

    def check(self) -> None:
        """Raise Cancelled or LeaseLost when nothing more may be sent; asked right before every send, so it looks
        nowhere."""
        if self.is_lost:
            self.lost = True
            raise LeaseLost
        if self.cancelled:
            failpoint("cancel_noticed")
            raise Cancelled

    def step_started(self, step: PlannedStep) -> None:
        """Open the step's row in memory; it is stored when the step ends or takes its time."""
        self._exchanges = []
        if step.kind == SNAPSHOT and step.keep == "after":
            failpoint("after_not_read")
        if self._steps and self._steps[-1].position == step.position:  # a reading step that begins again
            open_step = self._steps[-1]
            open_step.status, open_step.ended_at = RunStatus.RUNNING, None
            return
        self._steps.append(
            StepResult(
                tenant_id=self.device_run.tenant_id,
                device_run_id=self.device_run.pk,
                position=step.position,
                name=step.name[:120],
                kind=step.kind,
                started_at=timezone.now(),
            )
        )
        self.check()

    def step_repeated(self, step: PlannedStep) -> None:
        """Forget what a reading step gave so far; it begins again on a new connection."""
        self._done -= len(self._exchanges)
        self._exchanges = []
        self._steps[-1].message = "The connection was lost; the step was read again."

    def sending(self, step: PlannedStep, index: int, command: str) -> None:
        """For a command that may change the device: make the intent durable and see that nobody cancelled."""
        self.check()
        if not step.journaled:
            return
        if self._done and index + 1 == len(step.commands):
            failpoint("change_not_saved")
        self._own(self._done + 1)
        self._intent, self._index = step, index
        failpoint("intent_stored")

    def arriving(self, step: PlannedStep, index: int, text: str) -> None:
        """Show output as it comes."""
        self.check()
        if self._shows_now():
            self._show([*self._exchanges, (step.commands[index], self.redacted(text, grows=True)[-20_000:], False)])

    def answered(self, step: PlannedStep, index: int, command: str, answer: str, rejected: bool) -> None:
        """Keep the exchange, known secrets replaced."""
        failpoint("answer_not_confirmed")
        self._done += 1
        self._changed = self._changed or step.journaled
        self._intent = None
        self._last = (self._steps[-1] if self._steps else None, self._exchanges, step)
        self._exchanges.append((command, self.redacted(answer), rejected))
        if step.kind == SNAPSHOT:
            if answer.strip() and not rejected:
                self.snapshots[step.keep or ("after" if self.snapshots else "before")] = answer
                failpoint("before_read")
        elif step.keep and not rejected:
            self.kept.append((step.keep, answer))
        if self._shows_now():
            self._show(self._exchanges)

    def amended(self, text: str, rejected: bool) -> None:
        """Keep what came late with the exchange that it belongs to."""
        row, exchanges, step = self._last
        if row is None or step is None or not exchanges:
            return
        command, answer, was_rejected = exchanges[-1]
        exchanges[-1] = (command, answer + self.redacted(text), was_rejected or rejected)
        if row.ended_at is not None:
            row.take(exchanges)
        if step.kind == SNAPSHOT and step.keep in self.snapshots:
            self.snapshots[step.keep] += text
        elif step.keep and self.kept:
            self.kept[-1] = (step.keep, self.kept[-1][1] + text)

    def unsent(self) -> None:
        """Forget an intent: its command was typed at most, and not sent."""
        self._intent = None

    def step_ended(self, step: PlannedStep, status: RunStatus, message: str, verdict: str = "") -> None:
        """Close the step's row."""
        done_step = self._steps[-1]
        done_step.status, done_step.verdict, done_step.ended_at = status, verdict, timezone.now()
        done_step.message = self.redacted(endings.bounded(message or done_step.message))
        done_step.take(self._exchanges)

    def redacted(self, text: str, *, grows: bool = False) -> str:
        """Hide what was used with this device: each secret within what it was sent with, and where it is
        recognised; of a text that grows, also the beginning of one at its end."""
        for revealed, marked in self.revealed.items():
            text = text.replace(revealed, marked)
        masker = masker_of(frozenset(self.secrets))
        return masker.hide(masker.without_begun(text) if grows else text)

    def told(self, message: str, maskers: Maskers) -> str:
        """Return a sentence that may quote the device, without any secret of its tenant, as long as it is told; asks
        the database.

        Secrets are hidden before it is cut to its length, in as much of it as that can show.
        """
        if not message:
            return ""
        try:
            masker = maskers.of(self.device_run.device, self.device_run.tenant_id)
            return endings.capped(masker.hide_quoted(self.redacted(endings.bounded(message))))
        except KeyMissing as error:
            return f"What happened cannot be told without its secrets. {error.message}"

    @property
    def unknown(self) -> bool:
        """Say whether a command that may change the device was begun and its outcome is not known."""
        return self._intent is not None

    @property
    def in_doubt(self) -> tuple[PlannedStep | None, tuple[str, ...]]:
        """The configuring step in which it broke off, with its lines up to the one whose outcome is not known."""
        if self._intent is None or self._intent.kind != StepKind.CONFIG:
            return None, ()
        return self._intent, self._intent.commands[: self._index + 1]

    @property
    def confirmed(self) -> int:
        """How many commands were answered, in plan order."""
        return self._done

    @property
    def begun(self) -> int:
        """How many commands were sent, or may have been."""
        return self._done + self.unknown

    @property
    def changed(self) -> bool:
        """Say whether a line that may change the device was answered."""
        return self._changed

    @property
    def unsaved(self) -> bool:
        """Say whether the running configuration was changed and the startup configuration was not."""
        found = [self.snapshots.get(keep) for keep in ("before", "after", "startup_after")]
        before, after, startup = found
        if before is None or after is None or startup is None or before == after:
            return False
        return configs.unsaved(before, after, startup, volatile_in(self.device_run.platform))

    @property
    def touched(self) -> bool:
        """Say whether anything was sent."""
        return self.begun > 0

    def words(self, cause: str) -> str:
        """Say after `cause` what is known: which commands are confirmed, which one is unknown, which were never
        sent."""
        return interruption(cause, self.commands, self.begun, self._done)

    def ending(self, result: DeviceResult, now: datetime, maskers: Maskers) -> DeviceRun:
        """Return the row as it ends, for the caller to move to its end where the token still fits."""
        row = self.device_run
        row.reason, row.message = result.reason, self.told(result.message, maskers)
        row.ended_at, row.confirmed, row.lease_expires_at = now, self._done, None
        row.intended = max(self._done + self.unknown, row.intended)
        for step in self._steps:
            if step.ended_at is None:
                step.status, step.ended_at = result.status, now
                step.take(self._exchanges)
        return row

    def take_rows(self, maskers: Maskers) -> list[StepResult]:
        """Return the rows still to be inserted; one stored while it was open is updated here."""
        for step in self._steps[max(self._stored - 1, 0) :]:
            step.message = self.told(step.message, maskers)
        if self._stored and self._steps:
            last = self._steps[self._stored - 1]
            changed = {name: getattr(last, name) for name in GROWING}
            StepResult.objects.filter(device_run=self.device_run, position=last.position).update(**changed)
        fresh, self._stored = self._steps[self._stored :], len(self._steps)
        return fresh

    def _own(self, intended: int) -> None:
        """Store how far it has come, while the lease runs and nobody cancelled; Cancelled or LeaseLost otherwise."""
        row = self.device_run
        if not self.writer.intend((row.pk, row.token, intended, self._done)):
            self.writer.do(self._refused)
        row.intended = intended
        self.check()

    def _refused(self) -> None:
        """Raise Cancelled or LeaseLost, whichever is why nothing more may be written."""
        row = DeviceRun.objects.select_related("run").filter(pk=self.device_run.pk).first()
        if row and (row.cancel_requested_at or row.run.cancel_requested_at):
            failpoint("cancel_noticed")
            raise Cancelled
        self.lost = True
        raise LeaseLost

    def _shows_now(self) -> bool:
        return time.monotonic() - self._flushed >= FLUSH_AFTER and self.writer.may_show()

    def _show(self, exchanges: list[Exchange]) -> None:
        self._flushed = time.monotonic()
        self._steps[-1].take(exchanges)
        self.writer.do(self._store)
        self.check()

    def _store(self) -> None:
        row = self.device_run
        with transaction.atomic():
            if not DIRECT.intend((row.pk, row.token, row.intended, self._done)):
                self._refused()
            add_rows(self.take_rows(Maskers()))
