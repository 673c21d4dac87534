"""A comparison of two configurations as the pages show it: in one column, or in two (`?view=side`); without what
changes by itself, or with it (`?ignored=show`)."""

from __future__ import annotations

from dataclasses import dataclass

from config.requests import Request
from devices.domain import configs
from devices.models import ConfigSnapshot
from devices.services.snapshots import compared

#: What `?ignored=` is for who wants to see what changes by itself among the differences.
SHOW = "show"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What `components/diff.html` shows.

    `ignored` are the lines that differ and count as no difference; `other` and `switch` are the queries of the other
    form and of the comparison with or without them.
    """

    side: bool
    lines: list[tuple[str, str]]
    pairs: list[configs.Pair]
    ignored: list[tuple[str, str]]
    with_ignored: bool
    other: str
    switch: str

    def __bool__(self) -> bool:
        return bool(self.lines or self.pairs)


def comparison(request: Request, old: ConfigSnapshot, new: ConfigSnapshot, platform: str) -> Comparison:
    """Compare two configurations of a platform, in the form that the request asks for."""
    side, with_ignored = request.GET.get("view") == "side", request.GET.get("ignored") == SHOW
    found = compared(old, new, platform, with_ignored=with_ignored)
    return Comparison(
        side=side,
        lines=[] if side else found.changes,
        pairs=found.pairs if side else [],
        ignored=found.ignored,
        with_ignored=with_ignored,
        other=_query(request, view="one" if side else "side"),
        switch=_query(request, ignored="" if with_ignored else SHOW),
    )


def _query(request: Request, **words: str) -> str:
    query = request.GET.copy()
    for key, value in words.items():
        query[key] = value
        if not value:
            del query[key]
    return query.urlencode()
