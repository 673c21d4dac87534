"""The database writer behind a device run: intents before commands, step results, live output, cancel and lease.

Every write carries the fencing token; when it changes nothing, this worker is no longer the owner and stops.
"""

from __future__ import annotations

import json
import time
import zlib
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from devices.domain.secrets import redact
from jobs.domain.execution import Cancelled, LeaseLost
from jobs.domain.plan import SNAPSHOT, PlannedStep
from jobs.domain.states import RunStatus
from jobs.models import DeviceRun, JobRun, StepResult

LEASE = timedelta(seconds=120)
RENEW_AFTER = 15.0
CHECK_AFTER = 1.0
FLUSH_AFTER = 0.7


class Journal:
    """Observes one device run (`jobs.domain.execution.Observer`) and keeps its evidence."""

    def __init__(self, device_run: DeviceRun) -> None:
        self.device_run = device_run
        self.secrets: tuple[str, ...] = ()
        self.snapshots: list[str] = []
        self._done = 0
        self._steps: list[StepResult] = []
        self._stored = 0
        self._exchanges: list[list[Any]] = []
        self._checked = self._renewed = self._flushed = time.monotonic()

    def check(self) -> None:
        """Raise Cancelled when somebody asked for it (looked up at most once a second); renew the lease in time."""
        now = time.monotonic()
        if now - self._checked < CHECK_AFTER:
            return
        self._checked = now
        if JobRun.objects.filter(pk=self.device_run.run_id, cancel_requested_at__isnull=False).exists():
            raise Cancelled
        if now - self._renewed > RENEW_AFTER:
            self._own()

    def step_started(self, step: PlannedStep) -> None:
        """Open the step's row in memory; it is stored when the step ends or takes its time."""
        self._exchanges = []
        self._steps.append(
            StepResult(
                tenant_id=self.device_run.tenant_id,
                device_run=self.device_run,
                position=step.position,
                name=step.name[:120],
                kind=step.kind,
                started_at=timezone.now(),
            )
        )
        self.check()

    def sending(self, step: PlannedStep, index: int, command: str) -> None:
        """For a command that may change the device: make the intent durable and see that nobody cancelled."""
        if not step.journaled:
            self.check()
            return
        self._own(intended=self._done + 1, confirmed=self._done)

    def arriving(self, step: PlannedStep, index: int, text: str) -> None:
        """Show output as it comes."""
        self.check()
        command = step.commands[index]
        self._flush([*self._exchanges, [command, redact(text, self.secrets)[-20_000:], False]])

    def answered(self, step: PlannedStep, index: int, command: str, answer: str, rejected: bool) -> None:
        """Keep the exchange, known secrets replaced."""
        self._done += 1
        self._exchanges.append([command, redact(answer, self.secrets), rejected])
        if step.kind == SNAPSHOT and not rejected:
            self.snapshots.append(answer)
        if time.monotonic() - self._flushed > FLUSH_AFTER:
            self._flush(self._exchanges)

    def step_ended(self, step: PlannedStep, status: RunStatus, message: str) -> None:
        """Close the step's row."""
        row = self._steps[-1]
        row.status, row.message, row.ended_at = status, redact(message, self.secrets), timezone.now()
        _fill(row, self._exchanges)

    def finish(self, status: RunStatus, reason: str, message: str) -> bool:
        """End the device run; False when it is not ours any more. The caller's transaction also stores `take_rows`."""
        ended = DeviceRun.objects.filter(
            pk=self.device_run.pk, token=self.device_run.token, status=RunStatus.RUNNING
        ).update(
            status=status,
            reason=reason,
            message=redact(message, self.secrets),
            ended_at=timezone.now(),
            confirmed=self._done,
            intended=max(self._done, self.device_run.intended),
            lease_expires_at=None,
        )
        if ended != 1:
            self._steps = []
            return False
        for row in self._steps:
            if row.ended_at is None:
                row.status, row.ended_at = status, timezone.now()
                _fill(row, self._exchanges)
        return True

    def take_rows(self) -> list[StepResult]:
        """Return the rows still to be inserted; one stored while it was open is updated here."""
        if self._stored and self._steps:
            last = self._steps[self._stored - 1]
            last.save(update_fields=["status", "message", "exchanges_z", "output_size", "ended_at"])
        fresh, self._stored = self._steps[self._stored :], len(self._steps)
        return fresh

    def _own(self, **columns: int) -> None:
        """Write while we are the owner and nobody cancelled, and renew the lease; Cancelled or LeaseLost otherwise."""
        now = timezone.now()
        mine = DeviceRun.objects.filter(
            pk=self.device_run.pk,
            token=self.device_run.token,
            status=RunStatus.RUNNING,
            lease_expires_at__gt=now,
            run__in=JobRun.objects.filter(pk=self.device_run.run_id, cancel_requested_at=None),
        )
        if mine.update(lease_expires_at=now + LEASE, **columns) != 1:
            if JobRun.objects.filter(pk=self.device_run.run_id, cancel_requested_at__isnull=False).exists():
                raise Cancelled
            raise LeaseLost
        self._renewed = time.monotonic()
        self.device_run.intended = columns.get("intended", self.device_run.intended)

    def _flush(self, exchanges: list[list[Any]]) -> None:
        if time.monotonic() - self._flushed < FLUSH_AFTER:
            return
        self._flushed = time.monotonic()
        _fill(self._steps[-1], exchanges)
        with transaction.atomic():
            self._own()
            StepResult.objects.bulk_create(self.take_rows())


def _fill(row: StepResult, exchanges: list[list[Any]]) -> None:
    data = json.dumps(exchanges, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    row.exchanges_z = zlib.compress(data, 1)
    row.output_size = sum(len(received) for _, received, _ in exchanges)
