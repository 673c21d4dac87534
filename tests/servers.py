"""Real PostgreSQL and Redis on free ports, for as long as a command runs: `python -m tests.servers COMMAND …`."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def free_port():
    """Return a TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, seconds=30):
    """Wait until something accepts connections on the port."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"Nothing listens on port {port} after {seconds} s.")


class Postgres:
    """A fresh PostgreSQL cluster on a free port; `url` is its DATABASE_URL."""

    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}

    def __init__(self):
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if Path("/usr/lib/postgresql").exists() else []
        if not found:
            raise RuntimeError("PostgreSQL is not installed: 'apt install postgresql'.")
        self.folder, self.port, self.binaries = Path(tempfile.mkdtemp(prefix="interlock-pg-")), free_port(), found[-1]
        self.as_user = []
        if os.getuid() == 0:  # PostgreSQL refuses to run as root.
            shutil.chown(self.folder, "postgres")
            self.as_user = ["runuser", "-u", "postgres", "--"]
        self.data = self.folder / "data"
        self.url = f"postgres://interlock@127.0.0.1:{self.port}/interlock"
        self._run("initdb", "-D", self.data, "-U", "interlock", "-A", "trust", "--no-sync", check=True)
        self.start()
        for _ in range(50):
            if (
                self._run(
                    "createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "interlock", "interlock"
                ).returncode
                == 0
            ):
                break
            time.sleep(0.2)

    def _run(self, program, *words, check=False):
        return subprocess.run([*self.as_user, self.binaries / program, *words], check=check, **self.quiet)

    def start(self):
        """Start the server and wait until it listens."""
        options = [
            "-D",
            self.data,
            "-p",
            str(self.port),
            "-k",
            self.folder,
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "max_connections=300",
        ]
        self.server = subprocess.Popen([*self.as_user, self.binaries / "postgres", *options], **self.quiet)
        wait_for(self.port)

    def crash(self):
        """Stop it at once, as a power cut would."""
        self._run("pg_ctl", "-D", self.data, "-m", "immediate", "stop")
        self.server.wait(20)

    def remove(self):
        """Stop it and drop its files."""
        self.crash()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def postgres():
    """Start a fresh PostgreSQL cluster; yields its DATABASE_URL."""
    server = Postgres()
    try:
        yield server.url
    finally:
        server.remove()


@contextlib.contextmanager
def redis():
    """Start a fresh Redis; yields its BROKER_URL."""
    program = shutil.which("redis-server")
    if not program:
        raise RuntimeError("Redis is not installed: 'apt install redis-server'.")
    port, folder = free_port(), tempfile.mkdtemp(prefix="interlock-redis-")
    words = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "yes"]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    with postgres() as database, redis() as broker:
        environment = {**os.environ, "DATABASE_URL": database, "BROKER_URL": broker}
        sys.exit(subprocess.run(sys.argv[1:], env=environment).returncode)
