"""The Celery face: each task parses its ids and calls one verb. Messages are hints; the database says what is to do."""

import os
import socket

from celery import shared_task
from django.utils import timezone

from jobs import pulse  # noqa: F401 - connects the worker's watch over beat
from jobs.services import dispatching, running, starting
from jobs.services.threads import Threads

WORKER = f"{socket.gethostname()}:{os.getpid()}"
#: The threads of this worker process that talk to devices, shared by all runs it works on.
POOL = Threads(128)


@shared_task(name="jobs.run_devices")
def run_devices(run_id: int) -> None:
    """Work on the queued devices of a run until none is left to claim."""
    running.work_on(run_id=run_id, worker=WORKER, pool=POOL)


@shared_task(name="jobs.tick")
def tick() -> None:
    """Turn what is due into runs; hint again what nobody has taken."""
    now = timezone.now()
    dispatching.beat_ticked(now=now)
    dispatching.tick(now=now)


@shared_task(name="jobs.start_runs")
def start_runs() -> None:
    """Decide about the runs that the tick made, and plan them."""
    starting.start_queued()


@shared_task(name="jobs.reap")
def reap() -> None:
    """End what a vanished worker left."""
    running.reap(now=timezone.now())
