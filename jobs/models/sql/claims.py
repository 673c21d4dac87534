"""What every claim asks and writes, many times a second: which runs have a device that could begin, and which are
held now.

Written in SQL once, because putting it together anew each time cost the worker more than talking to the devices.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import connection
from django.db.models.functions import Now

from devices.models import Tenant
from jobs.domain.states import OPEN, RunStatus
from jobs.models.jobs import ServiceJob
from jobs.models.runs import DeviceLock, DeviceRun, JobRun
from jobs.models.sql.bulk import Value, arrays, listed, unnest

READY = """SELECT 1 FROM {devices} d WHERE d.run_id = r.id AND d.status = '{queued}' AND d.wave <= r.wave
    AND (d.not_before IS NULL OR d.not_before <= %s)"""
BUSY = "(SELECT COUNT(*) FROM {devices} d WHERE d.run_id = r.id AND d.status = '{running}')"

BUSY_TENANT = "(SELECT COUNT(*) FROM {devices} d WHERE d.tenant_id = r.tenant_id AND d.status = '{running}')"
#: A row of `intend`: device run, token, how many commands were or are about to be sent, how many were answered.
Intent = tuple[int, int, int, int]
#: A row of `hold`: tenant, device run, key, slot.
Hold = tuple[int, int, str, int]


def runs_with_room(
    agents: Collection[int], now: datetime, *, only: int | None = None, most: int, skip: int = 0
) -> Sequence[JobRun]:
    """Return runs of some agents (ids) with a device that could begin now, oldest first; `busy` counts those that run.

    Left out are runs that have as many devices running as they may, and those of tenants that do (`tenant_limit`). What
    is tried again comes after what was never tried. `only` narrows to one run (id). `window_id` is the maintenance
    window's, `tenant_key` the name of the tenant in the log.
    """
    if not agents:
        return []
    moment = connection.ops.adapt_datetimefield_value(now)
    statement = f"""
        SELECT r.*, {BUSY} AS busy, t.max_parallel AS tenant_limit, t.key AS tenant_key, j.window_id AS window_id
        FROM {{runs}} r JOIN {{tenants}} t ON t.id = r.tenant_id JOIN {{jobs}} j ON j.id = r.job_id
        WHERE r.status IN ({{open}}) AND r.planned_at IS NOT NULL
            AND r.cancel_requested_at IS NULL AND r.paused_at IS NULL
            AND r.agent_id IN ({_places(agents)}) AND (t.max_parallel IS NULL OR {BUSY_TENANT} < t.max_parallel)
            {"AND r.id = %s" if only is not None else ""}
            AND EXISTS ({READY}) AND {BUSY} < r.max_parallel
        ORDER BY CASE WHEN EXISTS ({READY} AND d.tries = 0) THEN 0 ELSE 1 END, r.id
        LIMIT %s OFFSET %s"""  # noqa: S608 - our names
    names = {
        "tenants": connection.ops.quote_name(Tenant._meta.db_table),
        "jobs": connection.ops.quote_name(ServiceJob._meta.db_table),
        "runs": connection.ops.quote_name(JobRun._meta.db_table),
        "devices": connection.ops.quote_name(DeviceRun._meta.db_table),
        "open": ", ".join(f"'{status}'" for status in sorted(OPEN)),
        "queued": RunStatus.QUEUED,
        "running": RunStatus.RUNNING,
    }
    asked = [*agents, *([only] if only is not None else []), moment, moment, most, skip]
    return list(JobRun.objects.raw(statement.format(**names), asked))


def intend(rows: Sequence[Intent]) -> set[int]:
    """Store how far some device runs have come, all in one statement; return the ids of those that took it.

    It is taken while the lease runs, by the database's clock, and nobody cancelled. Rows are locked in the order of
    ids.
    """
    devices, runs = (connection.ops.quote_name(model._meta.db_table) for model in (DeviceRun, JobRun))
    now, _ = DeviceRun.objects.all().query.get_compiler(connection=connection).compile(Now())
    given, values = _given(sorted(rows), ("bigint", "integer", "integer", "integer"))
    # PostgreSQL looks up and locks one row after the other. Left to itself it reads all that run by way of their
    # leases, and with them every row that has run since it was last vacuumed.
    one = f"LATERAL (SELECT * FROM {devices} d WHERE d.id = w.id FOR NO KEY UPDATE)"  # noqa: S608 - our names
    each = one if connection.features.has_select_for_update else devices
    statement = f"""
        WITH w(id, token, intended, confirmed) AS ({given}),
            taken AS (SELECT w.id, w.intended, w.confirmed FROM w JOIN {each} d ON d.id = w.id
                AND d.token = w.token AND d.status = '{RunStatus.RUNNING}'
                AND d.lease_expires_at > {now} AND d.cancel_requested_at IS NULL
                AND NOT EXISTS (SELECT 1 FROM {runs} r WHERE r.id = d.run_id AND r.cancel_requested_at IS NOT NULL))
        UPDATE {devices} SET intended = taken.intended, confirmed = taken.confirmed
        FROM taken WHERE {devices}.id = taken.id RETURNING {devices}.id"""  # noqa: S608 - our names
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return {pk for (pk,) in cursor.fetchall()}


def anybody_waits() -> bool:
    """Say whether any device run waits in line for a device."""
    table = connection.ops.quote_name(DeviceRun._meta.db_table)
    statement = f"""SELECT 1 FROM {table} WHERE waiting_since IS NOT NULL
        AND status IN ('{RunStatus.WAITING}', '{RunStatus.QUEUED}') LIMIT 1"""  # noqa: S608 - our names
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone() is not None


def held(keys: Collection[str]) -> list[tuple[str, int, int]]:
    """Return (key, slot, device run) of the holds of some keys."""
    table = connection.ops.quote_name(DeviceLock._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT key, slot, device_run_id FROM {table} WHERE key IN ({_places(keys)})",  # noqa: S608 - our names
            [*keys],
        )
        return list(cursor.fetchall())


def hold(rows: Sequence[Hold]) -> set[tuple[str, int]]:
    """Insert holds of devices; return (key, slot) of those that were free.

    Waits for others who insert the same just now.
    """
    if not rows:
        return set()
    table = connection.ops.quote_name(DeviceLock._meta.db_table)
    given, values = _given(rows, ("bigint", "bigint", "text", "smallint"))
    statement = f"""
        INSERT INTO {table} (tenant_id, device_run_id, key, slot) {given}
        ON CONFLICT DO NOTHING RETURNING key, slot"""  # noqa: S608 - our names
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return {(key, slot) for key, slot in cursor.fetchall()}


def free(device_runs: Collection[int]) -> None:
    """Remove what device runs (ids) hold."""
    table = connection.ops.quote_name(DeviceLock._meta.db_table)
    if device_runs:
        with connection.cursor() as cursor:
            statement = f"DELETE FROM {table} WHERE device_run_id IN ({_places(device_runs)})"  # noqa: S608 - our names
            cursor.execute(statement, [*device_runs])


def _given(rows: Sequence[Sequence[Value]], kinds: Sequence[str]) -> tuple[str, list[Value]]:
    """Return what gives some rows of these types within a statement, and its parameters."""
    if connection.vendor == "postgresql":
        return f"SELECT * FROM {unnest(kinds)}", [*arrays(rows, kinds)]  # noqa: S608 - our own types
    return listed(rows)


def _places(values: Collection[object]) -> str:
    return ", ".join(["%s"] * len(values))
