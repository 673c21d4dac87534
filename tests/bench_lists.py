"""Every list of the API with 100,000 devices and 1,000,000 device runs; `make bench` runs it on PostgreSQL.

    python -m tests.servers python -m tests.bench_lists [--devices 100000] [--device-runs 1000000]

Prints for each list how many queries it makes and how long it takes (median and 95 of 100 requests): the first page,
one in the middle, other orders, filters and searches, for somebody of one customer and for somebody who sees all. Exits
1 when a goal is missed.
"""

import argparse
import gc
import os
import statistics
import sys
import tempfile
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("INTERLOCK_VAR", tempfile.mkdtemp(prefix="interlock-bench-"))
os.environ.setdefault("INTERLOCK_DEMO", "1")

import django

django.setup()

from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from devices.models import ConfigSnapshot, Device, Notice, Tenant
from jobs.models import DeviceRun, JobRun, ServiceJob, Trigger
from tests import make

MOST_QUERIES, MOST_SECONDS, ROUNDS = 12, 0.150, 12
PEOPLE = ("acme-operator", "acme-admin", "msp-admin")
#: What is asked of a list besides its first page.
MORE = {
    "devices": [
        "?ordering=-name",
        "?platform=linux",
        "?search=far-04999",
        "?page_size=200",
        "?ordering=platform",
        "?search=nowhere",
    ],
    "runs": [
        "?status=failed",
        "?status=queued",
        "?search=Version",
        "?scheduled_from=2030-01-01T00:00:00Z",
        "?search=nowhere",
    ],
    "device-runs": [
        "?status=failed",
        "?run={run}",
        "?device={device}",
        "?search=far-04999",
        "?status=queued",
        "?search=nowhere",
        "?page_size=200",
    ],
    "jobs": ["?status=saved", "?search=Version", "?ordering=name"],
    "triggers": ["?kind=cron", "?job={job}"],
    "snapshots": ["?device={device}", "?search=far-04999"],
    "audit": ["?search=run.started", "?search=nowhere"],
}


def copies(model, count, **changed):
    """Insert copies of a model's first row, `n` counting from 1; `changed` gives SQL for some columns."""
    columns = [f.column for f in model._meta.concrete_fields if f.column != "id" or "id" in changed]
    values = [str(changed.get(column, f"one.{column}")) for column in columns]
    quoted = ", ".join(f'"{column}"' for column in columns)
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # the triggers of the database look at each row
        cursor.execute(
            f"INSERT INTO {table} ({quoted}) SELECT {', '.join(values)} FROM generate_series(1, %s) n, "  # noqa: S608
            f"(SELECT * FROM {table} ORDER BY id LIMIT 1) one",
            [count],
        )
        cursor.execute("SET session_replication_role = origin")


def populate(devices, device_runs):
    """Make a world of that size: four of five devices are acme's, a hundred devices in each run."""
    from jobs.demo import world

    call_command("migrate", verbosity=0)
    world.load(24, 2222)
    acme, other = Tenant.objects.get(key="acme"), Tenant.objects.get(key="globex")
    operator = make.user("acme-operator")
    job, _ = make.job(operator, make.template(acme), make.devices(acme, "linux")[:1])
    tenant = f"CASE WHEN n %% 5 = 0 THEN {other.pk} ELSE {acme.pk} END"
    copies(
        Device,
        devices,
        id="gen_random_uuid()",
        name="'far-' || lpad(n::text, 6, '0')",
        address="('10.0.0.0'::inet + n)",
        tenant_id=tenant,
    )
    runs = device_runs // 100
    make.end(JobRun.objects.filter(job=job), trigger=None)
    make.end(DeviceRun.objects.filter(run__job=job))
    status = "CASE WHEN n %% 50 = 0 THEN 'failed' ELSE 'succeeded' END"
    copies(
        JobRun, runs, tenant_id=tenant, status=status, device_count=100, scheduled_for="now() - n * interval '1 minute'"
    )
    first = JobRun.objects.latest("pk").pk - runs
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE picked AS SELECT row_number() OVER () AS at, id, name, tenant_id "
            "FROM devices_device WHERE name LIKE 'far-%'"
        )
        cursor.execute("CREATE UNIQUE INDEX ON picked (at)")
    device = "(SELECT {} FROM picked WHERE at = n %% " + str(devices) + " + 1)"
    copies(
        DeviceRun,
        device_runs,
        run_id=f"{first} + 1 + (n - 1) / 100",
        device_id=device.format("id"),
        device_name=device.format("name"),
        tenant_id=f"CASE WHEN ((n - 1) / 100 + 1) %% 5 = 0 THEN {other.pk} ELSE {acme.pk} END",
        status=status,
    )
    ConfigSnapshot.objects.create(
        tenant=acme, device=make.devices(acme, "linux")[0], taken_at=job.created_at, sha256="0" * 64
    )
    copies(ConfigSnapshot, devices, device_id=device.format("id"), tenant_id=tenant)
    Notice.objects.create(tenant=acme, recipient=operator, key="n", text="x", url="/", created_at=job.created_at)
    copies(Notice, 10_000, key="'n' || n")
    copies(ServiceJob, 2000, id="gen_random_uuid()", name="'Job ' || n", account_id="NULL", approval_id="NULL")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE owners AS SELECT row_number() OVER () AS at, id FROM jobs_servicejob")
        cursor.execute("CREATE UNIQUE INDEX ON owners (at)")
    rule = """'{"kind": "cron", "start_at": "2026-01-01T00:00:00", "expression": "0 3 * * *"}'"""
    owner = "(SELECT id FROM owners WHERE at = n %% 2000 + 1)"
    copies(Trigger, 10_000, job_id=owner, kind="'cron'", rule=rule, retired="false")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def lists():
    """Return the lists of the API with what is asked of each."""
    from jobs.api.urls import router

    run = JobRun.objects.order_by("-pk")[5]
    row = DeviceRun.objects.order_by("-pk")[50]
    words = {"run": run.pk, "device": row.device_id, "job": run.job_id}
    return {prefix: ["", *(more.format(**words) for more in MORE.get(prefix, []))] for prefix, _, _ in router.registry}


def measure(client, path):
    """Return seconds of each request and the most queries, over the page asked for and the next ones."""
    seconds, queries, url = [], 0, path
    for turn in range(ROUNDS):
        with CaptureQueriesContext(connection) as captured:
            started = time.perf_counter()
            answer = client.get(url)
            spent = time.perf_counter() - started
        assert answer.status_code == 200, (url, answer.content[:300])
        queries = max(queries, len(captured))
        if turn:  # the first one fills the caches of the process
            seconds.append(spent)
        url = answer.json()["next"] or path
    return seconds, queries


def main():
    """Populate, measure, print; exit 1 when a goal is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--devices", type=int, default=100_000)
    parser.add_argument("--device-runs", type=int, default=1_000_000)
    options = parser.parse_args()
    started = time.perf_counter()
    populate(options.devices, options.device_runs)
    print(
        f"{options.devices:,} devices and {options.device_runs:,} device runs "
        f"made in {time.perf_counter() - started:.0f} s"
    )
    client = APIClient(SERVER_NAME="localhost")
    client.get("/api/v1/")  # everything is loaded; then as `config.wsgi` does
    gc.collect()
    gc.freeze()
    wrong = []
    print(f"{'list':<24} {'queries':>7} {'median ms':>10} {'p95 ms':>8}   slowest")
    for prefix, asked in lists().items():
        every, most, slowest = [], 0, (0.0, "", "")
        for person in PEOPLE:
            client = APIClient(SERVER_NAME="localhost")
            client.credentials(HTTP_AUTHORIZATION=f"Bearer demo-{person}")
            for more in asked:
                seconds, queries = measure(client, f"/api/v1/{prefix}/{more}")
                every, most = every + seconds, max(most, queries)
                slowest = max(slowest, (statistics.median(seconds), more, person))
        p95 = statistics.quantiles(every, n=20)[-1]
        print(
            f"{prefix:<24} {most:>7} {statistics.median(every) * 1000:>10.1f} {p95 * 1000:>8.1f}   "
            f"{slowest[0] * 1000:.1f} {slowest[1]} {slowest[2]}",
            flush=True,
        )
        if most > MOST_QUERIES or p95 > MOST_SECONDS:
            wrong.append(prefix)
    print(
        f"Goal missed: {', '.join(wrong)}"
        if wrong
        else f"At most {MOST_QUERIES} queries and {MOST_SECONDS * 1000:.0f} ms everywhere."
    )
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
