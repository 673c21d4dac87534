"""`manage.py demo` as a process: ready in time, clear about what is wrong, and gone without a trace."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import venv

import pytest

from tests import servers
from tests.e2e.conftest import ROOT, Demo


def runs(url):
    request = urllib.request.Request(f"{url}/api/v1/runs/", headers={"Authorization": "Bearer demo-acme-operator"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read().decode()


def smoke(demo, python=sys.executable):
    words = [python, "manage.py", "smoke", "--url", demo.url, "--var", str(demo.var)]
    return subprocess.run(words, cwd=ROOT, env=demo.environment, capture_output=True, text=True, timeout=100)


def test_it_starts_stops_keeps_its_data_and_leaves_no_process(tmp_path):
    first = Demo(tmp_path / "var", devices=16)
    first.wait_until_ready(60)
    assert smoke(first).returncode == 0
    assert "Stopped." in first.stop(signal.SIGINT) and first.process.returncode == 0
    assert first.is_gone()
    second = Demo(tmp_path / "var", devices=16)
    assert second.wait_until_ready() < 30  # 10 s on an idle machine of full speed, which a test run is not on
    assert "Smoke test" in runs(second.url)
    assert "is running on" in Demo(tmp_path / "var", devices=16).wait_for_end()
    second.process.kill()
    assert second.is_gone(), "a killed demo left processes"


def test_a_taken_port_is_said(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        words = [
            sys.executable,
            "manage.py",
            "demo",
            "--var",
            str(tmp_path / "v"),
            "--port",
            str(taken.getsockname()[1]),
        ]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "is taken by another program. Choose another with --port." in done.stderr


def test_smoke_says_when_nothing_answers(tmp_path):
    words = [
        sys.executable,
        "manage.py",
        "smoke",
        "--url",
        f"http://127.0.0.1:{servers.free_port()}/",
        "--var",
        str(tmp_path),
    ]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "Is the demo running?" in done.stderr


def test_reset_clears_the_world(tmp_path):
    var = tmp_path / "var"
    first = Demo(var, devices=16)
    first.wait_until_ready()
    assert smoke(first).returncode == 0
    first.stop()
    words = [
        sys.executable,
        "manage.py",
        "demo",
        "--var",
        str(var),
        "--port",
        str(first.port),
        "--devices",
        "16",
        "--reset",
    ]
    output = tmp_path / "again.out"
    again = subprocess.Popen(words, cwd=ROOT, stdout=output.open("w"), stderr=subprocess.STDOUT, env=first.environment)
    while "Ready:" not in output.read_text():
        assert again.poll() is None, output.read_text()
        time.sleep(0.2)
    listed = runs(first.url)
    assert "Version survey" in listed and "Smoke test" not in listed
    again.send_signal(signal.SIGTERM)
    assert again.wait(30) == 0


def test_it_runs_on_postgresql_and_redis(tmp_path):
    with servers.postgres() as database, servers.redis() as broker:
        demo = Demo(tmp_path / "var", devices=16, DATABASE_URL=database, BROKER_URL=broker)
        demo.wait_until_ready()
        done = smoke(demo)
        demo.stop()
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_runtime_requirements_alone_run_web_worker_and_beat(tmp_path):
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-qq", "-r", ROOT / "requirements.txt"], check=True)
    assert subprocess.run([python, "-c", "import pytest"], capture_output=True).returncode != 0
    demo = Demo(tmp_path / "var", devices=16, python=str(python))
    demo.wait_until_ready()
    done = smoke(demo, str(python))
    demo.stop()
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_bootstrap_never_acts_inside_another_environment(tmp_path):
    venv.create(tmp_path / "env", with_pip=False)
    done = subprocess.run(
        [tmp_path / "env" / "bin" / "python", "manage.py", "demo"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode != 0 and "pip install -r requirements.txt" in done.stderr


@pytest.mark.timeout(300)
def test_two_hundred_devices_are_all_stored_and_faster_than_nornir_with_netmiko():
    environment = {k: v for k, v in os.environ.items() if k not in ("BROKER_URL", "INTERLOCK_VAR", "DATABASE_URL")}
    words = [sys.executable, "-m", "tests.bench", "--devices", "200", "--rounds", "2", "--goal", "1.0"]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
