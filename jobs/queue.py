"""What the workers are woken for: runs to be started, and devices to be worked on for an agent."""

from __future__ import annotations

from collections.abc import Mapping

from config import wakeups

#: One message wakes one worker of an agent; so many devices are worth waking one.
DEVICES_PER_WAKEUP = 25
#: So many messages at once are enough.
MOST_WAKEUPS = 8
#: A worker process starts runs until none is left; one message for so many runs wakes enough of them.
RUNS_PER_WAKEUP = 250


def wake_workers(devices: Mapping[str, int]) -> None:
    """After commit, wake the workers of agents (by queue) for so many devices each."""
    messages: list[wakeups.Message] = []
    for queue, count in devices.items():
        messages += [("jobs.work", [], queue)] * max(1, min(-(-count // DEVICES_PER_WAKEUP), MOST_WAKEUPS))
    wakeups.after_commit(messages)


def wake_starters(runs: int) -> None:
    """After commit, tell the workers that so many runs are to be started."""
    wakeups.after_commit(
        [("jobs.start_runs", [], wakeups.DEFAULT)] * max(1, min(-(-runs // RUNS_PER_WAKEUP), MOST_WAKEUPS))
    )
