"""The engine under fire: twenty failpoint cells, a short storm, a build that must be caught, and a broker that is
gone."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, Demo

#: Seconds.
OUTAGE = float(os.environ.get("BROKER_OUTAGE", 15))


@pytest.mark.timeout(400)
def test_twenty_cells_a_short_storm_and_a_build_that_must_be_caught():
    words = [sys.executable, "-m", "tests.chaos", "quick"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=390)
    print(done.stdout[-4000:], done.stderr[-2000:])
    assert done.returncode == 0 and "Nothing is wrong." in done.stdout and done.stdout.count(" ok ") == 20


@pytest.mark.timeout(150 + OUTAGE)
def test_without_a_broker_runs_begin_by_polling_and_nobody_sees_an_error(tmp_path):
    """The broker goes away; what people start is found in the database. BROKER_OUTAGE gives the seconds (here 15)."""
    running = Demo(tmp_path / "var", devices=16)
    try:
        running.wait_until_ready()
        (broker,) = [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and _is_broker(entry, running.var)]
        job = call(running, "jobs/")["results"][0]
        os.kill(broker, 19)  # it hangs, which is worse than being gone
        waits, until = [], time.monotonic() + OUTAGE
        while time.monotonic() < until:
            made = call(running, f"jobs/{job['id']}/run/", "POST")
            asked = time.monotonic()
            while call(running, f"runs/{made['id']}/")["started_at"] is None:
                assert time.monotonic() - asked < 20
                time.sleep(0.1)
            waits.append(time.monotonic() - asked)
            time.sleep(2)
        os.kill(broker, 18)
        waits.sort()
        print(
            f"{len(waits)} runs began {waits[len(waits) // 2]:.2f} s (median), "
            f"{waits[-1]:.2f} s (last) after the answer"
        )
        assert waits[-1] <= 5
    finally:
        running.stop()


def call(running, path, method="GET"):
    """Call the API as an operator; an error of the server fails the test."""
    headers = {"Authorization": "Bearer demo-acme-operator"}
    request = urllib.request.Request(f"{running.url}/api/v1/{path}", method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def _is_broker(entry, var):
    try:
        words = Path(f"/proc/{entry}/cmdline").read_text().split("\0")
    except OSError:
        return False
    return any("redis-server" in word or "valkey" in word for word in words[:1]) and any(
        str(var) in word for word in words
    )
