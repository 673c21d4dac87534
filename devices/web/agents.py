"""Agents: who serves each, since when nobody does, and what it is working on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.http import HttpResponse
from django.utils import timezone
from django.utils.html import format_html_join

from config import env, lists
from config.lists import Column, Listing
from config.requests import Request
from config.ui import ago, pill
from devices import selectors
from devices.models import Agent, Worker
from devices.services import inventory
from devices.web.forms import AgentForm
from devices.web.resource import Resource
from devices.web.scope import TENANT, within

AGENTS = Resource(
    "agents",
    "agent",
    AgentForm,
    selectors.visible_agents,
    inventory.save_agent,
    lambda a: {"name": a.name, "draining": a.draining, "max_parallel": a.max_parallel},
)


def agents(request: Request) -> HttpResponse:
    """The agent list: who serves each, since when nobody does, and what it is working on."""
    now = timezone.now()
    serving = selectors.serving(now)
    columns = (
        Column("Name", AGENTS.link, sort="name", css="strong"),
        TENANT,
        Column("Queue", lambda a: a.queue, css="mono nowrap"),
        Column("State", lambda a: _agent_state(a, now)),
        Column("Workers", lambda a: _workers(serving.get(a.queue, ())), css="nowrap"),
        Column("Devices now", lambda a: sum(w.active for w in serving.get(a.queue, ())), num=True),
        Column("At most", lambda a: a.max_parallel or "—", num=True),
        Column("Last heartbeat", lambda a: ago(a.heartbeat_at), sort="heartbeat_at"),
    )
    listing = Listing(
        title="Agents",
        columns=columns,
        search=("name",),
        empty="No agent yet.",
        order="name",
        **AGENTS.new_button(request),
        intro="An agent runs jobs: worker processes that serve its queue, on any host. Start one with "
        f"'{env.COMMAND} work QUEUE'.",
    )
    return lists.show(request, within(request, selectors.visible_agents(request.user)), listing)


def _workers(rows: Iterable[Worker]) -> str:
    """The workers with their versions."""
    lines = ((worker.name, worker.version) for worker in rows)
    return format_html_join("", '{} <span class="quiet">{}</span><br>', lines) or "—"


def _agent_state(agent: Agent, now: datetime) -> str:
    if not agent.is_online(now):
        return pill("off", "Offline", "fail")
    return pill("drain", "Draining", "warn") if agent.draining else pill("on", "Online", "ok")
