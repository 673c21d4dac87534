"""A limit to how long one sending may take as a whole: sockets limit each reading only, and a receiver may drip."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

#: How long one sending may take, in seconds, whatever the receiver does.
MOST_SECONDS = 20.0


@contextmanager
def time_limit(connection: Callable[[], socket.socket | None], seconds: float | None = None) -> Iterator[None]:
    """Cut the connection after so many seconds; TimeoutError tells of it."""
    limit, over = seconds or MOST_SECONDS, threading.Event()

    def cut() -> None:
        over.set()
        found = connection()
        if found is not None:
            with suppress(OSError):
                socket.socket.shutdown(found, socket.SHUT_RDWR)

    timer = threading.Timer(limit, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, ValueError, http.client.HTTPException):
        if not over.is_set():
            raise
    finally:
        timer.cancel()
    # A connection that is cut may look like an answer that came to its end.
    if over.is_set():
        raise TimeoutError(f"it took longer than {limit:g} s")
