"""Hand work to Celery by task name, after commit. A message is a hint: when the broker is down, the tick finds the work."""

from __future__ import annotations

import logging

from django.db import transaction
from kombu.exceptions import OperationalError

from config.celery import app

log = logging.getLogger(__name__)
#: A worker process works on this many devices of a run at a time; so many processes are worth waking, at most.
DEVICES_PER_HINT, HINTS = 25, 8


def hint_run(run_id: int, queue: str, devices: int) -> None:
    """After commit, tell the agent's workers that the run has so many queued devices."""
    hints = max(1, min(-(-devices // DEVICES_PER_HINT), HINTS))
    transaction.on_commit(lambda: _send(run_id, queue, hints))


def _send(run_id: int, queue: str, hints: int) -> None:
    try:
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=2)
            with app.amqp.Producer(connection) as producer:
                for _ in range(hints):
                    app.send_task("jobs.run_devices", args=[run_id], queue=queue, producer=producer, retry=False)
    except (OperationalError, OSError, ConnectionError):
        log.warning("The broker did not take the hint for run %s; the next tick will find it.", run_id)
