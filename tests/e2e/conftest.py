"""Real processes for the end-to-end tests: the demo in each of its two forms, and a browser."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import servers

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items):
    for item in items:
        if "e2e" in item.nodeid:
            item.add_marker("e2e")


def need(condition, why):
    """Skip with the reason; in CI nothing may be skipped, so fail there."""
    if not condition:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)


class Demo:
    """A running `manage.py demo`, or that of another command line, in another folder."""

    def __init__(self, var, devices=24, python=sys.executable, command=None, cwd=ROOT, **environment):
        self.var, self.port = Path(var), servers.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        clean = {k: v for k, v in os.environ.items() if k not in ("BROKER_URL", "INTERLOCK_VAR", "DATABASE_URL")}
        self.environment = {**clean, **environment, "PYTHONUNBUFFERED": "1"}
        words = [
            *(command or [python, "manage.py"]),
            "demo",
            "--var",
            str(var),
            "--port",
            str(self.port),
            "--devices",
            str(devices),
        ]
        self.output = self.var.parent / f"{self.var.name}-{self.port}.out"
        self.process = subprocess.Popen(
            words, cwd=cwd, env=self.environment, stdout=self.output.open("w"), stderr=subprocess.STDOUT
        )
        self.started = time.monotonic()

    def wait_until_ready(self, seconds=90):
        while "Ready:" not in self.output.read_text():
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() - self.started < seconds, self.output.read_text()
            time.sleep(0.1)
        return time.monotonic() - self.started

    def wait_for_end(self, seconds=40):
        self.process.wait(seconds)
        return self.output.read_text()

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(30)
        return self.output.read_text()

    def executed(self, since=0):
        rows = [json.loads(line) for line in (self.var / "log" / "fleet-commands.jsonl").read_text().splitlines()]
        return [row for row in rows if "command" in row][since:]

    def faults(self, **by_address):
        (self.var / "scenario.json").write_text(json.dumps(by_address.pop("of", by_address)))

    def is_gone(self, seconds=12):
        """Say whether no process of this demo lives after so many seconds at most."""
        deadline = time.monotonic() + seconds
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.2)
        return self.processes() == []

    def processes(self):
        """Return the command lines of living processes that name this demo's folder or port."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes().replace(b"\0", b" ").decode()
                environment = (entry.parent / "environ").read_bytes()
            except OSError:
                continue
            marked = f"INTERLOCK_VAR={self.var}".encode() in environment
            if (marked or str(self.var) in words) and int(entry.parent.name) != os.getpid():
                found.append(words)
        return found


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """The demo as the README starts it: SQLite and the embedded broker."""
    running = Demo(tmp_path_factory.mktemp("demo") / "var")
    running.wait_until_ready()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def chromium():
    need(Path(CHROMIUM).exists(), "Chromium is not installed: 'apt install chromium'.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


@pytest.fixture
def page(chromium, demo):
    """A browser page on the demo, which fails the test when the console shows an error."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, base_url=demo.url)
    context.set_default_timeout(12_000)
    found = context.new_page()
    problems = []
    found.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    found.on("pageerror", lambda error: problems.append(str(error)))
    foreign = []
    found.on(
        "request",
        lambda request: foreign.append(request.url) if not request.url.startswith((demo.url, "data:")) else None,
    )
    yield found
    context.close()
    assert not problems, problems
    assert not foreign, foreign


def sign_in(page, name):
    """Sign in as one of the cast."""
    page.goto("/sign-in/")
    page.fill("#id_username", name)
    page.fill("#id_password", "demo")
    page.click("text=Sign in >> nth=-1")
    page.wait_for_selector("h1:has-text('Dashboard')")
