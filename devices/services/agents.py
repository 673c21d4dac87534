"""Know which agents are alive."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from devices.models import Agent


def note_heartbeats(*, served: Mapping[str, str], now: datetime) -> int:
    """Note which queues are served (queue → worker); return how many agents are alive."""
    rows = list(Agent.objects.filter(queue__in=served))
    for row in rows:
        row.heartbeat_at, row.worker = now, served[row.queue][:200]
    Agent.objects.bulk_update(rows, ["heartbeat_at", "worker"])
    return len(rows)
