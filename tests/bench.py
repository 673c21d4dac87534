"""`make bench`: this product beside Nornir+Netmiko, AsyncSSH and ssh2-python on the same fleet in the same run.

All do the same work on N simulated Cisco IOS-like devices: log in, enable, paging off, then one of
`bench_clients.WORKS` (`full`: read the version and the configuration of 28 KB, configure three lines, read it again),
log out. The product goes its whole way (run, plan, Celery worker, database, every line stored); the others store
nothing. What the fleet itself spends on the same two cores is printed beside them, for it bounds all of them; with Go
at hand the fleet is `tests/fleet`, which costs a third of the simulator.
"""

import argparse
import gc
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests import bench_clients
from tests.bench_texts import TEXTS

ROOT = Path(__file__).resolve().parent.parent
PORT = 2622


def fleet(folder, count, delay=0.0, kind="simulator", texts="simulator", one_key=False):
    """Start a fleet of IOS-like devices that wait so many seconds before each answer; return the process and the
    addresses.

    With `one_key` all show the same host key, as boxes made from one image do.
    """
    specs = [
        {"address": f"127.60.{i // 200}.{i % 200 + 1}", "platform": "cisco_ios", "name": f"bench-{i:04d}"}
        for i in range(count)
    ]
    (folder / "fleet.json").write_text(json.dumps(specs))
    (folder / "texts.json").write_text(json.dumps(TEXTS[texts]()))
    words = _go_fleet(folder, specs, delay) if kind == "go" else _simulator(folder, specs, delay, one_key)
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    return process, [spec["address"] for spec in specs]


def _simulator(folder, specs, delay, one_key):
    words = f"manage.py simulate_fleet --inventory {folder}/fleet.json --port {PORT}".split()
    faults = ({"delay": delay} if delay else {}) | ({"image": "bench"} if one_key else {})
    if faults:
        (folder / "faults.json").write_text(json.dumps({spec["address"]: faults for spec in specs}))
        words += ["--scenario", str(folder / "faults.json")]
    return [sys.executable, *words]


def _go_fleet(folder, specs, delay):
    """Build `tests/fleet`, which needs Debian's golang-go and golang-golang-x-crypto-dev, and give it its texts."""
    settings = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(folder / "go")}
    build = ["go", "build", "-o", str(folder / "fleet"), "tests/fleet/main.go"]
    subprocess.run(build, cwd=ROOT, env=os.environ | settings, check=True)
    return [str(folder / "fleet"), f"{folder}/fleet.json", f"{folder}/texts.json", str(PORT), str(int(delay * 1000))]


def cpu_of(pid):
    """Return user and system CPU seconds of a living process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_of(pid):
    """Return the resident set of a living process in KiB."""
    return next(
        int(line.split()[1])
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmHWM")
    )


class Product:
    """The product with one tenant that owns the fleet: database, broker and workers of its own."""

    def __init__(self, folder, addresses, threads, processes, work):
        os.environ["INTERLOCK_VAR"], os.environ["INTERLOCK_DEMO"] = str(folder / "var"), "1"
        os.environ["INTERLOCK_ALLOWED_TARGETS"] = "127.0.0.0/8"
        sys.path.insert(0, str(ROOT))
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        import django

        django.setup()
        from django.conf import settings
        from django.core.management import call_command

        from jobs.demo import processes as children
        from jobs.demo import world

        call_command("migrate", verbosity=0)
        world.load(24, PORT)
        self._devices(addresses)
        self.template = self._template(work)
        self.children = children.Processes(settings.VAR)
        children.start_broker(self.children)
        celery = ["celery", *"-A config worker -P threads -l WARNING --without-gossip --without-mingle".split()]
        for n in range(processes):
            words = children.module(*celery, "-n", f"bench{n}@%h", "-c", str(threads), "-Q", "agent.acme.acme-agent-1")
            self.children.start(f"worker{n}", words)
        self._wait()

    def _devices(self, addresses):
        from devices.models import Device, Network, Tenant

        tenant = Tenant.objects.get(key="acme")
        network = Network.objects.filter(tenant=tenant).first()
        Device.objects.bulk_create(
            Device(
                tenant=tenant,
                name=f"bench-{i:04d}",
                address=f"10.200.{i // 200}.{i % 200 + 1}",
                connect_host=a,
                connect_port=PORT,
                platform="cisco_ios",
                network=network,
            )
            for i, a in enumerate(addresses)
        )

    def _wait(self):
        from config.celery import app

        workers = sum(name.startswith("worker") for name in self.children.children)
        ready = lambda: len(app.control.inspect(timeout=0.5).ping() or {}) == workers  # noqa: E731
        self.children.wait_for("The worker", ready, 60)

    def _template(self, work):
        """Make the template that does one of `bench_clients.WORKS`."""
        from devices.models import Tenant
        from templates_app.domain.content import StepKind, TemplateContent, TemplateStep
        from templates_app.services import authoring

        before, change, after = bench_clients.WORKS[work]
        parts = [
            ("Before", StepKind.READ, before),
            ("Change", StepKind.CONFIG, change),
            ("After", StepKind.READ, after),
        ]
        steps = tuple(
            TemplateStep(name=name, kind=kind, commands={"cisco_ios": "\n".join(lines)})
            for name, kind, lines in parts
            if lines
        )
        return authoring.save_template(
            by=None,
            tenant=Tenant.objects.get(key="acme"),
            name=f"Bench {work}",
            description="A measurement.",
            status="ready",
            content=TemplateContent(steps),
        )

    def run(self, count, parallel):
        """Run one job on all bench devices; return the same figures as `nornir`, and how many results are stored."""
        from dataclasses import replace

        from django.contrib.auth.models import User
        from django.db import connection

        from devices.domain.selection import DeviceSearch, DeviceSelection, SelectionMode
        from devices.models import Agent
        from jobs.authoring import drafts
        from jobs.domain.spec import TriggerKind, TriggerSpec
        from jobs.models import DeviceRun, JobRun, StepResult
        from jobs.plan.job_mapping import spec_of

        user = User.objects.get(username="admin")
        steps = len(self.template.current.content.steps)
        pids = [child.pid for name, child in self.children.children.items() if name.startswith("worker")]
        before, started = sum(map(cpu_of, pids)), time.monotonic()
        draft = drafts.start_draft(by=user, template_id=self.template.pk)
        spec = replace(
            spec_of(draft),
            name=f"Bench {time.time_ns()}",
            description="A measurement.",
            max_parallel=parallel,
            snapshots=False,
            agent=Agent.objects.get(queue="agent.acme.acme-agent-1").pk,
            selection=DeviceSelection(SelectionMode.SEARCH, DeviceSearch(text="bench-")),
            triggers=(TriggerSpec(kind=TriggerKind.NOW),),
        )
        drafts.save_draft(by=user, draft=draft, spec=spec)
        # A change is measured as it runs without waiting for anybody.
        changes = self.template.current.content.changes_devices
        wish = drafts.Wish(reason="A measurement.") if changes else drafts.SAVE
        _, run = drafts.finish_draft(by=user, draft=draft, wish=wish)
        with connection.cursor() as cursor:  # whoever asks so often asks for little: it is the product that is measured
            ended = None
            while ended is None:
                time.sleep(0.02)
                cursor.execute(f"SELECT ended_at FROM {JobRun._meta.db_table} WHERE id = %s", [run.pk])
                (ended,) = cursor.fetchone()
        seconds = time.monotonic() - started
        stored = StepResult.objects.filter(device_run__run=run, status="succeeded", output_size__gt=0).count() // steps
        failed = count - DeviceRun.objects.filter(run=run, status="succeeded").count()
        cpu = sum(map(cpu_of, pids)) - before
        return {"seconds": seconds, "cpu": cpu, "failed": failed, "stored": stored, "rss": sum(map(rss_of, pids))}

    def stop(self):
        """End the children."""
        self.children.stop()


def main():
    """Measure in turns, print medians and ratios; exit 1 below the goal."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", choices=bench_clients.WORKS, default="full")
    parser.add_argument("--devices", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parallel", type=int, default=25)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--goal", type=float, default=1.5)
    parser.add_argument("--fleet", choices=["simulator", "go"], default="go" if shutil.which("go") else "simulator")
    parser.add_argument("--delay", type=float, default=0.0, help="Seconds before each answer of a device.")
    parser.add_argument("--one-key", action="store_true", help="All devices show one host key (the simulator's).")
    parser.add_argument("--clients", nargs="*", choices=bench_clients.CLIENTS, default=list(bench_clients.CLIENTS))
    parser.add_argument("--texts", choices=TEXTS, default="simulator", help="What the fleet 'go' prints.")
    options = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    folder = Path(tempfile.mkdtemp(prefix="interlock-bench-"))
    kind = "simulator" if options.one_key else options.fleet
    simulator, addresses = fleet(folder, options.devices, options.delay, kind, options.texts, options.one_key)
    rounds = {name: [] for name in ("Interlock", *options.clients)}
    product = None
    try:
        product = Product(folder, addresses, options.parallel, options.processes, options.work)
        product.run(options.devices, options.parallel)  # warm up: imports, host keys pinned
        gc.collect()
        gc.freeze()  # as every process of the product does
        for _ in range(options.rounds):
            for name, results in rounds.items():
                before = cpu_of(simulator.pid)
                if name == "Interlock":
                    figures = product.run(options.devices, options.parallel)
                else:
                    figures = bench_clients.run(name, addresses, PORT, options.parallel, options.work)
                results.append({**figures, "fleet": cpu_of(simulator.pid) - before})
    finally:
        if product:
            product.stop()
        simulator.terminate()
        simulator.wait()
    report(rounds, options)


def report(rounds, options):
    """Print the table; exit 1 when a device failed, a result is missing or the ratio is below the goal."""
    late = f", {options.delay:g} s before each answer" if options.delay else ""
    print(
        f"\n{options.devices} devices, work '{options.work}'{late}, {options.parallel} at a time, "
        f"fleet '{options.fleet}', texts '{options.texts}', median of {options.rounds} rounds"
    )
    print(
        f"{'client':<18} {'devices/s':>9} {'CPU ms/device':>14} {'fleet ms':>9} "
        f"{'RSS MB':>8} {'failed':>7} {'stored':>7}  devices/s of each round"
    )
    speeds = {}
    for name, results in rounds.items():
        speed = statistics.median(options.devices / r["seconds"] for r in results)
        cpu = statistics.median(r["cpu"] / options.devices * 1000 for r in results)
        fleet_cpu = statistics.median(r["fleet"] / options.devices * 1000 for r in results)
        failed, stored = sum(r["failed"] for r in results), min(r.get("stored", 0) for r in results)
        speeds[name] = (speed, cpu)
        each = " ".join(f"{options.devices / r['seconds']:.0f}" for r in results)
        print(
            f"{name:<18} {speed:>9.1f} {cpu:>14.2f} {fleet_cpu:>9.2f} "
            f"{max(r['rss'] for r in results) / 1024:>8.0f} {failed:>7} {stored:>7}  {each}"
        )
    ours, theirs, alone = (speeds.get(name) for name in ("Interlock", "Nornir+Netmiko", "Our sessions alone"))
    complete = all(r["failed"] == 0 and r["stored"] == options.devices for r in rounds["Interlock"])
    if theirs:
        print(
            f"\ndevices/s: {ours[0] / theirs[0]:.2f} x Nornir+Netmiko (goal {options.goal}); "
            f"CPU: {ours[1] / theirs[1]:.2f} x"
        )
        complete = complete and ours[0] / theirs[0] >= options.goal
    if alone:
        print(f"devices/s: {ours[0] / alone[0]:.2f} x our sessions alone, in one process, with nothing stored")
    sys.exit(0 if complete else 1)


if __name__ == "__main__":
    main()
