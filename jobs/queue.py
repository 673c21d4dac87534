"""Hand work to Celery by task name, after commit. A message is a hint: when the broker is down, the tick finds the work."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.db import transaction
from kombu.exceptions import OperationalError

from config.celery import app

log = logging.getLogger(__name__)
#: A worker process works on this many devices of a run at a time; so many processes are worth waking, at most.
DEVICES_PER_HINT, HINTS = 25, 8
#: A worker process starts runs until none is left; one message for so many runs wakes enough of them.
RUNS_PER_HINT = 250

#: A pooled connection may have died since; a second try opens a new one.
ONCE_MORE = {"max_retries": 1, "interval_start": 0, "interval_step": 0}

#: A run that has queued devices: its id, its agent's queue, how many devices.
Hint = tuple[int, str, int]
#: One message: task name, arguments, queue.
Message = tuple[str, list[int], str]


def hint_runs(runs: Sequence[Hint]) -> None:
    """After commit, tell the agents' workers which runs have queued devices."""
    messages: list[Message] = []
    for run_id, queue, devices in runs:
        messages += [("jobs.run_devices", [run_id], queue)] * max(1, min(-(-devices // DEVICES_PER_HINT), HINTS))
    _after_commit(messages)


def hint_start(runs: int) -> None:
    """After commit, tell the workers that so many runs are to be started."""
    count = max(1, min(-(-runs // RUNS_PER_HINT), HINTS))
    _after_commit([("jobs.start_runs", [], app.conf.task_default_queue)] * count)


def _after_commit(messages: list[Message]) -> None:
    if messages:
        transaction.on_commit(lambda: _send(messages))


def _send(messages: list[Message]) -> None:
    try:
        with app.producer_pool.acquire(block=True, timeout=5) as producer:
            for task, arguments, queue in messages:
                app.send_task(task, args=arguments, queue=queue, producer=producer, retry=True, retry_policy=ONCE_MORE)
    except (OperationalError, OSError, ConnectionError):
        log.warning("The broker did not take %s hints; the next tick will find the work.", len(messages))
