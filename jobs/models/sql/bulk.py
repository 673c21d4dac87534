"""Write many rows in one go: one by one, or with all that the ORM can do, they cost several times as much."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias, TypeVar

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import AutoField, Field, Model
from django.db.models.options import Options

Row = TypeVar("Row", bound=Model)
Value: TypeAlias = Any  # Any: a value of any column, as the database takes it
Column: TypeAlias = "Field[object, object]"
#: Kinds of fields whose values the database takes as they are.
PLAIN = {
    "BigAutoField",
    "BigIntegerField",
    "BooleanField",
    "CharField",
    "IntegerField",
    "PositiveIntegerField",
    "TextField",
}


def add_rows(rows: Sequence[Row]) -> None:
    """Insert rows of one model, with as few statements as can be; they do not learn their ids."""
    if not rows:
        return
    meta = rows[0]._meta
    fields = [field for field in meta.concrete_fields if not isinstance(field, AutoField) and _is_given(field, rows)]
    table = connection.ops.quote_name(meta.db_table)
    fields, values = _values(fields, rows)
    names = ", ".join(connection.ops.quote_name(field.column or "") for field in fields)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with connection.wrap_database_errors, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as stream:
                for row in values:
                    stream.write_row(row)
        else:
            _insert(cursor, f"INSERT INTO {table} ({names})", values)


def _insert(cursor: CursorWrapper, into: str, rows: list[list[Value]]) -> None:
    """Insert as many rows with a statement as it may have parameters."""
    at_once = (connection.features.max_query_params or 1000) // len(rows[0])
    for first in range(0, len(rows), at_once):
        given, values = listed(rows[first : first + at_once])
        cursor.execute(f"{into} {given}", values)


def listed(rows: Sequence[Sequence[Value]]) -> tuple[str, list[Value]]:
    """Return what gives rows of the same length within a statement, one place for each value, and its parameters."""
    one = f"({', '.join(['%s'] * len(rows[0]))})"
    return f"VALUES {', '.join([one] * len(rows))}", [value for row in rows for value in row]


def write_columns(rows: Sequence[Row], names: Sequence[str], was: tuple[str, Sequence[str]] | None = None) -> int:
    """Write these columns of rows of one model, by their ids; return how many. The caller holds the rows' locks.

    With `was`, a column of text and what each row must still have in it, the others are left alone.
    """
    if not rows:
        return 0
    meta = rows[0]._meta
    fields, values = _values([_field(meta, name) for name in names], rows)
    values = [[*given, row.pk] for given, row in zip(values, rows, strict=True)]
    guard = ""
    if was:
        guard = connection.ops.quote_name(_field(meta, was[0]).column or "")
        values = [[*given, had] for given, had in zip(values, was[1], strict=True)]
    table = connection.ops.quote_name(meta.db_table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # which reads and plans each statement anew
            kinds = ["text" if _is_text(field) else field.db_type(connection) or "" for field in fields]
            kinds += ["bigint", *(["text"] if guard else [])]
            cursor.execute(_in_one(table, fields, kinds, guard), arrays(values, kinds))
        else:
            assignments = ", ".join(f"{connection.ops.quote_name(field.column or '')} = %s" for field in fields)
            still = f" AND {guard} = %s" if guard else ""
            statement = f"UPDATE {table} SET {assignments} WHERE id = %s{still}"  # noqa: S608 - our own names
            cursor.executemany(statement, values)
        return cursor.rowcount


def arrays(rows: Sequence[Sequence[Value]], kinds: Sequence[str]) -> list[list[Value]]:
    """Return rows as columns, for PostgreSQL's `unnest`: to read thousands of places in a statement takes its client
    long."""
    columns = zip(*rows, strict=True)
    return [
        [value if value is None or kind != "text" else str(value) for value in column]
        for column, kind in zip(columns, kinds, strict=True)
    ]


def unnest(kinds: Sequence[str]) -> str:
    """Return what gives `arrays` back as rows."""
    return f"unnest({', '.join(f'%s::{kind}[]' for kind in kinds)})"


def _in_one(table: str, fields: Sequence[Column], kinds: Sequence[str], guard: str) -> str:
    names = [connection.ops.quote_name(field.column or "") for field in fields]
    assignments = ", ".join(f"{name} = v.{name}" for name in names)
    given = ", ".join([*names, "id", *(["was"] if guard else [])])
    still = f" AND {table}.{guard} = v.was" if guard else ""
    return (
        f"UPDATE {table} SET {assignments} "  # noqa: S608 - our own names
        f"FROM {unnest(kinds)} AS v({given}) WHERE {table}.id = v.id{still}"
    )


def _field(meta: Options[Row], name: str) -> Column:
    found = meta.get_field(name)
    assert isinstance(found, Field)
    return found


def _is_text(field: Column) -> bool:
    """Say whether a value would be cut if it were made to fit the field."""
    return field.get_internal_type() in ("CharField", "TextField")


def _values(fields: Sequence[Column], rows: Sequence[Model]) -> tuple[list[Column], list[list[Value]]]:
    """Return the fields, in another order, and what each row has in them, as the database takes it."""
    plain = [field for field in fields if getattr(field, "target_field", field).get_internal_type() in PLAIN]
    made = [field for field in fields if field not in plain]
    names = [field.attname for field in plain]
    found = [
        [getattr(row, name) for name in names] + [f.get_db_prep_save(f.pre_save(row, True), connection) for f in made]
        for row in rows
    ]
    return [*plain, *made], found


def _is_given(field: Column, rows: Sequence[Model]) -> bool:
    """Say whether a row has something in a field: what no row has is NULL anyway."""
    return not field.null or any(getattr(row, field.attname) is not None for row in rows)
