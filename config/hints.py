"""Hand work to Celery by task name, after commit. A message is a hint: when the broker is down, a later look finds the work."""

from __future__ import annotations

import logging

from django.db import transaction
from kombu.exceptions import OperationalError

from config.celery import app
from config.failpoints import reach

log = logging.getLogger(__name__)
#: A pooled connection may have died since; a second try opens a new one.
ONCE_MORE = {"max_retries": 1, "interval_start": 0, "interval_step": 0}
#: The queue of the central workers.
DEFAULT = "celery"

#: One message: task name, arguments, queue.
Message = tuple[str, list[int], str]


def after_commit(messages: list[Message]) -> None:
    """Send messages when the transaction is committed."""
    if messages:
        transaction.on_commit(lambda: send(messages))


def send(messages: list[Message]) -> None:
    """Send now; a broker that does not take them is only noted."""
    reach("S3")
    try:
        with app.producer_pool.acquire(block=True, timeout=5) as producer:
            for task, arguments, queue in messages:
                app.send_task(task, args=arguments, queue=queue, producer=producer, retry=True, retry_policy=ONCE_MORE)
        reach("S4")
    except (OperationalError, OSError, ConnectionError):
        log.warning("The broker did not take %s hints; a later look will find the work.", len(messages))
