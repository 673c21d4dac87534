"""A comparison of two configurations as the pages show it: in one column, or in two (`?view=side`)."""

from __future__ import annotations

from dataclasses import dataclass

from config.requests import Request
from devices.domain import configs
from devices.models import ConfigSnapshot
from devices.services.snapshots import changes, side_by_side


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `components/diff.html` shows; `other` is the query of the other form."""

    side: bool
    lines: list[tuple[str, str]]
    pairs: list[configs.Pair]
    other: str

    def __bool__(self) -> bool:
        return bool(self.lines or self.pairs)


def comparison(request: Request, old: ConfigSnapshot, new: ConfigSnapshot, platform: str) -> Comparison:
    """Compare two configurations of a platform, in the form that the request asks for."""
    side = request.GET.get("view") == "side"
    query = request.GET.copy()
    query["view"] = "one" if side else "side"
    lines = [] if side else changes(old, new, platform)
    pairs = side_by_side(old, new, platform) if side else []
    return Comparison(side, lines, pairs, query.urlencode())
