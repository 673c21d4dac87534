"""A comparison of two configurations as the pages show it: in one column, or in two (`?view=side`)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.http import HttpRequest

from devices.domain import configs
from devices.drivers.platforms import BY_KEY


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `components/diff.html` shows; `other` is the query of the other form."""

    side: bool
    lines: list[tuple[str, str]]
    pairs: list[configs.Pair]
    other: str

    def __bool__(self) -> bool:
        return bool(self.lines or self.pairs)


def comparison(request: HttpRequest, old: str, new: str, platform: str) -> Comparison:
    """Compare two configurations of a platform, in the form that the request asks for."""
    side = request.GET.get("view") == "side"
    volatile = _volatile(platform)
    query = request.GET.copy()
    query["view"] = "one" if side else "side"
    lines = [] if side else changes(old, new, platform)
    pairs = configs.side_by_side(old, new, volatile) if side else []
    return Comparison(side, lines, pairs, query.urlencode())


def changes(old: str, new: str, platform: str) -> list[tuple[str, str]]:
    """Compare two configurations of a platform in one column."""
    return configs.unified(old, new, _volatile(platform))


def _volatile(platform: str) -> tuple[re.Pattern[str], ...]:
    return BY_KEY[platform].volatile if platform in BY_KEY else ()
