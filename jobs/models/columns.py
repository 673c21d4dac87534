"""Write many rows in one go: one by one, or with all that the ORM can do, they cost several times as much."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from django.db import connection
from django.db.models import AutoField, Model

Row = TypeVar("Row", bound=Model)
#: A field, its attribute, whether the database takes its values as they are.
Column = tuple[Any, str, bool]
#: Kinds of fields whose values the database takes as they are.
PLAIN = {
    "BigAutoField", "BigIntegerField", "BooleanField", "CharField", "IntegerField", "PositiveIntegerField", "TextField",
}  # fmt: skip
#: So many values are given in one statement, where the database has no smaller limit.
VALUES = 16_000


def add_rows(rows: Sequence[Row]) -> None:
    """Insert rows of one model, with as few statements as can be; they do not learn their ids."""
    if not rows:
        return
    meta = rows[0]._meta
    fields = [field for field in meta.concrete_fields if not isinstance(field, AutoField)]
    columns = _columns(fields)
    names = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    one = f"({', '.join(['%s'] * len(fields))})"
    at_once = (connection.features.max_query_params or VALUES) // len(fields)
    with connection.cursor() as cursor:
        for first in range(0, len(rows), at_once):
            some = rows[first : first + at_once]
            cursor.execute(
                f"INSERT INTO {connection.ops.quote_name(meta.db_table)} ({names}) VALUES {', '.join([one] * len(some))}",  # noqa: S608 - our own names
                [_value(row, *column) for row in some for column in columns],
            )


def write_columns(rows: Sequence[Row], names: Sequence[str]) -> None:
    """Write these columns of rows of one model, by their ids. The caller holds the rows' locks."""
    if not rows:
        return
    meta = rows[0]._meta
    columns = _columns([meta.get_field(name) for name in names])
    values = [[*(_value(row, *column) for column in columns), row.pk] for row in rows]
    table = connection.ops.quote_name(meta.db_table)
    assignments = ", ".join(f"{field.column} = %s" for field, _, _ in columns)
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {table} SET {assignments} WHERE id = %s", values)  # noqa: S608 - our own names


def _columns(fields: Iterable[Any]) -> list[Column]:
    """Return each field with its attribute and whether the database takes its values as they are."""
    return [
        (field, field.attname, getattr(field, "target_field", field).get_internal_type() in PLAIN) for field in fields
    ]


def _value(row: Model, field: Any, name: str, plain: bool) -> Any:
    return getattr(row, name) if plain else field.get_db_prep_save(field.pre_save(row, True), connection)
