"""Figures of the first page: counts, the last days' outcomes, what needs a person."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Count, QuerySet
from django.db.models.functions import Left, TruncDate
from django.utils import timezone

from devices import selectors as inventory
from jobs import selectors
from jobs.domain.endings import has_warning
from jobs.domain.states import OPEN, RunStatus
from jobs.models import JobRun

BAD_STATUSES = [RunStatus.FAILED, RunStatus.ERRORED, RunStatus.INTERRUPTED]
#: The chart of the last days: how many, and its measures in SVG units.
CHART_DAYS = 14
CHART_COLUMN_WIDTH = 40
CHART_HEIGHT = 120


def figures(user: User, runs: QuerySet[JobRun]) -> dict[str, object]:
    """Return all that the dashboard shows."""
    now = timezone.now()
    day = runs.filter(created_at__gte=now - timedelta(days=1))
    bad = day.filter(status__in=[*BAD_STATUSES, RunStatus.PARTIAL])
    agents = list(inventory.visible_agents(user))
    return {
        "running": runs.filter(status__in=OPEN).count(),
        "bad": bad.count(),
        "good": day.filter(status=RunStatus.SUCCEEDED).count(),
        "devices": inventory.visible_devices(user).count(),
        "offline": [agent for agent in agents if not agent.is_online(now)],
        "open_runs": selectors.with_counts(runs.filter(status__in=OPEN))[:8],
        "bad_runs": selectors.with_counts(bad | selectors.with_warning(day))[:8],
        "bars": _bars(runs, now),
        "chart_width": CHART_DAYS * CHART_COLUMN_WIDTH,
    }


def _bars(runs: QuerySet[JobRun], now: datetime) -> list[dict[str, object]]:
    """One bar per day: ok, warn (partial, or with a warning), fail and idle (skipped, cancelled) stacked from the
    bottom, in SVG units."""
    first = now.date() - timedelta(days=CHART_DAYS - 1)
    rows = runs.filter(created_at__date__gte=first).order_by().annotate(day=TruncDate("created_at"))
    rows = rows.annotate(text=Left("reason", 1))
    counts: dict[date, dict[str, int]] = {}
    for day, status, text, number in rows.values_list("day", "status", "text").annotate(n=Count("pk")):
        is_warned = status == RunStatus.PARTIAL or has_warning(status, text)
        kind = "warn" if is_warned else {"succeeded": "ok"}.get(status, "fail" if status in BAD_STATUSES else "idle")
        bucket = counts.setdefault(day, {})
        bucket[kind] = bucket.get(kind, 0) + number
    top = max((sum(c.values()) for c in counts.values()), default=0) or 1
    bars = []
    for index in range(CHART_DAYS):
        day = first + timedelta(days=index)
        y, parts = float(CHART_HEIGHT), []
        for kind in ("ok", "warn", "fail", "idle"):
            size = counts.get(day, {}).get(kind, 0) / top * (CHART_HEIGHT - 10)
            y -= size
            if size:
                parts.append({"kind": kind, "y": round(y, 1), "height": round(size, 1)})
        bars.append(
            {
                "x": index * CHART_COLUMN_WIDTH + 8,
                "middle": index * CHART_COLUMN_WIDTH + 20,
                "day": day,
                "parts": parts,
                "counts": counts.get(day, {}),
            }
        )
    return bars
