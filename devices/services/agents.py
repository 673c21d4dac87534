"""Know which agents are alive."""

from __future__ import annotations

from datetime import datetime

from devices.models import Agent


def queues() -> list[tuple[int, str]]:
    """Return (id, queue) of every agent."""
    return list(Agent.objects.values_list("pk", "queue"))


def note_heartbeat(*, agent_id: int, worker: str, now: datetime) -> None:
    """Note that a worker answered on the agent's queue."""
    Agent.objects.filter(pk=agent_id).update(heartbeat_at=now, worker=worker)


def note_work(*, queue: str, worker: str, now: datetime) -> None:
    """Note that a worker of the queue is at work; a busy agent is not an offline one."""
    Agent.objects.filter(queue=queue).update(heartbeat_at=now, worker=worker)


def heartbeat(*, agent_id: int) -> datetime | None:
    """Return when the agent was last heard of."""
    return Agent.objects.values_list("heartbeat_at", flat=True).get(pk=agent_id)
