"""Two beats and two workers as real processes, one beat killed half-way; then a scheduler that was away for three
hours."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import servers
from tests.e2e.conftest import ROOT, need

DUE = 1_000
#: Seconds that `slowness` takes on the machine whose figures stand in docs/explanation/performance.md.
USUAL = 0.25
WORKER = (
    "celery -A config worker -P threads -c 40 -l WARNING --without-gossip --without-mingle "
    "-Q celery,agent.acme.acme-agent-1"
)
BEAT = "celery -A config beat -l WARNING --pidfile="

POPULATE = """
import django, sys; django.setup()
from datetime import datetime, timedelta
from django.core.management import call_command
from django.utils import timezone
call_command("migrate", verbosity=0)
from devices.models import Device, Tenant
from jobs.demo import world
from jobs.domain.spec import TriggerKind
from jobs.domain.overlap import Overlap
from jobs.models import JobDevice, ServiceJob, Trigger
from tests import make
world.load(24, 1)
tenant = Tenant.objects.get(key="acme")
first = make.devices(tenant, "linux")[0]
model = make.job(
    make.user("acme-operator"),
    make.template(tenant),
    [first],
    triggers=(),
    overlap=Overlap.ALLOW,
    needs_schedule=False,
)[0]
devices = [
    Device(
        tenant=tenant,
        name=f"far-{n:04}",
        address=f"10.9.{n // 250}.{n %% 250 + 1}",
        connect_host=f"127.9.{n // 250}.{n %% 250 + 1}",
        connect_port=1,
        platform="linux",
        network=first.network,
    )
    for n in range(%d)
]
Device.objects.bulk_create(devices)
columns = {
    f.attname: getattr(model, f.attname) for f in ServiceJob._meta.concrete_fields if f.name not in ("id", "name")
}
jobs = ServiceJob.objects.bulk_create(ServiceJob(name=f"Job {n}", **columns) for n in range(len(devices)))
JobDevice.objects.bulk_create(JobDevice(tenant=tenant, job=job, device=device) for job, device in zip(jobs, devices))
at = timezone.now().replace(microsecond=0) + timedelta(seconds=18)
rule = {"kind": "once", "time_zone": "UTC", "start_at": at.replace(tzinfo=None).isoformat()}
Trigger.objects.bulk_create(
    Trigger(tenant=tenant, job=job, kind=TriggerKind.ONCE, name=f"t{n}", rule=rule, next_run_at=at)
    for n, job in enumerate(jobs)
)
print(at.timestamp())
"""

FATES = """
import django; django.setup()
import json, time
from django.db.models import Count
from jobs.models import JobRun, Trigger
rows = JobRun.objects.filter(trigger__name__startswith="t")
still_open = rows.filter(status__in=["queued", "waiting", "running"])
until = time.monotonic() + 90
while time.monotonic() < until and (rows.count() < %d or still_open.all().exists()):
    time.sleep(1)
late = sorted((r.created_at - r.scheduled_for).total_seconds() for r in rows)
begun = sorted(r.lateness.total_seconds() for r in rows if r.started_at)
early = sum((r.started_at or r.created_at) < r.scheduled_for or r.created_at < r.scheduled_for for r in rows)
fates = {
    "runs": len(late),
    "distinct": rows.values("trigger", "scheduled_for").distinct().count(),
    "early": early,
    "late": late,
    "begun": begun,
    "open": still_open.all().count(),
    "statuses": dict(rows.values_list("status").annotate(Count("pk")).order_by()),
    "left": Trigger.objects.filter(name__startswith="t", next_run_at__isnull=False).count(),
}
print(json.dumps(fates))
"""

OUTAGE = """
import django; django.setup()
from datetime import timedelta
from django.utils import timezone
from jobs.domain.spec import TriggerKind
from jobs.models import Pulse, ServiceJob, Trigger
now = timezone.now().replace(second=0, microsecond=0)
start = now - timedelta(hours=3, minutes=5)
rule = {"kind": "every", "time_zone": "UTC", "start_at": start.replace(tzinfo=None).isoformat(), "interval": "PT30M"}
job = ServiceJob.objects.filter(overlap="allow", status="saved").first()
policies = {
    "skip": {"missed": "skip"},
    "grace": {"missed": "once", "grace_minutes": 15},
    "short": {"missed": "once", "grace_minutes": 1},
    "catch": {"missed": "catch_up", "catch_up": 3},
}
every = {"tenant": job.tenant, "job": job, "kind": TriggerKind.EVERY, "rule": rule, "next_run_at": start}
for name, columns in policies.items():
    Trigger.objects.create(name=f"out-{name}", **every, **columns)
"""

ROWS = """
import django; django.setup()
import json
from jobs.models import JobRun, Trigger
from django.utils import timezone
found = {}
for run in JobRun.objects.filter(trigger__name__startswith="out-").order_by("scheduled_for").select_related("trigger"):
    found.setdefault(run.trigger.name, []).append([run.status, run.reason])
ahead = all(t.next_run_at > timezone.now() for t in Trigger.objects.filter(name__startswith="out-"))
print(json.dumps([found, ahead]))
"""


class Site:
    """One database, one broker, and processes that serve them."""

    def __init__(self, folder, database, broker):
        clean = {k: v for k, v in os.environ.items() if k not in ("BROKER_URL", "INTERLOCK_VAR", "DATABASE_URL")}
        more = {"DATABASE_URL": database} if database else {}
        self.folder = folder
        self.environment = {
            **clean,
            "INTERLOCK_VAR": str(folder),
            "INTERLOCK_DEMO": "1",
            "INTERLOCK_ALLOWED_TARGETS": "127.0.0.0/8",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "BROKER_URL": broker,
            "INTERLOCK_CONNECT_TRIES": "1",
            "PYTHONPATH": str(ROOT),
            **more,
        }
        self.children = []

    def python(self, code):
        """Run a script; return what it printed."""
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""

    def start(self, words, *more):
        """Start a Celery process with its own log."""
        log = (self.folder / f"{len(self.children)}.log").open("w")
        child = subprocess.Popen(
            [sys.executable, "-m", *words.split(), *more], cwd=ROOT, env=self.environment, stdout=log, stderr=log
        )
        self.children.append(child)
        return child

    def stop(self):
        """End what runs."""
        for child in self.children:
            if child.poll() is None:
                child.terminate()
        for child in self.children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(15)
            child.kill()
            child.wait()


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request, tmp_path):
    need(Path("/usr/bin/redis-server").exists(), "Redis is not installed: 'apt install redis-server'.")
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(servers.postgres()) if request.param == "postgresql" else ""
        found = Site(tmp_path, database, stack.enter_context(servers.redis()))
        stack.callback(found.stop)
        yield found


def slowness():
    """Return how many times as long as usual a fixed piece of work takes here, at least 1: other tenants share the
    machine."""
    started = time.perf_counter()
    sum(i * i for i in range(3_000_000))
    return max(1.0, (time.perf_counter() - started) / USUAL)


def wait_until(check, seconds, step=0.5):
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, "It did not happen in time."
        time.sleep(step)
    return found


@pytest.mark.timeout(280)
def test_a_thousand_at_once_with_a_killed_beat_and_then_three_hours_of_silence(site):
    at = float(site.python(POPULATE % DUE))
    beats = [site.start(BEAT, "-s", str(site.folder / f"beat{n}")) for n in range(2)]
    workers = [site.start(WORKER, "-n", f"w{n}@here") for n in range(2)]
    time.sleep(max(0, at - time.time()) + 0.7)
    beats[0].send_signal(signal.SIGKILL)
    time.sleep(12)  # looking on would take a part of the two cores
    found = json.loads(site.python(FATES % DUE))
    print(
        {k: v for k, v in found.items() if k not in ("late", "begun")},
        {k: round(found[k][int(DUE * 0.99) - 1], 2) for k in ("late", "begun")},
    )
    assert found["runs"] == found["distinct"] == DUE and found["early"] == 0 and found["left"] == 0
    assert set(found["statuses"]) == {"failed"} and len(found["begun"]) == DUE, (
        "each was tried on its device, which is down"
    )
    assert found["late"][int(DUE * 0.99) - 1] <= 5
    assert found["begun"][int(DUE * 0.99) - 1] <= 5 * slowness()
    for child in [*beats[1:], *workers]:
        child.terminate()
        child.wait(20)
    site.python(OUTAGE)
    site.start(BEAT, "-s", str(site.folder / "beat2"))
    site.start(WORKER, "-n", "w2@here")
    rows, ahead = wait_until(lambda: (f := json.loads(site.python(ROWS)))[0] and _ended(f[0]) and f, 60, 2)
    assert ahead
    missed = ["skipped"] * 7
    assert [status for status, _ in rows["out-skip"]] == missed == [status for status, _ in rows["out-short"]]
    assert [status for status, _ in rows["out-grace"]] == [*missed[1:], "failed"]
    assert [status for status, _ in rows["out-catch"]] == [*missed[3:], "failed", "failed", "failed"]
    assert all("Missed" in reason for fates in rows.values() for status, reason in fates if status == "skipped")


def _ended(rows):
    return len(rows) == 4 and all(status in ("skipped", "failed") for fates in rows.values() for status, _ in fates)


@pytest.mark.timeout(120)
def test_without_any_beat_a_worker_ticks_by_itself(site):
    at = float(site.python(POPULATE % 20))
    site.start(WORKER, "-n", "alone@here")
    time.sleep(max(0, at - time.time()))
    found = json.loads(site.python(FATES % 20))
    assert found["runs"] == 20 and found["early"] == 0 and found["late"][-1] <= 25
