"""A real OpenSSH server on a port of 127.0.0.1, with everything of its own in a temporary folder."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
PASSPHRASE = "correct horse 'battery'"
USER = getpass.getuser()


def keygen(*given):
    subprocess.run(["ssh-keygen", "-q", *given], check=True, capture_output=True)


def new_key(path: Path, passphrase="", kind="ed25519"):
    """Make a key; return its private part as text."""
    keygen("-t", kind, "-N", passphrase, "-f", str(path), "-C", "")
    return path.read_text()


def certificate(folder: Path, key: Path, principal=USER, validity="+1h"):
    """Sign a key with the folder's authority, made where there is none; return the certificate's line."""
    authority = folder / "ca"
    if not authority.exists():
        new_key(authority)
    keygen("-s", str(authority), "-I", "a test", "-n", principal, "-V", validity, f"{key}.pub")
    return Path(f"{key}-cert.pub").read_text()


@contextlib.contextmanager
def sshd(folder: Path, *lines):
    """Run a server with further lines of configuration; yields (port, its log)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    if not (folder / "host").exists():
        new_key(folder / "host")
    log = folder / f"log{port}"
    config = folder / f"config{port}"
    usual = [
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {folder / 'host'}",
        f"PidFile {folder / 'pid'}",
        "UsePAM no",
        "StrictModes no",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitRootLogin yes",
        "UseDNS no",
        "LogLevel VERBOSE",
        f"AuthorizedKeysFile {folder / 'authorized_keys'}",
    ]
    config.write_text("\n".join([*lines, *usual]) + "\n")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    process = subprocess.Popen([SSHD, "-D", "-f", str(config), "-E", str(log)])
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        yield port, log
    finally:
        process.terminate()
        process.wait(10)
