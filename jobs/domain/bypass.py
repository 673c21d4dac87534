"""By what right a change runs that nobody was asked about."""

from __future__ import annotations

from enum import StrEnum


class Bypass(StrEnum):
    """Why a run that changes devices needed no approval."""

    BY_RIGHT = "by_right"
    AGAIN = "again"


LABELS = {Bypass.BY_RIGHT: "ran without approval by right", Bypass.AGAIN: "ran again by right"}
CHOICES = [(bypass.value, LABELS[bypass]) for bypass in Bypass]
