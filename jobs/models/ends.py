"""The statement that ends device runs, for a whole batch: rows one by one cost several times as much."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from jobs.models.runs import DeviceRun

COLUMNS = (
    "status",
    "reason",
    "message",
    "ended_at",
    "confirmed",
    "intended",
    "lease_expires_at",
    "snapshot_before_id",
    "snapshot_after_id",
)


def write_ends(rows: Sequence[DeviceRun]) -> None:
    """Write how device runs ended, the columns of `COLUMNS`, by their ids. The caller holds the rows' locks."""
    if not rows:
        return
    fields = [DeviceRun._meta.get_field(name.removesuffix("_id")) for name in COLUMNS]
    values = [
        [*(field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields), row.pk] for row in rows
    ]
    table = connection.ops.quote_name(DeviceRun._meta.db_table)
    assignments = ", ".join(f"{field.column} = %s" for field in fields)
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {table} SET {assignments} WHERE id = %s", values)  # noqa: S608 - our own names
