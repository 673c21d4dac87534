"""The Celery face of agents and messages."""

from celery import shared_task
from django.utils import timezone

from config.celery import app
from devices.services import agents, outbox

#: How long (seconds) workers have to answer.
PATIENCE = 3.0


@shared_task(name="devices.call_agents")
def call_agents() -> None:
    """Call all workers at once; an agent is alive when one of them serves its queue. Nothing piles up for a silent one."""
    note_who_answers(PATIENCE)


def note_who_answers(timeout: float, workers: int | None = None) -> int:
    """Call, wait for `workers` answers or the time (seconds), note them; return how many workers answered."""
    replies = app.control.inspect(timeout=timeout, limit=workers).active_queues() or {}
    served = {queue["name"]: worker for worker, queues in replies.items() for queue in queues}
    agents.note_heartbeats(served=served, now=timezone.now())
    return len(replies)


@shared_task(name="devices.deliver")
def deliver() -> None:
    """Send what waits in the outbox."""
    outbox.deliver(now=timezone.now())
