"""The threads of a worker process: those in which devices are talked to, and work that only one does at a time."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from devices.drivers.hub import Edge, Hub, plainly

#: So many devices are begun however busy the process is: its part of a run's places, but not fewer than these.
FEWEST_DEVICES = 25
#: The most of them that are begun however busy it is.
MOST_BUSY_DEVICES = 50
#: Beyond, it takes more only while less than this part of its time is used.
SATURATED_LOAD = 0.7
#: Where what comes together is done together, something must follow within so many seconds.
GATHER_SECONDS = 0.01
#: For so many seconds more is waited for at most.
MOST_GATHER_SECONDS = 0.05
#: So many threads at most: with more, a process gets slower.
MOST_THREADS = 100
A = TypeVar("A")
R = TypeVar("R")


def following(inbox: queue.SimpleQueue[R], most: int) -> list[R]:
    """Return what is there, and wait for more as long as some keeps coming and it is not so many yet."""
    found, until, more = _all(inbox), time.monotonic() + MOST_GATHER_SECONDS, True
    while more and len(found) < most and time.monotonic() < until:
        time.sleep(GATHER_SECONDS)
        came = _all(inbox)
        found, more = found + came, bool(came)
    return found


def _all(inbox: queue.SimpleQueue[R]) -> list[R]:
    found = []
    while not inbox.empty():
        found.append(inbox.get())
    return found


class DevicePool:
    """Where devices are talked to: in one thread with a hub those that can share it, in threads of a pool all
    others."""

    def __init__(self, size: int, edge: Edge = plainly) -> None:
        self.size, self._few = size, FEWEST_DEVICES
        self._shared = self._alone = 0
        self._lock = threading.Lock()
        self._hub = Hub("devices", edge)
        self._executor = ThreadPoolExecutor(max_workers=min(size, MOST_THREADS), thread_name_prefix="device")

    def room(self) -> int:
        """Return how many more would start at once and get on.

        It grows as long as they mostly wait for their devices: what one process cannot get on with is left to others.
        """
        busy = self._shared + self._alone
        growth = 0 if self.is_saturated() else max(FEWEST_DEVICES, busy)
        return max(min(self.size - busy, MOST_THREADS - self._alone, max(self._few - busy, growth)), 0)

    def is_saturated(self) -> bool:
        """Say whether further conversations would only wait for those that there are."""
        return self._hub.load >= SATURATED_LOAD

    def share(self, places: int, workers: int) -> None:
        """Take note of how many devices a run may have at a time, and how many workers have them in common."""
        self._few = min(max(places // workers, FEWEST_DEVICES), MOST_BUSY_DEVICES)

    def submit(self, work: Callable[[A], R], item: A, /, *, shares: bool) -> Future[R]:
        """Begin the work and return its future; `shares` says that whatever it waits for, it waits with the hub's
        words. It is done in a copy of the caller's context."""
        self._count(shares, 1)
        future = self._hub.submit(work, item) if shares else self._alone_in_a_thread(work, item)
        future.add_done_callback(lambda _: self._count(shares, -1))
        return future

    def _alone_in_a_thread(self, work: Callable[[A], R], item: A) -> Future[R]:
        return self._executor.submit(copy_context().run, work, item)

    def stop(self) -> None:
        """End the hub's thread."""
        self._hub.stop()

    def _count(self, shares: bool, more: int) -> None:
        with self._lock:
            if shares:
                self._shared += more
            else:
                self._alone += more
