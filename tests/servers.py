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


@contextlib.contextmanager
def postgres():
    """Start a fresh PostgreSQL cluster; yields its DATABASE_URL."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if Path("/usr/lib/postgresql").exists() else []
    if not found:
        raise RuntimeError("PostgreSQL is not installed: 'apt install postgresql'.")
    folder, port, binaries = Path(tempfile.mkdtemp(prefix="interlock-pg-")), free_port(), found[-1]
    as_user = []
    if os.getuid() == 0:  # PostgreSQL refuses to run as root.
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    data = folder / "data"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
    subprocess.run(
        [*as_user, binaries / "initdb", "-D", data, "-U", "interlock", "-A", "trust", "--no-sync"], check=True, **quiet
    )
    options = [
        "-D",
        data,
        "-p",
        str(port),
        "-k",
        folder,
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        "max_connections=300",
    ]
    server = subprocess.Popen([*as_user, binaries / "postgres", *options], **quiet)
    try:
        wait_for(port)
        create = [*as_user, binaries / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "interlock", "interlock"]
        for _ in range(50):
            if subprocess.run(create, **quiet).returncode == 0:
                break
            time.sleep(0.2)
        yield f"postgres://interlock@127.0.0.1:{port}/interlock"
    finally:
        subprocess.run([*as_user, binaries / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **quiet)
        server.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


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
