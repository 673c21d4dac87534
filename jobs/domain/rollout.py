"""How a run spreads over its devices: canaries first, then waves with a pause between them, and when to stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta

from config.errors import Invalid
from config.limits import MOST_ROLLOUT_DEVICES


@dataclass(frozen=True, slots=True)
class Rollout:
    """Counts are devices, `soak` is minutes; 0 means: no canaries, no waves, no pause, no limit.

    The run stops when at least `sample` devices have ended and `stop_count` or `stop_percent` of them did not succeed.
    """

    canary: int = 0
    wave: int = 0
    soak: int = 0
    stop_count: int = 0
    stop_percent: int = 0
    sample: int = 1

    @classmethod
    def from_json(cls, data: Mapping[str, int]) -> Rollout:
        """Read what `as_json` wrote; an empty object is no rollout at all."""
        return cls(**data)

    def as_json(self) -> dict[str, int]:
        """Return the form that is stored: empty where nothing is asked for."""
        return {} if self == Rollout() else asdict(self)

    def check(self) -> None:
        """Raise Invalid naming each field that cannot be."""
        problems = {}
        for name, most in (
            ("canary", MOST_ROLLOUT_DEVICES),
            ("wave", MOST_ROLLOUT_DEVICES),
            ("soak", 1440),
            ("stop_count", MOST_ROLLOUT_DEVICES),
            ("stop_percent", 100),
        ):
            if not 0 <= getattr(self, name) <= most:
                problems[name] = [f"Give a number from 0 to {most:,}."]
        if not 1 <= self.sample <= MOST_ROLLOUT_DEVICES:
            problems["sample"] = [f"Give a number from 1 to {MOST_ROLLOUT_DEVICES:,}."]
        if self.soak and not (self.canary or self.wave):
            problems["soak"] = ["A pause needs canaries or waves to pause between."]
        if problems:
            raise Invalid("The rollout cannot be as it is.", fields=problems)

    def wave_of(self, position: int) -> int:
        """Return the wave (0 first) of the device at a position (0 first) of the plan."""
        if position < self.canary:
            return 0
        first = 1 if self.canary else 0
        return first + ((position - self.canary) // self.wave if self.wave else 0)

    @property
    def pause(self) -> timedelta:
        """How long the run waits after a wave before the next one begins."""
        return timedelta(minutes=self.soak)

    def reason_to_stop(self, ended: int, bad: int) -> str:
        """Return why no further device may begin after `ended` of which `bad` did not succeed; empty when it may go
        on."""
        if ended < self.sample or not bad:
            return ""
        if self.stop_count and bad >= self.stop_count:
            return f"{bad} devices did not succeed; the job stops at {self.stop_count}."
        if self.stop_percent and bad * 100 >= self.stop_percent * ended:
            return f"{bad} of {ended} devices did not succeed; the job stops at {self.stop_percent} %."
        return ""

    def words(self) -> str:
        """Say it in one line for the review page and the approver; empty when there is nothing to say."""
        parts = []
        if self.canary:
            parts.append(f"{self.canary} {'canary' if self.canary == 1 else 'canaries'} first")
        if self.wave:
            parts.append(f"waves of {self.wave}")
        if self.soak:
            parts.append(f"{self.soak} min pause after each")
        limits = [f"{self.stop_count} devices"] * bool(self.stop_count) + [f"{self.stop_percent} %"] * bool(
            self.stop_percent
        )
        if limits:
            least = f" (of at least {self.sample})" if self.sample > 1 else ""
            parts.append(f"stops when {' or '.join(limits)} did not succeed{least}")
        return ", ".join(parts)
