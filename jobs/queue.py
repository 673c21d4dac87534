"""What the workers are hinted of: runs to be started, and runs with queued devices for an agent."""

from __future__ import annotations

from collections.abc import Sequence

from config import hints

#: A worker process works on this many devices of a run at a time; so many processes are worth waking, at most.
DEVICES_PER_HINT, HINTS = 25, 8
#: A worker process starts runs until none is left; one message for so many runs wakes enough of them.
RUNS_PER_HINT = 250

#: A run that has queued devices: its id, its agent's queue, how many devices.
Hint = tuple[int, str, int]


def hint_runs(runs: Sequence[Hint]) -> None:
    """After commit, tell the agents' workers which runs have queued devices."""
    messages: list[hints.Message] = []
    for run_id, queue, devices in runs:
        messages += [("jobs.run_devices", [run_id], queue)] * max(1, min(-(-devices // DEVICES_PER_HINT), HINTS))
    hints.after_commit(messages)


def hint_start(runs: int) -> None:
    """After commit, tell the workers that so many runs are to be started."""
    hints.after_commit([("jobs.start_runs", [], hints.DEFAULT)] * max(1, min(-(-runs // RUNS_PER_HINT), HINTS)))
