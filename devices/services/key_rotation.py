"""Replace the keys of the ring: a new one in front, everything sealed anew with it, an old one dropped when nothing
needs it.

Who is killed half-way goes on where he was: what the newest key has sealed is left alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from django.apps import apps
from django.db import models, transaction

from config import key_ring, sealed_text
from config.errors import Conflict, Invalid
from devices.models import AuditHead, TenantOwned

#: So many rows are read, and sealed anew in one transaction.
ROWS = 50

Told = Callable[[str], None]
#: Rows that may hold something sealed.
Sealed = TenantOwned | AuditHead


@dataclass(frozen=True, slots=True)
class Column:
    """A column that holds something sealed: bytes, a text, or texts by name."""

    model: type[Sealed]
    name: str

    def __str__(self) -> str:
        return f"{self.model._meta.label}.{self.name}"

    def keys_of(self, value: object) -> set[str]:
        """Return the ids of the keys that a value of it needs."""
        if isinstance(value, Mapping):
            return {sealed_text.key_of(text) for text in value.values() if text}
        if isinstance(value, str):
            return {sealed_text.key_of(value)} if value else set()
        return {key_ring.key_of(bytes(value))} if value else set()  # type: ignore[call-overload]

    def renewed(self, row: Sealed) -> object:
        """Return what a row has in it, sealed with the newest key."""
        value = getattr(row, self.name)
        place = f"{row.tenant_id}|{row.sealed_row}"
        if isinstance(value, Mapping):
            return {name: sealed_text.renew(text, f"{place}|{name}") for name, text in value.items() if text}
        if isinstance(value, str):
            return sealed_text.renew(value, f"{place}|{self.name.removesuffix('_sealed')}")
        return key_ring.renew(bytes(value), row.bound_to(self.name))  # type: ignore[call-overload, union-attr]


def columns() -> list[Column]:
    """Return every column that holds something sealed: its name says so."""
    return [
        Column(model, field.name)
        for model in apps.get_models()
        if issubclass(model, TenantOwned | AuditHead)
        for field in model._meta.local_concrete_fields
        if field.name.startswith("sealed_") or field.name.endswith("_sealed")
    ]


def in_use() -> Counter[str]:
    """Count the rows that need each key (id)."""
    found: Counter[str] = Counter()
    for column in columns():
        for row in _rows(column):
            found.update(column.keys_of(getattr(row, column.name)))
    return found


def begin(tell: Told) -> None:
    """Put a new key in front of the ring, unless an earlier change of keys is not over yet."""
    with key_ring.changing() as ring:
        newest = next(iter(ring))
        if set(in_use()) - {newest}:
            tell(f"An earlier change of keys is not over; it goes on with key {newest}.")
            return
        key_id, key = key_ring.new_key()
        key_ring.replace({key_id: key, **ring})
    tell(f"Key {key_id} is new and seals from now on.")


def reseal(tell: Told) -> int:
    """Seal everything anew with the newest key; return how many rows that were."""
    total = 0
    for column in columns():
        done = 0
        for batch in _batches(column):
            done += _reseal_batch(column, batch)
            tell(f"{column}: {done} rows sealed anew.")
        total += done
    return total


def unneeded() -> list[str]:
    """Return the ids of the old keys that nothing needs."""
    needed = in_use()
    return [key_id for key_id in list(key_ring.keys())[1:] if key_id not in needed]


def drop(key_id: str) -> None:
    """Take a key out of the ring; Conflict while something needs it, Invalid where there is none of this id."""
    with key_ring.changing() as ring:
        if key_id not in ring:
            raise Invalid(f"The ring has no key '{key_id}'; it has {', '.join(ring)}.")
        if key_id == next(iter(ring)):
            raise Conflict(f"The key '{key_id}' is the newest and seals all that is stored; change keys first.")
        rows = in_use()[key_id]
        if rows:
            raise Conflict(f"{rows} values need the key '{key_id}'; seal them anew before it is dropped.")
        key_ring.replace({other: key for other, key in ring.items() if other != key_id})


def _rows(column: Column) -> Iterator[Sealed]:
    """Yield rows in order, with what their sealed values are bound to."""
    rows = column.model._default_manager.order_by("pk")
    others = [found.name for found in columns() if found.model is column.model and found.name != column.name]
    heavy = [field.name for field in column.model._meta.local_concrete_fields if isinstance(field, models.JSONField)]
    yield from rows.defer(*others, *(name for name in heavy if name != column.name)).iterator(ROWS)


def _batches(column: Column) -> Iterator[list[Sealed]]:
    """Yield the rows that another key than the newest has sealed, some at a time."""
    newest, batch = next(iter(key_ring.keys())), []
    for row in _rows(column):
        if column.keys_of(getattr(row, column.name)) - {newest}:
            batch.append(row)
        if len(batch) == ROWS:
            yield batch
            batch = []
    if batch:
        yield batch


def _reseal_batch(column: Column, batch: list[Sealed]) -> int:
    """Seal rows anew, in one transaction; what somebody changed since it was read has the newest key already."""
    with transaction.atomic():
        fresh = column.model._default_manager.select_for_update(no_key=True).order_by("pk")
        rows = cast(list[Sealed], list(fresh.filter(pk__in=[row.pk for row in batch])))
        for row in rows:
            if getattr(row, column.name):
                setattr(row, column.name, column.renewed(row))
        column.model._default_manager.bulk_update(rows, [column.name])  # type: ignore[arg-type]
    return len(rows)
