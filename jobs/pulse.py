"""A thread of each worker that ticks when beat has fallen silent, so that a dead beat is harmless."""

from __future__ import annotations

import logging
import threading
from typing import Any

from celery.signals import worker_ready, worker_shutting_down
from django.db import DatabaseError, close_old_connections, connection
from django.utils import timezone

from jobs.services import dispatching

log = logging.getLogger(__name__)
LOOK_EVERY = 5.0


class PulseWatch(threading.Thread):
    """Looks every few seconds whether beat is alive."""

    def __init__(self, every: float = LOOK_EVERY) -> None:
        super().__init__(name="pulse", daemon=True)
        self.every, self.stopping = every, threading.Event()

    def run(self) -> None:
        """Look until the worker stops. The connection is closed after each look: the worker may fork meanwhile."""
        while not self.stopping.wait(self.every):
            close_old_connections()
            try:
                if dispatching.tick_if_beat_is_silent(now=timezone.now()):
                    log.warning("Beat is silent; this worker did its tick.")
            except DatabaseError as error:
                log.warning("The database does not answer the scheduler: %s", error)
            finally:
                connection.close()


@worker_ready.connect
def watch(**context: Any) -> None:
    """Begin when the worker is ready."""
    thread = PulseWatch()
    worker_shutting_down.connect(lambda **_: thread.stopping.set(), weak=False)
    thread.start()
