"""Work that one thread of a process does at a time, whoever asks for it."""

from __future__ import annotations

import threading
from collections.abc import Callable


class OneAtATime:
    """Lets one thread of the process at a time do some work; whoever asks meanwhile is served by it, for it looks
    again.

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
