"""A device run's transcript as text, and following it while it grows."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from devices.services.masking import Maskers
from jobs.domain import endings
from jobs.domain.states import RunStatus
from jobs.models import DeviceRun, StepResult

#: Between two looks at what a follower has not seen yet.
LOOK_PAUSE_SECONDS = 0.5
#: After so long a follower is let go; he comes back with what he has.
FOLLOW_SECONDS = 60.0


def with_maskers(steps: Iterable[StepResult], maskers: Maskers | None = None) -> list[StepResult]:
    """Return steps as they may be shown: each hides the secrets on its device."""
    found, maskers = list(steps), Maskers() if maskers is None else maskers
    for step in found:
        step.masker = maskers.of(step.device_run.device, step.tenant_id)
    return found


def transcript(steps: Iterable[StepResult]) -> str:
    """Return every line sent and received. Of a step that runs, the last answer is left out: it may still grow."""
    parts = []
    for step in with_maskers(steps):
        parts.append(f"### {step.name}\n")
        exchanges = step.exchanges[:-1] if step.status == RunStatus.RUNNING else step.exchanges
        for sent, received, rejected in exchanges:
            parts.append(f"> {sent}\n{received}{'' if received.endswith(chr(10)) else chr(10)}")
            parts.append("! rejected\n" if rejected else "")
        if step.status != RunStatus.RUNNING:
            parts.append(f"### {step.name}: {_ending(step)}\n")
    return "".join(parts)


def _ending(step: StepResult) -> str:
    """Return how a step ended; a configuration that was not read, with why."""
    unread = endings.is_unread(step.kind, step.status)
    return f"{endings.NOT_READ.lower()}. {step.message}".strip() if unread else step.status


def follow(device_run: DeviceRun, start: int = 0, seconds: float = FOLLOW_SECONDS) -> Iterator[bytes]:
    """Yield the transcript from byte `start` as it grows, until the device run has ended or the time is over."""
    until = time.monotonic() + seconds
    while True:
        is_open = DeviceRun.objects.get(pk=device_run.pk).is_open
        text = transcript(device_run.steps.all().order_by("position")).encode()
        if text[start:]:
            yield text[start:]
            start = len(text)
        if not is_open or time.monotonic() > until:
            return
        time.sleep(LOOK_PAUSE_SECONDS)
