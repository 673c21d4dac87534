"""The threads of a worker process: one claims devices and stores results, one keeps what is owned, one looks after
the rest.

The database says what is to do. Messages only wake the engine; without any it looks by itself every two seconds.
Devices are talked to in one thread that they share, or each in a thread of a pool (`jobs.worker.pool`).
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial

from django.db import DatabaseError, close_old_connections, connection
from django.utils import timezone

from config.logs import first_line, unquoted
from devices.models import Worker
from devices.services import workers
from jobs.dispatch import dispatcher, starter
from jobs.domain.states import RunStatus
from jobs.log_fields import of_device_run
from jobs.worker import claims, completion, executor, leases, recovery
from jobs.worker.claims import Assignment
from jobs.worker.executor import DeviceOutcome
from jobs.worker.journal import Journal
from jobs.worker.journal_writer import BatchingWriter
from jobs.worker.pool import DevicePool, following

log = logging.getLogger(__name__)
#: Between looks without a wakeup.
LOOK_SECONDS = 2.0
#: Before the first look where devices wait for places.
LOOK_SOON_SECONDS = 0.2
#: Between looks at cancel requests.
CANCEL_SECONDS = 0.5
#: So long free places wait for others to be filled together with them.
FILL_SECONDS = 0.1
#: Between looks whether runs have ended.
COMPLETE_SECONDS = 0.5
#: A claim is worth its cost for so many free places.
FEWEST_PLACES = 5
#: A claim takes at most so many devices.
MOST_CLAIMED = 128
#: A process talks to so many devices at once, unless it is told otherwise.
WIDTH = 512


class Engine:
    """Works on the devices of some agents until it is stopped."""

    def __init__(self, queues: Sequence[str], width: int = WIDTH) -> None:
        self.worker: Worker = workers.register(queues=queues, now=workers.moment())
        self.pool = DevicePool(width, self._edge)
        self.writer = BatchingWriter(self._edge, self.pool.is_saturated)
        self.journals: dict[int, Journal] = {}
        self.stopping = threading.Event()
        self._inbox: queue.SimpleQueue[DeviceOutcome | None] = queue.SimpleQueue()
        self._unstored: list[DeviceOutcome] = []
        self._incomplete: set[int] = set()
        self._completed_at, self._failed, self._wanting = 0.0, False, False
        self._freed = 0
        self._claimed: int | None = None
        self._pause, self._peers = LOOK_SECONDS, 1
        self._claiming = threading.Lock()
        self._over = threading.Event()
        loops = (self._work, self._keep, self._look_after)
        self._threads = [
            threading.Thread(target=self._edge, args=(loop,), name=loop.__name__, daemon=True) for loop in loops
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Look for devices now."""
        self._inbox.put(None)

    def stop(self, seconds: float) -> None:
        """Begin no further device; give those that run so many seconds, then hang up and keep what is known of them."""
        self.stopping.set()
        self.wake()
        self._threads[0].join(seconds)
        for journal in list(self.journals.values()):
            leases.lose(journal)
        self._threads[0].join(10)
        self._over.set()
        workers.sign_off(worker=self.worker)
        self.pool.stop()
        self.writer.stop()

    def _edge(self, loop: Callable[[], None]) -> None:
        """Run a loop; if it ends by a defect, the process ends with it, so that somebody starts it anew."""
        try:
            loop()
        except Exception:  # noqa: BLE001 - the edge of the worker
            log.exception("The worker cannot go on.", extra={"action": "worker.failed", "worker": self.worker.name})
            os._exit(70)

    def _work(self) -> None:
        while not self.stopping.is_set() or self.journals:
            filling = bool(self._freed or self._wanting)
            busy = filling or self._unstored or self._incomplete
            results, woken = self._collect(FILL_SECONDS if busy else self._pause)
            asked = woken or (not results and (filling or not busy))
            self._unstored += results
            self._freed += len(results)
            try:
                self._serve(asked)
            except DatabaseError as error:
                _lost_database(error)
            if not self.journals:
                close_old_connections()

    def _serve(self, asked: bool) -> None:
        """Store what has ended, claim where it is time for it, complete runs, and say when to look again."""
        self._store()
        if self._should_claim(asked):
            self._claim()
            self._freed = 0
        self._complete()
        if not (self._freed or self._wanting or self._incomplete):
            self._set_pause()

    def _should_claim(self, asked: bool) -> bool:
        """Say whether it is time for a claim, which costs about as much for one device as for ten."""
        if self.stopping.is_set():
            return False
        enough = max(FEWEST_PLACES, len(self.journals) // 3)
        return asked or self._freed >= enough or self._wanting or not self.journals

    def _collect(self, seconds: float) -> tuple[list[DeviceOutcome], bool]:
        """Wait for results; say whether a wakeup came.

        What ends within a moment is stored together: one transaction for many devices.
        """
        try:
            found = [self._inbox.get(timeout=seconds)]
        except queue.Empty:
            return [], False
        found += following(self._inbox, 0 if found[0] is None else len(self.journals) - 1)
        return [item for item in found if item is not None], None in found

    def _store(self) -> None:
        if self._unstored:
            executor.store(self._unstored)
            self._incomplete |= {item.journal.device_run.run_id for item in self._unstored}
            for item in self._unstored:
                self._failed |= item.result.status is not RunStatus.SUCCEEDED
                self.journals.pop(item.journal.device_run.pk, None)
            self._unstored = []

    def _complete(self) -> None:
        """Free threads come first: a run's end waits until they have been given work, and while there is much, a
        moment.

        What failed does not wait: the run may have to stop.
        """
        waited = time.monotonic() - self._completed_at > COMPLETE_SECONDS
        if self._incomplete and (waited or self._failed or not self.journals):
            self._incomplete = completion.complete(self._incomplete)
            self._completed_at, self._failed = time.monotonic(), False

    def _claim(self) -> None:
        """Take devices as long as there are some and there is room."""
        room = self.pool.room()
        self._wanting = room < min(FEWEST_PLACES, self.pool.size)
        if not self._wanting:
            with self._claiming:
                found = claims.claim(worker=self.worker, now=workers.moment(), limit=min(room, MOST_CLAIMED))
                for item in found:
                    row = item.device_run
                    self.journals[row.pk] = Journal(row, item.plan.commands, item.claimed, self.writer)
            for item in found:
                future = self.pool.submit(self._execute, item, shares=executor.shares_a_thread(item))
                future.add_done_callback(partial(self._done, item.device_run.pk))
            if found:
                self.pool.share(max(item.device_run.run.max_parallel for item in found), self._peers)
            self._wanting = len(found) == min(room, MOST_CLAIMED)
            self._claimed = len(found)

    def _set_pause(self) -> None:
        """Another worker may have all the places of a run, and soon give some up when they are too many for it."""
        if self._claimed is not None:
            found, self._claimed = self._claimed, None
            if not claims.does_work_wait(worker=self.worker, now=timezone.now()):
                self._pause = LOOK_SECONDS
            else:
                self._pause = LOOK_SOON_SECONDS if found or self._pause >= LOOK_SECONDS else 2 * self._pause

    def _execute(self, item: Assignment) -> DeviceOutcome:
        return executor.execute(item, self.journals[item.device_run.pk])

    def _done(self, pk: int, future: Future[DeviceOutcome]) -> None:
        error = future.exception()
        if error is not None:  # a defect behind `execute`: nobody works on it any more, and `_abandon` ends it
            about = of_device_run(self.journals[pk].device_run)
            words = "Device run %s was dropped."
            log.error(words, pk, exc_info=unquoted(error), extra={"action": "device_run.dropped", **about})
            self.journals.pop(pk, None)
            return
        self._inbox.put(future.result())

    def _keep(self) -> None:
        renewed = 0.0
        while not self._over.wait(min(CANCEL_SECONDS, leases.RENEW_SECONDS)):
            journals = dict(self.journals)
            try:
                if time.monotonic() - renewed >= leases.RENEW_SECONDS:
                    now = workers.moment()
                    workers.beat(worker=self.worker, active=len(journals), now=now)
                    self._peers = workers.count(like=self.worker, now=now)
                    if leases.renew(worker=self.worker, journals=journals, now=now):
                        renewed = time.monotonic()
                    self._abandon()
                leases.notice_cancels(journals)
            except DatabaseError as error:
                _lost_database(error, 0)
            leases.watch_margin(journals)

    def _abandon(self) -> None:
        """End what the database says this worker runs and it does not, for example after an outage."""
        if self._claiming.acquire(blocking=False):
            try:
                recovery.abandon(worker=self.worker, keep=self.journals, now=timezone.now())
            finally:
                self._claiming.release()

    def _look_after(self) -> None:
        reaper = recovery.Reaper()
        while not self._over.wait(min(LOOK_SECONDS, leases.RENEW_SECONDS)):
            close_old_connections()
            try:
                reaper.look(now=workers.moment(), me=self.worker, busy=self.journals)
                completion.look_after(now=timezone.now())
                if dispatcher.tick_if_beat_is_silent(now=timezone.now()):
                    log.warning("Beat is silent; this worker did its tick.", extra={"action": "beat.silent"})
                elif starter.any_forgotten(now=timezone.now()):
                    starter.start_queued()
            except DatabaseError as error:
                _lost_database(error, 0)


def _lost_database(error: DatabaseError, pause: float = 1.0) -> None:
    words = "The database does not answer the worker: %s"
    log.warning(words, first_line(error), extra={"action": "database.lost"})
    connection.close()
    time.sleep(pause)
