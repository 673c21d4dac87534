"""What a caller of the API wishes for a change: that its approval is asked for, or that it runs without one."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from rest_framework import serializers

from approvals.domain import Scope
from config import limits
from config.api_body import Body, Moment, Text, Whole, YesNo
from jobs.authoring.drafts import Wish
from jobs.dispatch.approval_gate import MOST_DEVICES, MOST_RUNS


class UnapprovedSerializer(Body):
    """The reason for which a change runs without approval; it needs the right to do that."""

    without_approval = Text(
        max_length=limits.MOST_MESSAGE_CHARACTERS,
        required=False,
        help_text="Run the change though nobody else agreed to it, by right and for this reason. Everybody who changed "
        "the job since others last agreed to it needs that right too.",
    )


class ScopeSerializer(Body):
    """For how many runs something is allowed: one, or a series with an end."""

    series_until = Moment(required=False, help_text="A series of runs, until this instant.")
    series_runs = Whole(min_value=1, max_value=MOST_RUNS, required=False, help_text="A series of so many runs.")


class AskSerializer(ScopeSerializer):
    """For what an approval is asked."""

    message = Text(max_length=limits.MOST_MESSAGE_CHARACTERS, allow_blank=True, default="")
    at_most = Whole(
        min_value=1,
        max_value=MOST_DEVICES,
        required=False,
        help_text="Ask for the devices that match when it runs, so many at most; else for those that match now.",
    )


class WishSerializer(UnapprovedSerializer, AskSerializer):
    """Whether approval is asked for, and for how much."""

    request_approval = YesNo(default=False)

    def validate(self, data: dict[str, object]) -> dict[str, object]:
        """One of the two, at most."""
        if data.get("request_approval") and data.get("without_approval"):
            raise serializers.ValidationError({"without_approval": ["Ask for approval, or run without one; not both."]})
        return data


class Wished(TypedDict, total=False):
    """The checked body of a call that wishes something for a change."""

    request_approval: bool
    message: str
    without_approval: str
    series_until: datetime
    series_runs: int
    at_most: int


def scope_of(data: Wished) -> Scope | None:
    """Return the series that is meant; None for one run."""
    until, runs = data.get("series_until"), data.get("series_runs")
    return Scope(True, until, runs) if until or runs else None


def wish_of(data: Wished) -> Wish:
    """Return what the checked body of a call wishes."""
    return Wish(
        message=data.get("message", "") if data.get("request_approval") else None,
        reason=data.get("without_approval"),
        scope=scope_of(data),
        at_most=data.get("at_most"),
    )
