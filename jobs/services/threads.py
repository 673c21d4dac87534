"""The threads of a worker process in which devices are talked to, and how many of them are free."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

A = TypeVar("A")
R = TypeVar("R")


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
