"""Worker processes: register one, beat for it, know whether another is alive, end one that has lost what it owned."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import signal
import socket
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Model, QuerySet
from django.utils import timezone

from devices.models import Agent, Worker

log = logging.getLogger(__name__)
#: Within its lease a worker owns what it claimed; it stops sending a guard earlier.
LEASE = timedelta(seconds=settings.LEASE_SECONDS)
GUARD = LEASE / 4
#: A worker that has not said anything for so long is forgotten when it owns nothing.
FORGET_AFTER = timedelta(days=7)


@cache
def this_host() -> str:
    """Return what names this machine's present boot and PID namespace."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    with contextlib.suppress(OSError):
        namespace = os.stat("/proc/self/ns/pid").st_ino
        return f"{socket.gethostname()}/{boot.read_text().strip()}/{namespace}"
    return f"{socket.gethostname()}//"


@cache
def this_network() -> str:
    """Return what names the network of this process: from within one, an address leads to one place."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    with contextlib.suppress(OSError):
        named = f"{boot.read_text().strip()}/{os.stat('/proc/self/ns/net').st_ino}"
        return hashlib.sha256(named.encode()).hexdigest()[:12]
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:12]


def started(pid: int) -> int:
    """Return when a living process began, in clock ticks since boot; 0 when there is none (a zombie counts as none)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] in "ZX" else int(fields[19])


def moment() -> datetime:
    """Return the time by which leases are given and end: the database's, so that hosts need not agree on theirs."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found


def register(*, queues: Sequence[str], now: datetime) -> Worker:
    """Make the row of this process, which serves the agents of `queues`."""
    pid = os.getpid()
    Worker.objects.filter(beat_at__lt=now - FORGET_AFTER).delete()
    made = Worker.objects.create(
        name=f"{socket.gethostname()}:{pid}",
        host=this_host(),
        pid=pid,
        started=started(pid),
        version=settings.VERSION,
        queues=list(queues),
        begun_at=now,
        beat_at=now,
    )
    about = {"worker": made.name, "version": made.version, "queues": made.queues}
    log.info("Worker %s serves %s.", made, ", ".join(queues), extra={"action": "worker.registered", **about})
    return made


def beat(*, worker: Worker, active: int, now: datetime) -> None:
    """Say that this process lives and how many devices it works on; its agents are alive with it.

    An agent for which somebody claims at this moment is left for the next time: a claim that hangs must not hold this
    up.
    """
    worker.beat_at, worker.active = now, active
    Worker.objects.filter(pk=worker.pk).update(beat_at=now, active=active)
    update_free(Agent.objects.filter(queue__in=worker.queues), heartbeat_at=now, worker=worker.name)


def update_free(rows: QuerySet[Model], **values: object) -> set[int]:
    """Write values into those of some rows that nobody has locked at this moment; return their ids.

    It waits for nobody.
    """
    with transaction.atomic():
        locked = rows.order_by("pk").select_for_update(skip_locked=True, no_key=True)
        free = set(locked.values_list("pk", flat=True))
        rows.model._base_manager.filter(pk__in=free).update(**values)
    return free


def any_since(since: datetime) -> bool:
    """Say whether a worker has begun since then."""
    return Worker.objects.filter(begun_at__gte=since, ended_at=None).exists()


def count(*, like: Worker, now: datetime) -> int:
    """Return how many live workers serve the same agents as one, itself among them."""
    rows = Worker.objects.filter(queues=like.queues, ended_at=None, beat_at__gt=now - LEASE)
    return max(rows.count(), 1)


def sign_off(*, worker: Worker) -> None:
    """Note that this process has stopped working on devices."""
    Worker.objects.filter(pk=worker.pk).update(ended_at=timezone.now(), active=0)
    log.info("Worker %s has stopped.", worker, extra={"action": "worker.signed_off", "worker": worker.name})


def is_here(worker: Worker) -> bool:
    """Say whether a worker runs (or ran) where this process can see and end it."""
    return worker.host == this_host()


def is_gone(worker: Worker) -> bool:
    """Say whether a worker has surely stopped: it signed off, its process is gone, or its machine was started anew."""
    if worker.ended_at is not None:
        return True
    if is_here(worker):
        return worker.started != 0 and started(worker.pid) != worker.started
    name, boot, _ = worker.host.split("/")
    mine, now, _ = this_host().split("/")
    return bool(name == mine and boot and now and boot != now)


def end(worker: Worker) -> bool:
    """Kill a worker's process on this machine and see it gone; False when that cannot be seen within 2 s."""
    if not is_here(worker):
        return False
    if not is_gone(worker):
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGKILL)
    deadline = time.monotonic() + 2
    while not is_gone(worker):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
