"""Indexes by which PostgreSQL finds a part of a word among millions; elsewhere they are left out."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import DatabaseError, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

#: Django's `icontains` in SQL, for text.
TEXT = 'UPPER("{}"::text)'
#: The same for addresses.
ADDRESS = 'UPPER(HOST("{}"))'


class SearchIndex(Operation):
    """Index the parts of words (trigrams) in some columns of a table: [(column, TEXT or ADDRESS)].

    Needs the extension pg_trgm, which the owner of a database may install; where he may not, searches only take longer.
    """

    reversible = True
    reduces_to_sql = False

    def __init__(self, table: str, columns: Sequence[tuple[str, str]]) -> None:
        self.table, self.columns = table, columns

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Such indexes are no part of Django's state."""

    def database_forwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Make the indexes."""
        if schema_editor.connection.vendor != "postgresql":
            return
        try:
            with transaction.atomic(schema_editor.connection.alias):
                schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        except DatabaseError:
            return
        for column, expression in self.columns:
            words = f"({expression.format(column)}) gin_trgm_ops"
            schema_editor.execute(f"CREATE INDEX {self._name(column)} ON {self.table} USING gin ({words})")

    def database_backwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop them."""
        if schema_editor.connection.vendor == "postgresql":
            for column, _ in self.columns:
                schema_editor.execute(f"DROP INDEX IF EXISTS {self._name(column)}")

    def describe(self) -> str:
        """Name the operation, for `migrate`."""
        return f"Index parts of words in {self.table}"

    def _name(self, column: str) -> str:
        return f"parts_{self.table}_{column}"
