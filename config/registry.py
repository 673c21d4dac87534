"""Tables of things by their key, put together at import: what is given twice is refused instead of shadowed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def by_key(word: str, rows: Iterable[T], key: Callable[[T], str]) -> dict[str, T]:
    """Return the rows by their key, in the order given; ValueError when two have the same, naming it.

    `word` says in that sentence what the rows are, for example `platform`.
    """
    found: dict[str, T] = {}
    for row in rows:
        if key(row) in found:
            raise ValueError(f"The {word} '{key(row)}' is given twice; give each one a key of its own.")
        found[key(row)] = row
    return found
