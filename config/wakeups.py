"""Hand work to Celery by task name, after commit.

A message is a wakeup: when the broker is down, a later look finds the work.

A thread of each process sends them, so that nobody ever waits for a broker that hangs.
"""

from __future__ import annotations

import atexit
import logging
import os
import queue
import threading

from django.db import transaction
from kombu.exceptions import OperationalError

from config.celery import app
from config.failpoints import failpoint

log = logging.getLogger(__name__)
#: A pooled connection may have died since; a second try opens a new one.
ONCE_MORE = {"max_retries": 1, "interval_start": 0, "interval_step": 0}
#: The queue of the central workers.
DEFAULT = "celery"
#: So many batches wait for a broker that hangs; further ones are dropped, which costs a few seconds of latency.
MOST_WAITING_BATCHES = 200
#: At the end of a process the last ones get so long.
EXIT_WAIT_SECONDS = 1.0

#: One message: task name, arguments, queue.
Message = tuple[str, list[int], str]


class _Sender:
    """The waiting messages of one process and the thread that sends them; a forked process makes its own."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.waiting: queue.Queue[list[Message]] = queue.Queue(MOST_WAITING_BATCHES)
        self.idle = threading.Event()
        threading.Thread(target=self._run, name="wakeups", daemon=True).start()
        atexit.register(self.idle.wait, EXIT_WAIT_SECONDS)

    def put(self, messages: list[Message]) -> None:
        """Take messages to be sent."""
        self.idle.clear()
        try:
            self.waiting.put_nowait(messages)
        except queue.Full:
            words = "The broker takes no wakeups; a later look will find the work."
            log.warning(words, extra={"action": "wakeup.dropped", "wakeups": len(messages)})

    def _run(self) -> None:
        while True:
            deliver(self.waiting.get())
            if self.waiting.empty():
                self.idle.set()


_senders: list[_Sender] = []
_lock = threading.Lock()


def after_commit(messages: list[Message]) -> None:
    """Send messages when the transaction is committed."""
    if messages:
        transaction.on_commit(lambda: send(messages))


def send(messages: list[Message]) -> None:
    """Have messages sent; returns at once."""
    failpoint("tick_committed")
    with _lock:
        if not _senders or _senders[-1].pid != os.getpid():
            _senders[:] = [_Sender()]
    _senders[-1].put(messages)


def deliver(messages: list[Message]) -> None:
    """Send now; a broker that does not take them is only noted."""
    try:
        with app.producer_pool.acquire(block=True, timeout=5) as producer:
            for task, arguments, name in messages:
                app.send_task(task, args=arguments, queue=name, producer=producer, retry=True, retry_policy=ONCE_MORE)
        failpoint("wakeup_sent")
    except (OperationalError, OSError, ConnectionError):
        words = "The broker did not take %s wakeups; a later look will find the work."
        log.warning(words, len(messages), extra={"action": "wakeup.refused", "wakeups": len(messages)})
