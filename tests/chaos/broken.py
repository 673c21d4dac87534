"""Builds that lack a part of the protocol: the harness must catch each, or it could not fail."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F

from devices.services import workers
from jobs.models import DeviceRun
from jobs.models.sql import claims
from jobs.worker import device_locks, journal, leases, recovery


def break_it(what):
    """Take a part of the protocol out of this process."""
    if what:
        {"resume": resume, "no_fence": no_fence, "eager_unlock": eager_unlock}[what]()


def resume():
    """An abandoned device run is queued again from its beginning, as a message broker's redelivery would."""

    def again(rows, now, quarantined=False):
        with transaction.atomic():
            _queue_again(rows)
        return len(rows)

    recovery.interrupt = again


def _queue_again(rows):
    for row in rows:
        DeviceRun.objects.filter(pk=row.pk, status="running").update(
            status="queued", token=F("token") + 1, lease_expires_at=None
        )
        device_locks.release([row.pk])


def no_fence():
    """A worker that lost its lease goes on, and the reaper declares without killing."""
    workers.end = lambda worker: True
    leases.lose = lambda journal: None
    journal.Journal.check = lambda self: None
    claims.intend = lambda rows: {_write(*row) for row in rows}


def _write(pk, token, intended, confirmed):
    DeviceRun.objects.filter(pk=pk).update(intended=intended, confirmed=confirmed)
    return pk


def eager_unlock():
    """The reaper declares without killing, its devices are free at once, and the worker sends what it was about to
    send.

    A worker that hangs up by itself, when it wakes, would now and then be faster than its own next line.
    """
    workers.end = lambda worker: True
    leases.lose = lambda journal: None
    recovery.workers.GUARD = timedelta(0)
    journal.Journal.check = lambda self: None
