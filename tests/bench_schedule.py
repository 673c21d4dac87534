"""The scheduler with many triggers, beside django-celery-beat with one PeriodicTask each; `make bench` runs it.

    python -m tests.servers python -m tests.bench_schedule [--triggers 100000] [--beat 20000]

Prints seconds of one tick with nothing due, of claiming, recomputing and enqueueing 1,000 and 10,000 due triggers, and
the memory that the scheduler gained. Exits 1 when a goal is missed.
"""

import argparse
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("INTERLOCK_VAR", tempfile.mkdtemp(prefix="interlock-bench-"))

import django

django.setup()

from django.core.management import call_command
from django.utils import timezone

from config.celery import app
from jobs.dispatch import dispatcher
from jobs.domain.overlap import Overlap
from jobs.domain.spec import TriggerKind
from jobs.models import JobRun, Trigger
from tests import make

GOALS = {"idle": 0.010, 1_000: 0.5, 10_000: 1.5}
JOBS = 100


def rules():
    """Yield schedules of every kind, most of them different from one another."""
    kinds = [
        {"kind": "daily"},
        {"kind": "daily", "every": 3},
        {"kind": "every", "interval": "PT90M"},
        {"kind": "weekly", "weekdays": ["sunday", "tuesday"]},
        {"kind": "monthly", "days": [1, 15, "last"]},
        {"kind": "monthly", "week": "second", "weekday": "sunday"},
        {"kind": "cron", "expression": "*/15 2-4 * * *"},
        {"kind": "cron", "expression": "30 2 * * 1-5"},
    ]
    zones = ["Europe/Berlin", "UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]
    number = 0
    while True:
        minute = number % 1440
        start = f"20{20 + number % 6}-01-{1 + number % 28:02}T{minute // 60:02}:{minute % 60:02}:00"
        yield {**kinds[number % len(kinds)], "time_zone": zones[number % len(zones)], "start_at": start}
        number += 1


def populate(count):
    """Store so many triggers, spread over a hundred jobs, none due."""
    from devices.models import Tenant
    from jobs.demo import world

    call_command("migrate", verbosity=0)
    world.load(24, 2222)
    tenant = Tenant.objects.get(key="acme")
    chosen = make.devices(tenant, "linux")
    operator = make.user("acme-operator")
    owners = [
        make.job(operator, make.template(tenant), chosen, triggers=(), overlap=Overlap.ALLOW, needs_schedule=False)[0]
        for _ in range(JOBS)
    ]
    far, made = timezone.now() + timedelta(days=400), rules()
    rows = [
        Trigger(
            tenant=tenant,
            job=owners[n % JOBS],
            name=f"t{n}",
            kind=TriggerKind(rule["kind"]),
            rule=rule,
            next_run_at=far,
        )
        for n, rule in zip(range(count), made, strict=False)
    ]
    Trigger.objects.bulk_create(rows, batch_size=2000)


def seconds(work):
    """Return how long a call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def due(count):
    """Make so many triggers due at one instant, some seconds ago; return the time of one tick that serves them."""
    moment = timezone.now().replace(microsecond=0) - timedelta(seconds=5)
    fresh = Trigger.objects.filter(runs=None, next_run_at__gt=moment)
    chosen = list(fresh.order_by("pk").values_list("pk", flat=True)[:count])
    Trigger.objects.filter(pk__in=chosen).update(next_run_at=moment)
    before = JobRun.objects.count()
    took = seconds(lambda: dispatcher.dispatch_due(now=timezone.now()))
    assert JobRun.objects.count() - before >= count, "each due trigger has its run"
    assert not Trigger.objects.filter(pk__in=chosen, next_run_at__lte=moment).exists()
    return took


def ours(count):
    """Measure Interlock's tick; returns {what: seconds} and MB gained."""
    populate(count)
    memory = rss()
    now = timezone.now()
    dispatcher.tick(now=now)
    found = {"idle": statistics.median(seconds(lambda: dispatcher.tick(now=now)) for _ in range(30))}
    for size in (1_000, 10_000):
        if size <= count:
            found[size] = statistics.median(due(size) for _ in range(3))
    return found, rss() - memory


def beats(count):
    """Measure django-celery-beat with one PeriodicTask per trigger; returns {what: seconds} and MB gained."""
    from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask, PeriodicTasks
    from django_celery_beat.schedulers import DatabaseScheduler

    crontabs = [
        CrontabSchedule.objects.create(minute=n % 60, hour=n // 60, timezone="Europe/Berlin") for n in range(1440)
    ]
    soon = IntervalSchedule.objects.create(every=1, period="days")
    PeriodicTask.objects.all().delete()
    just = timezone.now()
    PeriodicTask.objects.bulk_create(
        (
            PeriodicTask(
                name=f"t{n}",
                task="jobs.nothing",
                args=json.dumps([n]),
                queue="nobody",
                crontab=crontabs[n % 1440],
                last_run_at=just,
            )
            for n in range(count)
        ),
        batch_size=2000,
    )
    memory = rss()
    app.conf.beat_schedule = {}
    scheduler = DatabaseScheduler(app=app, lazy=True)
    found = {"load": seconds(lambda: (scheduler.setup_schedule(), scheduler.schedule))}
    # Crontabs of this very minute would count as work; the median leaves them out.
    for _ in range(3):
        scheduler.tick()
    found["idle"] = statistics.median(seconds(scheduler.tick) for _ in range(10))
    size = min(1_000, count)
    chosen = list(PeriodicTask.objects.filter(task="jobs.nothing").values_list("pk", flat=True)[:size])
    PeriodicTask.objects.filter(pk__in=chosen).update(
        crontab=None, interval=soon, last_run_at=timezone.now() - timedelta(days=2)
    )
    PeriodicTasks.update_changed()
    sent = 0
    original = scheduler.apply_async

    def counted(*args, **kwargs):
        nonlocal sent
        sent += 1
        return original(*args, **kwargs)

    scheduler.apply_async = counted
    started = time.perf_counter()
    while sent < size and time.perf_counter() - started < 900:
        scheduler.tick()
    found[size] = time.perf_counter() - started
    return found, rss() - memory


def rss():
    """Return the resident memory of this process in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def main():
    """Measure both and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--triggers", type=int, default=100_000)
    parser.add_argument("--beat", type=int, default=20_000, help="0 leaves django-celery-beat out")
    options = parser.parse_args()
    mine, memory = ours(options.triggers)
    print(f"\nInterlock, {options.triggers} triggers: one tick with nothing due {mine['idle'] * 1000:.2f} ms; ", end="")
    print("; ".join(f"{size} due {mine[size]:.2f} s" for size in mine if size != "idle"), f"; {memory:.0f} MB gained")
    if options.beat:
        theirs, gained = beats(options.beat)
        size = max(key for key in theirs if isinstance(key, int))
        print(f"django-celery-beat, {options.beat} PeriodicTasks: load {theirs['load']:.1f} s; ", end="")
        print(f"one tick {theirs['idle'] * 1000:.1f} ms; {size} due {theirs[size]:.1f} s; {gained:.0f} MB gained")
    missed = [str(what) for what, goal in GOALS.items() if mine.get(what, 0) > goal]
    print(f"goals (idle 10 ms, 1,000 in 0.5 s, 10,000 in 1.5 s): {'missed: ' + ', '.join(missed) if missed else 'met'}")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
