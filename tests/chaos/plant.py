"""The plant under test: real servers, a fleet, processes that can be killed, paused and cut off one by one."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests import servers

ROOT = Path(__file__).resolve().parents[2]
LEASE = 2.0
WORKER = "worker -P threads -c 8 -l WARNING --without-gossip --without-mingle --without-heartbeat"


class Proxy:
    """A TCP proxy that can be cut: connections break, and new ones are refused for a while."""

    loop = None

    def __init__(self, target):
        if Proxy.loop is None:
            Proxy.loop = asyncio.new_event_loop()
            threading.Thread(target=Proxy.loop.run_forever, daemon=True).start()
        self.target, self.writers, self.closed_until = target, set(), 0.0
        self.server = self._do(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = self.server.sockets[0].getsockname()[1]

    def _do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, Proxy.loop).result(10)

    async def _serve(self, reader, writer):
        if time.monotonic() < self.closed_until:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, far_writer}
        self.writers |= pair
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        self.writers -= pair

    def cut(self, seconds):
        """Break every connection and refuse new ones for so long."""
        self.closed_until = time.monotonic() + seconds
        Proxy.loop.call_soon_threadsafe(lambda: [writer.transport.abort() for writer in list(self.writers)])


async def _pump(reader, writer):
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


def _hook(posted):
    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    return Hook


class Plant:
    """Servers, fleet, and a zygote that forks workers."""

    def __init__(self, devices=12):
        self.folder = Path(tempfile.mkdtemp(prefix="interlock-chaos-"))
        self.postgres, self.stack = servers.Postgres(), contextlib.ExitStack()
        self.broker = self.stack.enter_context(servers.redis())
        self.fleet_log = self.folder / "fleet.jsonl"
        self.devices, self.port = devices, servers.free_port()
        clean = {k: v for k, v in os.environ.items() if k not in ("BROKER_URL", "INTERLOCK_VAR", "DATABASE_URL")}
        self.environment = {
            **clean,
            "INTERLOCK_VAR": str(self.folder),
            "INTERLOCK_DEMO": "1",
            "INTERLOCK_ALLOWED_TARGETS": "127.0.0.0/8",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": self.postgres.url,
            "BROKER_URL": self.broker,
            "PYTHONPATH": str(ROOT),
            "INTERLOCK_LEASE_SECONDS": str(LEASE),
            "INTERLOCK_STOP_SECONDS": "2",
        }
        self.children = []
        self.posted = []
        hook = ThreadingHTTPServer(("127.0.0.1", 0), _hook(self.posted))
        threading.Thread(target=hook.serve_forever, daemon=True).start()
        self.hook = f"http://127.0.0.1:{hook.server_port}/"
        self._start_fleet()
        for name, value in self.environment.items():
            os.environ[name] = value
        import django

        django.setup()
        from tests.chaos import world

        world.load(self)
        self.zygote = self._popen("tests.chaos.zygote", str(self.folder / "zygote"), stdout=subprocess.PIPE)
        assert self.zygote.stdout.readline() == b"ready\n"

    def _popen(self, *words, **options):
        log = (self.folder / "other.log").open("a")
        child = subprocess.Popen(
            [sys.executable, "-m", *words], cwd=ROOT, env=self.environment, **{"stdout": log, "stderr": log, **options}
        )
        self.children.append(child)
        return child

    def _start_fleet(self):
        self.addresses = [f"127.70.{n // 200}.{n % 200 + 1}" for n in range(self.devices)]
        self.refuses = "127.70.99.1"
        every = [*self.addresses, self.refuses]
        specs = [{"address": a, "platform": "cisco_ios", "name": f"chaos-{n:03}"} for n, a in enumerate(every)]
        (self.folder / "fleet.json").write_text(json.dumps(specs))
        slow = {a: {"delay": 0.08} for a in self.addresses}
        (self.folder / "faults.json").write_text(json.dumps({**slow, self.refuses: {"password": "another"}}))
        self.fleet_log.touch()
        words = ["--inventory", str(self.folder / "fleet.json"), "--port", str(self.port), "--log", str(self.fleet_log)]
        fleet = self._popen(
            "devices.simulator", *words, "--scenario", str(self.folder / "faults.json"), stdout=subprocess.PIPE
        )
        fleet.stdout.readline()

    def web(self):
        """Start a web process; returns it and its URL."""
        port = servers.free_port()
        words = ["config.wsgi", "--bind", f"127.0.0.1:{port}", "--threads", "4", "--no-control-socket"]
        return self._popen("gunicorn", *words), f"http://127.0.0.1:{port}"

    def fork(self, kind, **request):
        """Fork a process from the zygote; return its id."""
        defaults = {"log": str(self.folder / f"{kind}.log"), "database_port": self.postgres.port, "broker": self.broker}
        with socket.socket(socket.AF_UNIX) as door:
            door.connect(str(self.folder / "zygote"))
            door.sendall(json.dumps({"kind": kind, **defaults, **request}).encode() + b"\n")
            return int(door.makefile().readline())

    def worker(self, name, queues, **request):
        """Fork a worker that serves queues."""
        return self.fork("worker", argv=[*WORKER.split(), "-n", f"{name}@chaos", "-Q", ",".join(queues)], **request)

    def beat(self, name):
        """Fork a beat."""
        return self.fork("beat", argv=["beat", "-l", "WARNING", "--pidfile=", "-s", str(self.folder / name)])

    def close(self):
        """End everything."""
        for child in self.children:
            child.kill()
            child.wait()
        self.stack.close()
        self.postgres.remove()
        shutil.rmtree(self.folder, ignore_errors=True)


def alive(pid):
    """Say whether a process lives (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def kill(pid, number=signal.SIGKILL):
    """Send a signal, if the process is still there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
