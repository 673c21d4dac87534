"""Many conversations in one thread: each is a greenlet, and while one waits for its device, the others go on.

What a conversation waits with stands here and works in any thread: `ready`, `sleep`, `result` and `elsewhere`. Within a
`Hub` they let the other conversations go on, elsewhere they simply wait. A hundred threads that talk to devices fight
for the interpreter's lock; what that costs is in `docs/explanation/performance.md`.
"""

from __future__ import annotations

import heapq
import itertools
import os
import select
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar, TypeVarTuple

from greenlet import getcurrent, greenlet

R = TypeVar("R")
#: What some work is given.
Given = TypeVarTuple("Given")
Edge = Callable[[Callable[[], None]], None]
READ = select.EPOLLIN
WRITE = select.EPOLLOUT
#: An event is told once; who waits again says so again.
ONCE = select.EPOLLONESHOT
#: So many names are looked up at a time.
LOOKUPS = 4
#: Seconds over which it is measured how busy a hub is.
MOMENT = 0.1
#: Seconds after which a wait for a socket is over in any case: a hub remembers each until its time is over.
MOST_WAIT_SECONDS = 1.0
_HERE = threading.local()


def plainly(loop: Callable[[], None]) -> None:
    """Run a loop and see to nothing."""
    loop()


class _Wait:
    """A conversation that waits: for a socket, a time, or both."""

    __slots__ = ("over", "turn", "who")

    def __init__(self, who: greenlet, turn: int) -> None:
        self.who, self.turn, self.over = who, turn, False


class Hub:
    """One thread with any number of conversations. What they do between two waits should be short.

    `edge` runs the thread's loop, and is there to see to it when that ends by a defect: nobody would be resumed any
    more.
    """

    def __init__(self, name: str, edge: Edge = plainly) -> None:
        self._calls: deque[Callable[[], object]] = deque()
        self._epoll, self._bell = select.epoll(), os.eventfd(0, os.EFD_NONBLOCK)
        # Not before nobody can ring it any more: its number may soon be that of a connection to a device.
        weakref.finalize(self, os.close, self._bell)
        self._epoll.register(self._bell, READ)
        self._waits: dict[int, _Wait] = {}
        self._timers: list[tuple[float, int, _Wait]] = []
        self._number = itertools.count()
        self._turn = 0
        self._rung = False
        self._main: greenlet | None = None
        self._since, self._idle, self._load, self._waiting = time.monotonic(), 0.0, 0.0, True
        self._blocking = ThreadPoolExecutor(LOOKUPS, thread_name_prefix=f"{name}-lookup")
        self.thread = threading.Thread(target=edge, args=(self._run,), name=name, daemon=True)
        self.thread.start()

    def submit(self, work: Callable[[*Given], R], *given: *Given) -> Future[R]:
        """Begin a conversation, in a copy of the caller's context; may be called from any thread."""
        future: Future[R] = Future()
        context = copy_context()

        def converse() -> None:
            try:
                future.set_result(work(*given))
            except BaseException as error:  # noqa: BLE001 - whoever asks for the result gets it
                future.set_exception(error)

        def begin() -> None:
            # A greenlet has context variables of its own; left alone it would begin with none of its caller's.
            talk = greenlet(converse, self._main)
            talk.gr_context = context
            talk.switch()

        self.call(begin)
        return future

    @property
    def load(self) -> float:
        """How much of the last moments (0 to 1) was not spent waiting: near 1, more conversations would only wait
        for each other."""
        if time.monotonic() - self._since < 2 * MOMENT:
            return self._load
        return 0.0 if self._waiting else 1.0

    def call(self, work: Callable[[], object]) -> None:
        """Do something short in the hub's thread, soon; may be called from any thread."""
        self._calls.append(work)
        # Who finds it rung came before the hub looks at what there is to do.
        if not self._rung:
            self._rung = True
            os.eventfd_write(self._bell, 1)

    def stop(self) -> None:
        """End the thread; conversations that still wait are left where they are."""
        self.call(self._stop)
        self.thread.join(5)
        self._blocking.shutdown(wait=False)

    def wait(self, fd: int, events: int, seconds: float) -> int:
        """Let others go on until a socket is ready or the time is over (0); fd -1 waits for the time alone."""
        wait = _Wait(getcurrent(), self._turn)
        if fd >= 0:
            self._watch(fd, events | ONCE)
            self._waits[fd] = wait
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._number), wait))
        try:
            assert self._main is not None
            return int(self._main.switch())
        finally:
            if self._waits.get(fd) is wait:
                del self._waits[fd]

    def result(self, future: Future[R]) -> R:
        """Let others go on until a future is done, and return its result."""
        me = getcurrent()
        future.add_done_callback(lambda _: self.call(me.switch))
        assert self._main is not None
        self._main.switch()
        return future.result()

    def elsewhere(self, work: Callable[[*Given], R], *given: *Given) -> R:
        """Do what blocks in another thread and let others go on meanwhile."""
        context = copy_context()
        return self.result(self._blocking.submit(lambda: context.run(work, *given)))

    def _stop(self) -> None:
        self._main = None

    def _run(self) -> None:
        _HERE.hub, self._main = self, getcurrent()
        while self._main is not None:
            for fd, events in self._next_events():
                if fd == self._bell:
                    os.eventfd_read(fd)
                    self._rung = False
                # Who began to wait since then may have another socket of the same number.
                elif (wait := self._waits.get(fd)) and wait.turn != self._turn:
                    self._resume(wait, events)
            while self._calls:
                self._calls.popleft()()
            now = time.monotonic()
            while self._timers and self._timers[0][0] <= now:
                self._resume(heapq.heappop(self._timers)[2], 0)

    def _next_events(self) -> list[tuple[int, int]]:
        """Wait until something happens."""
        began = time.monotonic()
        if began - self._since > MOMENT:
            self._load = 1 - min(self._idle / (began - self._since), 1.0)
            self._since, self._idle = began, 0.0
        self._waiting = True
        found = self._epoll.poll(self._until_next())
        self._waiting = False
        self._turn += 1
        self._idle += time.monotonic() - began
        return found

    def _until_next(self) -> float:
        """Return the seconds until somebody's time is over, -1 when nobody waits; what is over already is dropped."""
        while self._timers and self._timers[0][2].over:
            heapq.heappop(self._timers)
        return max(self._timers[0][0] - time.monotonic(), 0.0) if self._timers else -1

    def _resume(self, wait: _Wait, events: int) -> None:
        if not wait.over:
            wait.over = True
            wait.who.switch(events)

    def _watch(self, fd: int, events: int) -> None:
        """Ask for an event of a socket.

        The kernel remembers it until it is closed: to ask again costs half as much as anew.
        """
        try:
            self._epoll.modify(fd, events)
        except FileNotFoundError:
            self._epoll.register(fd, events)


def current() -> Hub | None:
    """Return the hub whose conversation calls; None in any other thread."""
    return getattr(_HERE, "hub", None)


def ready(fd: int, events: int, seconds: float) -> int:
    """Wait until a socket (its file descriptor) is ready (READ, WRITE; any other bit: it is gone); 0 when it was
    not, after at most so many seconds.

    OSError when it is closed.
    """
    if fd < 0:
        raise OSError("The socket is closed.")
    hub = current()
    if hub is not None and seconds > 0:
        return hub.wait(fd, events, min(seconds, MOST_WAIT_SECONDS))
    poll = select.poll()
    poll.register(fd, events)
    return sum(found for _, found in poll.poll(max(seconds, 0.0) * 1000))


def sleep(seconds: float) -> None:
    """Wait."""
    hub = current()
    if hub is None:
        time.sleep(seconds)
    else:
        hub.wait(-1, 0, seconds)


def result(future: Future[R]) -> R:
    """Wait for the result of what another thread does."""
    hub = current()
    return future.result() if hub is None else hub.result(future)


def elsewhere(work: Callable[[*Given], R], *given: *Given) -> R:
    """Do what blocks, without keeping other conversations waiting."""
    hub = current()
    return work(*given) if hub is None else hub.elsewhere(work, *given)
