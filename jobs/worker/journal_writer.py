"""What conversations write while they go on: intents of a worker's devices that come at the same time share a
transaction."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from typing import Any, Protocol, TypeAlias, TypeVar

from django.db import DatabaseError, close_old_connections, connection

from config.logs import first_line
from devices.drivers import hub
from jobs.models.sql import claims
from jobs.models.sql.claims import Intent

log = logging.getLogger(__name__)
R = TypeVar("R")
Answer: TypeAlias = Any  # Any: what a wish returns, of the type that `do` gives back to who asked
Wish: TypeAlias = Intent | Callable[[], Answer]
Asked: TypeAlias = tuple[Wish, Future[Answer]]
#: Seconds between two device runs of which is stored what came so far: with hundreds of them it would keep the writer
#: busy.
SHOW_SECONDS = 0.03
#: Seconds for which intents wait for others to be stored with, where the process has its hands full anyway.
GATHER_SECONDS = 0.005
#: So often (seconds) the connection is looked at whether it is too old.
LOOK_SECONDS = 5.0


class Writer(Protocol):
    """Who writes for a journal; both return when it is durable, and raise DatabaseError when it is not."""

    def intend(self, intent: Intent) -> bool:
        """Store how far a device run has come; False when it may not go on (`claims.intend`)."""

    def do(self, work: Callable[[], R]) -> R:
        """Do what uses the database."""

    def may_show(self) -> bool:
        """Say whether somebody may store now what came so far, for those who watch."""


class Direct:
    """Writes in the calling thread, one intent at a time."""

    def intend(self, intent: Intent) -> bool:
        return bool(claims.intend([intent]))

    def do(self, work: Callable[[], R]) -> R:
        return work()

    def may_show(self) -> bool:
        return True


DIRECT = Direct()


class BatchingWriter:
    """Writes in one thread, with one connection to the database, for all conversations of a process; `edge` as of a
    `Hub`.

    `is_busy` says whether the conversations would only wait for each other, were they answered at once.
    """

    def __init__(self, edge: hub.Edge = hub.plainly, is_busy: Callable[[], bool] = lambda: False) -> None:
        self._is_busy = is_busy
        self._asked: queue.SimpleQueue[Asked | None] = queue.SimpleQueue()
        self._shown = 0.0
        self.thread = threading.Thread(target=edge, args=(self._run,), name="writer", daemon=True)
        self.thread.start()

    def intend(self, intent: Intent) -> bool:
        return bool(self._ask(intent))

    def do(self, work: Callable[[], R]) -> R:
        # What it says belongs to the conversation that asks, not to the writer.
        found: R = self._ask(partial(copy_context().run, work))
        return found

    def may_show(self) -> bool:
        if time.monotonic() - self._shown < SHOW_SECONDS:
            return False
        self._shown = time.monotonic()
        return True

    def stop(self) -> None:
        """End the thread when all that was asked so far is done."""
        self._asked.put(None)
        self.thread.join(5)

    def _ask(self, wish: Wish) -> Answer:
        future: Future[Answer] = Future()
        self._asked.put((wish, future))
        return hub.result(future)

    def _run(self) -> None:
        looked = 0.0
        while (first := self._asked.get()) is not None:
            wishes, over = [first], False
            if self._is_busy():
                time.sleep(GATHER_SECONDS)
            while not over and not self._asked.empty():
                following = self._asked.get()
                over = following is None
                wishes += [following] if following else []
            if time.monotonic() - looked > LOOK_SECONDS:
                close_old_connections()
                looked = time.monotonic()
            self._intend([(wish, future) for wish, future in wishes if not callable(wish)])
            for wish, future in wishes:
                if callable(wish):
                    _resolve(future, wish)
            if over:
                break
        connection.close()

    def _intend(self, wishes: list[tuple[Intent, Future[Answer]]]) -> None:
        """Store intents together; if that fails, one by one, so that each gets its own answer, until one fails too."""
        if len(wishes) > 1:
            try:
                taken = claims.intend([intent for intent, _ in wishes])
            except DatabaseError as error:
                words = "Intents could not be stored together: %s"
                about = {"intents": len(wishes)}
                log.warning(words, first_line(error), extra={"action": "intents.refused", **about})
                connection.close()
            else:
                for intent, future in wishes:
                    future.set_result(intent[0] in taken)
                return
        failure: BaseException | None = None
        for intent, future in wishes:
            if failure is not None:
                future.set_exception(failure)
                continue
            _resolve(future, lambda intent=intent: bool(claims.intend([intent])))  # type: ignore[misc]
            failure = future.exception()


def _resolve(future: Future[Answer], work: Callable[[], Answer]) -> None:
    """Do the work; its result, or whatever it raises, belongs to who asked."""
    try:
        found = work()
    except BaseException as error:  # noqa: BLE001 - whoever asked gets it
        if isinstance(error, DatabaseError):
            connection.close()
        future.set_exception(error)
    else:
        future.set_result(found)
