"""Same-tenant references, append-only tables and moves of a status, enforced by triggers in SQLite and PostgreSQL.

SQLite drops a table's triggers when Django rebuilds the table, and stumbles over those that refer to it. So a migration
that alters a tenant-owned table begins with `NoTenantTriggers("app")` for each app whose rows refer to the table, and
ends with `TenantTriggers("app")` for the same; a test compares the triggers that exist with the rules.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from django.apps import apps
from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor
from django.db.backends.utils import CursorWrapper
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from devices.models.tenants import TenantOwned

CONDITIONS = {
    "same": "r.tenant_id = NEW.tenant_id",
    "ancestors": "EXISTS (SELECT 1 FROM devices_tenant mine, devices_tenant theirs WHERE mine.id = NEW.tenant_id "
    "AND theirs.id = r.tenant_id AND mine.path LIKE theirs.path || '%%')",
    "subtree": "EXISTS (SELECT 1 FROM devices_tenant mine, devices_tenant theirs WHERE mine.id = NEW.tenant_id "
    "AND theirs.id = r.tenant_id AND theirs.path LIKE mine.path || '%%')",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One trigger: `table.column` refers to `target`, within `scope`; an empty column pins the tenant itself."""

    table: str
    column: str
    target: str
    target_key: str
    scope: str

    @property
    def name(self) -> str:
        """The trigger's name, unique and below PostgreSQL's 63 characters."""
        return f"tn_{self.table}_{self.column or 'pin'}"[:60]


def rules(app_label: str) -> Iterator[Rule]:
    """Yield the rules of all tenant-owned models of one app."""
    for model in apps.get_app_config(app_label).get_models():
        if not issubclass(model, TenantOwned):
            continue
        yield Rule(model._meta.db_table, "", "", "", "")
        for field in model._meta.local_fields:
            target = field.related_model if isinstance(field, models.ForeignKey) else None
            if isinstance(target, type) and issubclass(target, TenantOwned):
                yield Rule(
                    model._meta.db_table,
                    field.column or "",
                    target._meta.db_table,
                    target._meta.pk.column or "",
                    model.tenant_rules.get(field.name, "same"),
                )


class TenantTriggers(Operation):
    """Create or renew the triggers of one app; what the schema does not have yet is left to a later migration."""

    reversible = True
    reduces_to_sql = True

    def __init__(self, app_label: str) -> None:
        self.app_label = app_label

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Triggers are no part of Django's state."""

    def database_forwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Install every rule whose table and column exist."""
        connection = schema_editor.connection
        with connection.cursor() as cursor:
            tables = set(connection.introspection.table_names(cursor))
            columns = {table: _columns(cursor, table) for table in {r.table for r in rules(self.app_label)} & tables}
        for rule in rules(self.app_label):
            if rule.table in tables and (not rule.column or rule.column in columns[rule.table]):
                for statement in _statements(rule, connection.vendor):
                    schema_editor.execute(statement, params=None)

    def database_backwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Leave them: a dropped table takes its triggers along."""

    def describe(self) -> str:
        """Say what `migrate` prints."""
        return f"Install the tenant triggers of {self.app_label}"


def _columns(cursor: CursorWrapper, table: str) -> set[str]:
    """Return the columns of a table; Django's introspection of SQLite parses SQL for it, which takes seconds in all."""
    cursor.execute(f'SELECT * FROM "{table}" LIMIT 0')  # noqa: S608 - the name of one of our tables
    return {column[0] for column in cursor.description}


class NoTenantTriggers(TenantTriggers):
    """Remove the triggers of one app on SQLite, while its tables, or tables they refer to, are rebuilt."""

    def database_forwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop every trigger of the rules."""
        if schema_editor.connection.vendor == "sqlite":
            for rule in rules(self.app_label):
                for end in ("_i", "_u") if rule.column else ("",):
                    schema_editor.execute(f"DROP TRIGGER IF EXISTS {rule.name}{end}", params=None)

    def describe(self) -> str:
        """Say what `migrate` prints."""
        return f"Remove the tenant triggers of {self.app_label} while tables change"


class AppendOnly(TenantTriggers):
    """Forbid UPDATE and DELETE on one table."""

    def __init__(self, table: str) -> None:
        self.table = table

    def database_forwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Install both triggers."""
        for verb in ("UPDATE", "DELETE"):
            name = f"ao_{self.table}_{verb.lower()}"
            for statement in _refuse(
                name, self.table, verb, "TRUE", f"{self.table} is append-only", schema_editor.connection.vendor
            ):
                schema_editor.execute(statement, params=None)

    def describe(self) -> str:
        """Say what `migrate` prints."""
        return f"Make {self.table} append-only"


class StatusMoves(TenantTriggers):
    """Refuse each change of a table's `status` that its `moves` (status → those that may follow) do not have.

    How a row begins (None) is not looked at. The condition is the trigger's own, so an allowed move calls no function.
    """

    def __init__(self, table: str, moves: Mapping[str | None, Collection[str]]) -> None:
        self.table, self.moves = table, moves

    def database_forwards(
        self, app_label: str, schema_editor: Editor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Install the trigger."""
        for statement in _status_moves(self.table, self.moves, schema_editor.connection.vendor):
            schema_editor.execute(statement, params=None)

    def describe(self) -> str:
        """Say what `migrate` prints."""
        return f"Let the status of {self.table} move only as its table of moves allows"


def _status_moves(table: str, moves: Mapping[str | None, Collection[str]], vendor: str) -> list[str]:
    """Return the statements of the trigger that knows a table's moves."""
    texts = {old: ", ".join(sorted(f"'{status}'" for status in following)) for old, following in moves.items()}
    allowed = " OR ".join(
        f"OLD.status = '{old}' AND NEW.status IN ({following})"
        for old, following in texts.items()
        if old is not None and following
    )
    name, forbidden = f"sm_{table}", f"OLD.status <> NEW.status AND NOT ({allowed})"
    if vendor == "sqlite":
        return _refuse(name, table, "UPDATE OF status", forbidden, f"{table}.status must not move so", vendor)
    return [
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger AS $body$ BEGIN "
        f"RAISE EXCEPTION '{table}.status must not move from % to %', OLD.status, NEW.status "
        f"USING ERRCODE = 'integrity_constraint_violation'; END $body$ LANGUAGE plpgsql",
        f"DROP TRIGGER IF EXISTS {name} ON {table}",
        f"CREATE TRIGGER {name} BEFORE UPDATE OF status ON {table} FOR EACH ROW "
        f"WHEN ({forbidden}) EXECUTE FUNCTION {name}()",
    ]


def _statements(rule: Rule, vendor: str) -> list[str]:
    if not rule.column:
        return _refuse(
            rule.name,
            rule.table,
            "UPDATE OF tenant_id",
            "NEW.tenant_id <> OLD.tenant_id",
            "a row never changes its tenant",
            vendor,
        )
    condition = CONDITIONS[rule.scope].replace("%%", "%")
    broken = (
        f"NEW.{rule.column} IS NOT NULL AND NOT EXISTS "
        f"(SELECT 1 FROM {rule.target} r WHERE r.{rule.target_key} = NEW.{rule.column} AND {condition})"
    )
    message = f"{rule.table}.{rule.column} refers to another tenant"
    inserted = _refuse_inserted if vendor == "postgresql" else _refuse
    return inserted(f"{rule.name}_i", rule.table, "INSERT", broken, message, vendor) + _refuse(
        f"{rule.name}_u", rule.table, f"UPDATE OF {rule.column}", broken, message, vendor
    )


def _refuse_inserted(name: str, table: str, event: str, broken: str, message: str, vendor: str) -> list[str]:
    """Return the statements of a PostgreSQL trigger that looks at all rows of an INSERT at once: many rows, one
    query."""
    return [
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger AS $body$ BEGIN "
        f"IF EXISTS (SELECT 1 FROM added WHERE {broken.replace('NEW.', 'added.')}) THEN "
        f"RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NULL; END "
        f"$body$ LANGUAGE plpgsql",
        f"DROP TRIGGER IF EXISTS {name} ON {table}",
        f"CREATE TRIGGER {name} AFTER {event} ON {table} REFERENCING NEW TABLE AS added "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()",
    ]


def _refuse(name: str, table: str, event: str, broken: str, message: str, vendor: str) -> list[str]:
    """Return the statements of one trigger that refuses `event` on `table` where `broken` holds."""
    if vendor == "sqlite":
        return [
            f"DROP TRIGGER IF EXISTS {name}",
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {broken} "
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END",
        ]
    row = "OLD" if event == "DELETE" else "NEW"
    return [
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger AS $body$ BEGIN IF {broken} THEN "
        f"RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN {row}; END "
        f"$body$ LANGUAGE plpgsql",
        f"DROP TRIGGER IF EXISTS {name} ON {table}",
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
    ]
