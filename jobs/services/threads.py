"""The threads of a worker process: those in which devices are talked to, and work that only one does at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

A = TypeVar("A")
R = TypeVar("R")


class OneAtATime:
    """Lets one thread of the process at a time do some work; whoever asks meanwhile is served by it, for it looks again.

    More of them would only share the interpreter's lock.
    """

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._asked, self._doing = threading.Event(), threading.Lock()

    def __call__(self) -> None:
        """Do the work, or leave it to the thread that is at it."""
        self._asked.set()
        while self._asked.is_set() and self._doing.acquire(blocking=False):
            try:
                self._asked.clear()
                self._work()
            finally:
                self._doing.release()


class Threads:
    """A pool of threads that knows its room."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._busy = 0
        self._lock = threading.Lock()
        self._executor = ThreadPoolExecutor(max_workers=size, thread_name_prefix="device")

    def room(self) -> int:
        """Return how many more would start at once."""
        return self.size - self._busy

    def submit(self, work: Callable[[A], R], item: A, /) -> Future[R]:
        """Start the work in a thread and return its future."""
        with self._lock:
            self._busy += 1
        future = self._executor.submit(_with_own_connection, work, item)
        future.add_done_callback(self._freed)
        return future

    def _freed(self, future: Future[R]) -> None:
        with self._lock:
            self._busy -= 1


def _with_own_connection(work: Callable[[A], R], item: A) -> R:
    """Do the work, then give its database connection back: a hundred idle ones would use up the server's."""
    try:
        return work(item)
    finally:
        connections.close_all()
