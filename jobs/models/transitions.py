"""The only place that moves the status of a run or a device run. What may follow what stands in `jobs.domain.states`,
and the database refuses everything else.

Every change is a compare-and-set: it moves the rows that are still in the status it takes them out of, and says which.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.sql import UpdateQuery

from jobs.domain.states import DEVICE_MOVES, RUN_MOVES, ForbiddenMove, Moves, RunStatus, check_move
from jobs.models.runs import DeviceRun, JobRun
from jobs.models.sql.bulk import add_rows, write_columns

MOVES: Mapping[type[Model], Moves] = {JobRun: RUN_MOVES, DeviceRun: DEVICE_MOVES}
Run = TypeVar("Run", JobRun, DeviceRun)


class Move(NamedTuple, Generic[Run]):
    """A row, the status that it is taken out of, and the one that it gets."""

    row: Run
    of: RunStatus
    to: RunStatus


def transition(rows: QuerySet[Run], *, of: Iterable[RunStatus], to: RunStatus, **columns: object) -> set[int]:
    """Move those of some rows that are in one of the statuses `of` to another, with further columns; return their ids.

    One UPDATE. `rows` may say more of the rows, such as a fencing token: what does not fit any more is left alone.
    ForbiddenMove, before anything is asked of the database, where the table has no such move.
    """
    statuses = list(of)
    for status in statuses:
        check_move(MOVES[rows.model], status, to)
    # Any: how Django makes an UPDATE of a query is not public.
    query: Any = rows.filter(status__in=statuses).order_by().query.chain(UpdateQuery)
    query.add_update_values({"status": to, **columns})
    try:
        statement, values = query.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:  # no id was given
        return set()
    meta = rows.model._meta
    names = (connection.ops.quote_name(name) for name in (meta.db_table, meta.pk.column or ""))
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} RETURNING {'.'.join(names)}", values)
        return {pk for (pk,) in cursor.fetchall()}


def transition_each(moves: Sequence[Move[Run]], columns: Sequence[str]) -> None:
    """Move each row from a status to one of its own, and write these further columns of it; it then says where it is.

    As few statements as can be. The caller has locked the rows and read them since, so none can have moved meanwhile:
    ForbiddenMove where one has, and where the table has no such move. One that stays where it is (a run that is planned
    stays queued) only gets its columns.
    """
    for row, of, to in moves:
        if of != to:
            check_move(MOVES[type(row)], of, to)
        row.status = to
    rows = [move.row for move in moves]
    if write_columns(rows, ("status", *columns), was=("status", [move.of for move in moves])) != len(rows):
        raise ForbiddenMove("A row was moved by somebody else, although this worker had locked it.")


def enter(rows: Iterable[Run], to: RunStatus) -> None:
    """Let rows in memory say what `transition` has just made of them in the database."""
    for row in rows:
        row.status = to


def add(rows: Sequence[Run]) -> None:
    """Insert new rows, each in a status in which one may begin; ForbiddenMove otherwise."""
    for status in {row.status for row in rows}:
        check_move(MOVES[type(rows[0])], None, status)
    add_rows(rows)
