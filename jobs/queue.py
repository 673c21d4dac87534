"""What the workers are hinted of: runs to be started, and devices to be worked on for an agent."""

from __future__ import annotations

from collections.abc import Mapping

from config import hints

#: One message wakes one worker of an agent; so many devices are worth waking one.
DEVICES_PER_HINT = 25
#: So many messages at once are enough.
MOST_HINTS = 8
#: A worker process starts runs until none is left; one message for so many runs wakes enough of them.
RUNS_PER_HINT = 250


def hint_work(devices: Mapping[str, int]) -> None:
    """After commit, wake the workers of agents (by queue) for so many devices each."""
    messages: list[hints.Message] = []
    for queue, count in devices.items():
        messages += [("jobs.work", [], queue)] * max(1, min(-(-count // DEVICES_PER_HINT), MOST_HINTS))
    hints.after_commit(messages)


def hint_start(runs: int) -> None:
    """After commit, tell the workers that so many runs are to be started."""
    hints.after_commit([("jobs.start_runs", [], hints.DEFAULT)] * max(1, min(-(-runs // RUNS_PER_HINT), MOST_HINTS)))
