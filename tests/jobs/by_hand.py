"""Does by hand what workers do: begins runs, claims their devices, ends them."""

from django.utils import timezone

from jobs.models import DeviceRun
from jobs.worker import claims, completion, device_locks
from tests import make


def start(tenant, by, devices, changes=False, **options):
    name = "Set NTP server" if changes else "Show version"
    options = {"variables": {"ntp_server": "198.51.100.7"}, "snapshots": False, **options} if changes else options
    return make.job(by, make.template(tenant, name), devices, **options)[1]


def claim(run=None, limit=50, now=None):
    found = claims.claim(worker=make.worker(), now=now or timezone.now(), limit=limit, only=run.pk if run else None)
    return [item.device_run for item in found]


def end(rows, status="succeeded", reason=""):
    """End device runs as a worker would have, and settle their runs."""
    pks = [row.pk for row in rows]
    ending = {"reason": reason, "ended_at": timezone.now(), "lease_expires_at": None}
    make.end(DeviceRun.objects.filter(pk__in=pks), status, **ending)
    device_locks.release(pks)
    completion.complete({row.run_id for row in rows})


def statuses(run):
    return sorted(run.device_runs.values_list("status", flat=True))
