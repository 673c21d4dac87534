"""The Celery face: a message wakes the engine or calls one verb.

Messages are wakeups; the database says what is to do.
"""

from __future__ import annotations

import gc
import time
from typing import Any

from celery import shared_task
from celery.signals import worker_ready, worker_shutdown, worker_shutting_down
from django.conf import settings
from django.utils import timezone

from config.one_at_a_time import OneAtATime
from jobs.dispatch import dispatcher, starter
from jobs.worker.engine import Engine

#: The engine of this worker process, from when it is ready.
ENGINES: list[Engine] = []
#: Seconds between two ticks of beat, with something to spare.
TICK = 1.1


def dispatch_next() -> None:
    """Wait for what falls due before beat ticks again, and make its runs on time."""
    seconds = dispatcher.seconds_to_next(now=timezone.now(), most=TICK)
    if seconds is not None:
        time.sleep(seconds)
        dispatcher.dispatch_due(now=timezone.now())


PLAN = OneAtATime(starter.start_queued)
NEXT = OneAtATime(dispatch_next)


@shared_task(name="jobs.work")
def work() -> None:
    """There are devices to be worked on."""
    for engine in ENGINES:
        engine.wake()


@shared_task(name="jobs.tick")
def tick() -> None:
    """Turn what is due into runs; wake again for what nobody has taken."""
    now = timezone.now()
    dispatcher.beat_ticked(now=now)
    dispatcher.tick(now=now)
    NEXT()


@shared_task(name="jobs.start_runs")
def start_runs() -> None:
    """Decide about the runs that the tick made, and plan them."""
    PLAN()


@worker_ready.connect
def begin(sender: Any, **context: object) -> None:  # Any: Celery's worker, which has no types
    """Start the engine when the worker is ready, for the agents whose queues it consumes."""
    queues = [name for name in sender.app.amqp.queues.consume_from if name.startswith("agent.")]
    # What is there now stays: to look through it again and again would stop all threads for a sixth of a second each
    # time.
    gc.collect()
    gc.freeze()
    engine = Engine(queues)
    ENGINES.append(engine)
    engine.start()


@worker_shutting_down.connect
def drain(**context: object) -> None:
    """Begin no further device."""
    for engine in ENGINES:
        engine.stopping.set()


@worker_shutdown.connect
def end(**context: object) -> None:
    """Let devices that run come to their end for a while."""
    for engine in ENGINES:
        engine.stop(settings.STOP_SECONDS)
