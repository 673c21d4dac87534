"""The Celery face: each task parses its ids and calls one verb. Messages are hints; the database says what is to do."""

import os
import socket

from celery import shared_task
from django.utils import timezone

from devices.services import agents
from jobs import queue
from jobs.services import dispatching, running

#: Devices one task runs before it goes to the end of the queue, so that runs take turns.
BUDGET = 25
WORKER = f"{socket.gethostname()}:{os.getpid()}"


@shared_task(name="jobs.run_devices", bind=True)
def run_devices(self: object, run_id: int) -> None:
    """Work on the queued devices of a run; ask for another turn when there may be more."""
    name = self.request.delivery_info["routing_key"]  # type: ignore[attr-defined]
    agents.note_work(queue=name, worker=WORKER, now=timezone.now())
    if running.work_on(run_id=run_id, worker=WORKER, budget=BUDGET):
        queue.hint_run(run_id, name, 1)


@shared_task(name="jobs.tick")
def tick() -> None:
    """Start what is due; hint again what nobody has taken."""
    now = timezone.now()
    dispatching.dispatch_due(now=now)
    dispatching.hint_forgotten(now=now)


@shared_task(name="jobs.reap")
def reap() -> None:
    """End what a vanished worker left."""
    running.reap(now=timezone.now())
