"""Keep what a worker owns: renew its leases together, hang up where one is lost, notice cancel requests."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from datetime import datetime

from django.db.models import Q

from devices.models import Worker
from devices.services.workers import GUARD, LEASE, update_free
from jobs.domain.states import RunStatus
from jobs.log_fields import of_device_run
from jobs.models import DeviceRun
from jobs.worker.journal import SAFE_SECONDS, Journal

log = logging.getLogger(__name__)
#: How often (seconds) leases are renewed: several times before the margin is used up.
RENEW_SECONDS = min(5.0, (LEASE - 2 * GUARD).total_seconds() / 3)


def renew(*, worker: Worker, journals: Mapping[int, Journal], now: datetime) -> bool:
    """Renew the leases of the device runs (id → journal) that this worker works on; `now` is the database's time.

    What can no longer be renewed is lost: its connection is closed at once. Nothing is waited for, not even this
    worker's own commits, so that one that hangs costs no other device its lease: False when a row was locked, and is to
    be renewed soon.
    """
    began = time.monotonic()
    mine = DeviceRun.objects.filter(
        worker=worker, status=RunStatus.RUNNING, lease_expires_at__gt=now, pk__in=list(journals)
    )
    free = update_free(mine, lease_expires_at=now + LEASE)
    kept = dict(mine.values_list("pk", "token"))
    for pk, journal in journals.items():
        if kept.get(pk) != journal.device_run.token:
            lose(journal)
        elif pk in free:
            journal.owned_until = began + SAFE_SECONDS
    return free >= kept.keys()


def watch_margin(journals: Mapping[int, Journal]) -> None:
    """Hang up where the lease is about to end without having been renewed."""
    for journal in journals.values():
        if time.monotonic() > journal.owned_until:
            lose(journal)


def lose(journal: Journal) -> None:
    """Send nothing more for a device run."""
    if not journal.lost:
        journal.lost = True
        journal.hang_up()
        row = journal.device_run
        words = "Device run %s is no longer this worker's, which hangs up."
        log.warning(words, row.pk, extra={"action": "lease.lost", **of_device_run(row)})


def notice_cancels(journals: Mapping[int, Journal]) -> None:
    """Stop the device runs whose run, or which themselves, somebody cancelled."""
    if not journals:
        return
    asked = Q(cancel_requested_at__isnull=False) | Q(run__cancel_requested_at__isnull=False)
    for pk in DeviceRun.objects.filter(asked, pk__in=list(journals)).values_list("pk", flat=True):
        journals[pk].cancelled = True
