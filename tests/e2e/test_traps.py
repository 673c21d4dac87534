"""A device's configuration-change trap begins its backup: real receiver, real worker, net-snmp's trap."""

import json
import shutil
import subprocess
import sys
import time
import urllib.request

from tests import servers
from tests.e2e.conftest import ROOT, need

GOLDEN = ROOT / "tests" / "golden" / "opsramp" / "networkconfigbackup.request.json"


def call(demo, method, path, body=None):
    request = urllib.request.Request(
        demo.url + path,
        method=method,
        data=json.dumps(body).encode() if body is not None else None,
        headers={"Authorization": "Bearer demo-client13-admin", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def test_a_changed_device_is_backed_up_within_five_seconds_of_its_trap(demo, tmp_path):
    need(shutil.which("snmptrap"), "net-snmp's snmptrap is not installed: 'apt install snmp'.")
    body = {**json.loads(GOLDEN.read_text()), "name": "Backup on trap", "jobQueued": "false"}
    job = call(demo, "POST", "/api/v2/tenants/client_13/jobs", body)
    device = call(demo, "GET", f"/api/v1/devices/{job['entities'][0]['resource']['id']}/")
    port = servers.free_port()
    environment = {
        **demo.environment,
        "INTERLOCK_VAR": str(demo.var),
        "INTERLOCK_TRAP_COMMUNITY": "traps",
        "INTERLOCK_DEMO": "1",
    }
    log = (tmp_path / "traps.log").open("w")
    words = [sys.executable, "manage.py", "receive_traps", "--listen", "0.0.0.0", "--port", str(port)]  # noqa: S104
    receiver = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 30
        while "Traps are received" not in (tmp_path / "traps.log").read_text():
            assert receiver.poll() is None and time.monotonic() < until, (tmp_path / "traps.log").read_text()
            time.sleep(0.1)
        sent = time.monotonic()
        words = [
            "snmptrap",
            "-v",
            "2c",
            "-c",
            "traps",
            f"--clientaddr={device['connect_host']}",
            f"127.0.0.1:{port}",
            "",
        ]
        subprocess.run([*words, "1.3.6.1.4.1.9.9.43.2.0.1"], check=True, timeout=20)
        while True:
            rows = call(demo, "GET", "/api/v1/runs/?search=Backup+on+trap")["results"]
            if rows and rows[0]["ended_at"]:
                break
            assert time.monotonic() - sent < 5, (rows, (tmp_path / "traps.log").read_text())
            time.sleep(0.1)
        print(f"backed up {time.monotonic() - sent:.1f} s after the trap")
        assert (rows[0]["status"], rows[0]["device_count"]) == ("succeeded", 1)
        kept = call(demo, "GET", f"/api/v1/snapshots/?search={device['name']}")["results"]
        assert {row["kind"] for row in kept if f"run {rows[0]['id']}" in row["reason"]} == {"running", "startup"}
    finally:
        receiver.terminate()
        receiver.wait(10)
