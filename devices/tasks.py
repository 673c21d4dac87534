"""The Celery face of agents: call each on its own queue, note who answers."""

import os
import socket

from celery import shared_task
from django.utils import timezone

from config.celery import app
from devices.services import agents


@shared_task(name="devices.call_agents")
def call_agents() -> None:
    """Send one call to every agent's queue; a worker that serves the queue answers by running it."""
    for agent_id, queue in agents.queues():
        app.send_task("devices.answer_call", args=[agent_id], queue=queue, expires=20, retry=False)


@shared_task(name="devices.answer_call")
def answer_call(agent_id: int) -> None:
    """Note that a worker on this agent's queue is alive."""
    agents.note_heartbeat(agent_id=agent_id, worker=f"{socket.gethostname()}:{os.getpid()}", now=timezone.now())
