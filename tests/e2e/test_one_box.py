"""Two worker processes, each with a customer of its own, and boxes that are records of both at two addresses."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from itertools import groupby

import pytest

from tests import servers
from tests.e2e.conftest import ROOT, need

BOXES = 6
#: Migrates, makes the records, starts a change of each customer on all boxes at once, and waits for both to end.
SCRIPT = """
import django, json, subprocess, sys, time; django.setup()
from django.core.management import call_command
from devices.models import Device, Tenant
from jobs.demo import world
from jobs.models import JobRun
from tests import make
port, boxes = int(sys.argv[1]), int(sys.argv[2])
call_command("migrate", verbosity=0)
world.load(24, port)
runs, workers = [], []
for block, (key, by) in enumerate((("acme", "acme-admin"), ("globex", "msp-admin"))):
    tenant = Tenant.objects.get(key=key)
    network = Device.objects.filter(tenant=tenant).first().network
    devices = [
        Device(tenant=tenant, name=f"box-{n}", address=f"10.99.0.{n + 1}", connect_host=f"127.{61 + block}.0.{n + 1}",
               connect_port=port, platform="cisco_ios", network=network)
        for n in range(boxes)
    ]
    Device.objects.bulk_create(devices)
    lines = "\\n".join(f"ntp server 198.51.{100 + block}.{n}" for n in range(1, 5))
    template = make.new_template(tenant, {"cisco_ios": lines}, "config")
    runs.append(make.job(make.user(by), template, devices, snapshots=False)[1])
    words = [sys.executable, "-c", sys.argv[3], f"agent.{key}.{key}-agent-1"]
    workers.append(subprocess.Popen(words, stdin=subprocess.PIPE, stdout=sys.stderr))
try:
    deadline = time.monotonic() + 90
    while JobRun.objects.filter(pk__in=[run.pk for run in runs], ended_at=None).exists():
        assert time.monotonic() < deadline, "the runs do not end"
        time.sleep(0.2)
finally:
    for worker in workers:
        worker.stdin.close()
    for worker in workers:
        worker.wait(30)
print(json.dumps([sorted(run.device_runs.values_list("status", "message")) for run in runs]))
"""
#: Works on the devices of one agent until its input ends.
WORKER = """
import django, sys; django.setup()
from jobs.worker.engine import Engine
engine = Engine([sys.argv[1]])
engine.start()
sys.stdin.read()
engine.stop(20)
"""


@contextlib.contextmanager
def fleet(folder, port):
    specs = [{"address": f"127.61.0.{n + 1}", "platform": "cisco_ios", "name": f"core-{n}"} for n in range(BOXES)]
    faults = {spec["address"]: {"also": [f"127.62.0.{n + 1}"], "delay": 0.15} for n, spec in enumerate(specs)}
    (folder / "fleet.json").write_text(json.dumps(specs))
    (folder / "faults.json").write_text(json.dumps(faults))
    words = f"manage.py simulate_fleet --inventory {folder}/fleet.json --port {port} --scenario {folder}/faults.json"
    process = subprocess.Popen(
        [sys.executable, *words.split(), "--log", str(folder / "log")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        process.stdout.readline()
        yield folder / "log"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


@contextlib.contextmanager
def database(kind):
    if kind == "sqlite":
        yield ""
        return
    with contextlib.ExitStack() as stack:
        try:
            url = stack.enter_context(servers.postgres())
        except RuntimeError as error:
            need(False, str(error))
        yield url


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_processes_change_a_box_one_after_the_other_that_neither_knew(tmp_path, kind):
    port = servers.free_port()
    with fleet(tmp_path, port) as log, database(kind) as url:
        environment = {k: v for k, v in os.environ.items() if k not in ("BROKER_URL", "INTERLOCK_VAR", "DATABASE_URL")}
        environment |= {"INTERLOCK_VAR": str(tmp_path / "var"), "INTERLOCK_DEMO": "1", "DATABASE_URL": url}
        environment["BROKER_URL"] = "memory://"
        environment |= {"DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(port), str(BOXES), WORKER],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, done.stderr[-4000:]
        rows = [row for row in map(json.loads, log.read_text().splitlines()) if "command" in row]
    for statuses in json.loads(done.stdout.splitlines()[-1]):
        assert [status for status, _ in statuses] == ["succeeded"] * BOXES, statuses
    together = 0
    for number in range(BOXES):
        mine = [row for row in rows if row["device"] == f"127.61.0.{number + 1}"]
        changing = [row["session"] for row in mine if "ntp server" in row["command"]]
        assert len(changing) == 8
        blocks = [session for session, _ in groupby(changing)]
        assert len(blocks) == 2, f"the changes of {mine[0]['device']} interleave: {changing}"
        together += len({row["session"] for row in mine}) > 2
    assert together, "at least one box was logged in to by both at once, or this shows nothing"
