"""What becomes of occurrences that were not started in time: the policy of a trigger, pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

#: An occurrence started within this time is on time, whatever the policy.
ON_TIME = timedelta(seconds=60)


class MisfirePolicy(StrEnum):
    """Skip · run the last one once if within a grace time · catch up to n."""

    SKIP = "skip"
    ONCE = "once"
    CATCH_UP = "catch_up"


LABELS = {
    MisfirePolicy.SKIP: "Skip it",
    MisfirePolicy.ONCE: "Run the last one once, if it is not older than the grace time",
    MisfirePolicy.CATCH_UP: "Catch up with the last ones",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One due occurrence and, when it is not to run, why."""

    at: datetime
    reason: str = ""


def judge(
    due: Sequence[datetime], now: datetime, policy: MisfirePolicy, *, grace: timedelta, most: int
) -> list[Verdict]:
    """Return a verdict for each due occurrence (in order, none later than `now`); each one is to become a row."""
    late = [at for at in due if now - at > ON_TIME]
    chosen: set[datetime] = set(due) - set(late)
    if policy is MisfirePolicy.CATCH_UP:
        chosen |= set(late[-most:]) if most > 0 else set()
    elif policy is MisfirePolicy.ONCE and late and not chosen and now - late[-1] <= grace:
        chosen.add(late[-1])
    return [Verdict(at, "" if at in chosen else _reason(now - at, policy)) for at in due]


def _reason(lateness: timedelta, policy: MisfirePolicy) -> str:
    minutes = int(lateness.total_seconds() // 60)
    return f"Missed: nothing started it for {minutes} min after its time; the trigger's policy is '{LABELS[policy]}'."
