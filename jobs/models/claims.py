"""The question of every claim, asked many times a second: which runs have a device that could begin? Written in SQL once,
because putting it together anew each time cost the worker more than talking to the devices."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import connection

from jobs.domain.states import OPEN, RunStatus
from jobs.models.runs import DeviceRun, JobRun

READY = """SELECT 1 FROM {devices} d WHERE d.run_id = r.id AND d.status = '{queued}' AND d.wave <= r.wave
    AND (d.not_before IS NULL OR d.not_before <= %s)"""
BUSY = "(SELECT COUNT(*) FROM {devices} d WHERE d.run_id = r.id AND d.status = '{running}')"


def runs_with_room(
    agents: Collection[int],
    now: datetime,
    *,
    without: Collection[int] = (),
    only: int | None = None,
    most: int,
    skip: int = 0,
) -> Sequence[JobRun]:
    """Return runs of some agents (ids) with a device that could begin now, oldest first; `busy` counts those that run.

    Left out are runs of the tenants `without` (ids), and runs that have as many devices running as they may. What is tried
    again comes after what was never tried. `only` narrows to one run (id).
    """
    if not agents:
        return []
    moment = connection.ops.adapt_datetimefield_value(now)
    statement = f"""
        SELECT r.*, {BUSY} AS busy FROM {{runs}} r
        WHERE r.status IN ({{open}}) AND r.planned_at IS NOT NULL AND r.cancel_requested_at IS NULL AND r.paused_at IS NULL
            AND r.agent_id IN ({_places(agents)}) {f"AND r.tenant_id NOT IN ({_places(without)})" if without else ""}
            {"AND r.id = %s" if only is not None else ""}
            AND EXISTS ({READY}) AND {BUSY} < r.max_parallel
        ORDER BY CASE WHEN EXISTS ({READY} AND d.tries = 0) THEN 0 ELSE 1 END, r.id LIMIT %s OFFSET %s"""  # noqa: S608 - our names
    names = {
        "runs": connection.ops.quote_name(JobRun._meta.db_table), "devices": connection.ops.quote_name(DeviceRun._meta.db_table),
        "open": ", ".join(f"'{status}'" for status in sorted(OPEN)), "queued": RunStatus.QUEUED, "running": RunStatus.RUNNING,
    }  # fmt: skip
    asked = [*agents, *without, *([only] if only is not None else []), moment, moment, most, skip]
    return list(JobRun.objects.raw(statement.format(**names), asked))


def _places(values: Collection[int]) -> str:
    return ", ".join(["%s"] * len(values))
