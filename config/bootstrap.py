"""Make `.venv` from the pinned requirements and run `manage.py` in it, on machines where Django is not there yet.

Standard library only, because it runs before anything is installed. Never active inside another environment, and not
part of the wheel, which comes with its libraries.
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
RUNTIME = ("django", "celery", "paramiko", "guardian", "asyncssh")
TESTING = ("pytest", "pytest_django", "xdist", "hypothesis", "radon")


def ensure(argv: list[str]) -> None:
    """Return when the libraries that this command needs are importable; otherwise install them and start again."""
    testing = argv[1:2] == ["test"]
    wanted = RUNTIME + TESTING if testing else RUNTIME
    if not _missing(wanted):
        return
    inside_other = sys.prefix != sys.base_prefix and Path(sys.prefix).resolve() != VENV.resolve()
    if inside_other or os.environ.get("INTERLOCK_NO_BOOTSTRAP"):
        file = "requirements-dev.txt" if testing else "requirements.txt"
        sys.exit(
            f"This Python environment ({sys.prefix}) lacks {', '.join(_missing(wanted))}. "
            f"Run 'pip install -r {file}' in it, or leave it and run the command again."
        )
    _install("requirements-dev.txt" if testing else "requirements.txt")
    python = VENV / "bin" / "python"
    os.execv(python, [str(python), *argv])  # noqa: S606


def _missing(modules: tuple[str, ...]) -> list[str]:
    return [name for name in modules if importlib.util.find_spec(name) is None]


def _install(requirements: str) -> None:
    """Fill `.venv` from the lock unless its stamp says that this very lock is already in it."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this file must say so on an older Python
        sys.exit(f"Interlock needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    lock = ROOT / requirements
    stamp, digest = VENV / f".{requirements}.sha256", hashlib.sha256(lock.read_bytes()).hexdigest()
    python = VENV / "bin" / "python"
    if stamp.exists() and stamp.read_text() == digest and python.exists():
        return
    try:
        if not python.exists():
            print("Making .venv …", flush=True)
            # Not EnvBuilder: a separate process gives one clear failure where Debian lacks python3-venv.
            subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True, stdout=subprocess.DEVNULL)
        print(f"Installing {requirements} into .venv (once; needs the package index) …", flush=True)
        subprocess.run(
            [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", "-r", str(lock)], check=True
        )
    except subprocess.CalledProcessError as error:
        step = "venv" if "venv" in error.cmd else "pip"
        hint = {
            "venv": "Python's venv module is missing or broken: "
            "install it (Debian, Ubuntu: 'apt install python3-venv').",
            "pip": "The packages could not be installed: check the connection to the package index and run it again.",
        }[step]
        sys.exit(f"{hint} Nothing else was changed; delete {VENV} to start afresh.")
    stamp.write_text(digest)
