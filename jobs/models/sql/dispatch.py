"""The two statements of the scheduler's tick, each for a whole batch: rows one by one would cost ten times as much."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Model

from jobs.domain.states import RunStatus
from jobs.models.jobs import ServiceJob
from jobs.models.runs import JobRun
from jobs.models.sql.bulk import Value
from jobs.models.triggers import Trigger
from templates_app.models import ServiceTemplate, TemplateVersion


@dataclass(frozen=True, slots=True)
class Due:
    """One due occurrence of a trigger (id) of a job (id); with a `reason` it is not to run."""

    trigger: int
    job: UUID
    at: datetime
    reason: str = ""


def insert_runs(rows: Sequence[Due], now: datetime) -> int:
    """Make a run of each occurrence, in order, with what history copies from the job; return how many were new.

    One that has its run already is left alone, and so is a deleted job.
    """
    if not rows:
        return 0
    moment = _adapted(now)
    given = [[row.trigger, _key(row.job), _adapted(row.at), row.reason[:500]] for row in rows]
    statement = f"""
        INSERT INTO {_table(JobRun)} (
            tenant_id, job_id, trigger_id, scheduled_for, job_name, job_type, network_names, template_name,
            template_version, agent_id, executed_by_id, bypass, digest, max_parallel, in_queue, device_count,
            rollout, wave, pause_reason,
            reason, status, created_at, planned_at, ended_at)
        SELECT job.tenant_id, job.id, due.trigger_id, due.at, job.name, job.job_type, '', template.name,
            version.number, job.agent_id, job.created_by_id, '', '', job.max_parallel, job.in_queue, 0,
            job.rollout, 0, '',
            due.reason, CASE due.reason WHEN '' THEN '{RunStatus.QUEUED}' ELSE '{RunStatus.SKIPPED}' END, %s,
            CASE due.reason WHEN '' THEN NULL ELSE %s END, CASE due.reason WHEN '' THEN NULL ELSE %s END
        FROM {_rows(trigger_id="bigint", job_id="uuid", at="timestamptz", reason="text")}
        JOIN {_table(ServiceJob)} job ON job.id = due.job_id
        JOIN {_table(ServiceTemplate)} template ON template.id = job.template_id
        JOIN {_table(TemplateVersion)} version ON version.id = job.version_id
        WHERE job.deleted_at IS NULL
        ORDER BY due.at, due.trigger_id
        ON CONFLICT DO NOTHING"""  # noqa: S608 - the names are our own tables'
    with connection.cursor() as cursor:
        cursor.execute(statement, [moment, moment, moment, json.dumps(given, default=str)])
        return cursor.rowcount


def move_triggers(nexts: Sequence[tuple[int, datetime | None]]) -> None:
    """Write when each trigger (id) fires next; None when it never does again."""
    if not nexts:
        return
    given = [[pk, at and _adapted(at)] for pk, at in nexts]
    statement = f"""
        UPDATE {_table(Trigger)} SET next_run_at = due.at FROM {_rows(id="bigint", at="timestamptz")}
        WHERE {_table(Trigger)}.id = due.id"""  # noqa: S608 - the names are our own tables'
    with connection.cursor() as cursor:
        cursor.execute(statement, [json.dumps(given, default=str)])


def _rows(**columns: str) -> str:
    """Return the FROM item `due` that reads one JSON parameter, a list of rows, with these columns (and their
    types)."""
    if connection.vendor == "postgresql":
        parts = [f"(row->>{n})::{kind} AS {name}" for n, (name, kind) in enumerate(columns.items())]
        return f"(SELECT {', '.join(parts)} FROM json_array_elements(%s::json) AS given(row)) AS due"
    parts = [f"json_extract(value, '$[{n}]') AS {name}" for n, name in enumerate(columns)]
    return f"(SELECT {', '.join(parts)} FROM json_each(%s)) AS due"


def _adapted(moment: datetime) -> Value:
    return connection.ops.adapt_datetimefield_value(moment)


def _key(job: UUID) -> Value:
    return ServiceJob._meta.pk.get_db_prep_value(job, connection)


def _table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)
