"""The database of the tests, migrated and with the demo world in it, built once per content.

On SQLite the result is kept as a file in a private folder of the system's temporary one, named by the key of its
content (`tests/content.py`). Who finds the file copies it into memory instead of migrating and loading the world. On
PostgreSQL each process builds its own.
"""

import contextlib
import fcntl
import hashlib
import os
import secrets
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import connection

from devices.services import workers
from jobs.demo import world
from tests import content

ROOT = Path(__file__).resolve().parent.parent
#: So many kept databases stay, the newest; each is about 2 MB.
MOST_KEPT = 12


def folder() -> Path:
    """Return the private folder of the kept databases; PermissionError when somebody else may write there."""
    path = Path(tempfile.gettempdir()) / f"interlock-tests-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if path.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{path} must be a folder that nobody else may read or write; remove it.")
    return path


def use_key_ring() -> None:
    """Let the settings name a key ring that stays, because the kept worlds are sealed with it."""
    path = folder() / "credentials.key"
    with _alone("ring"):
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(f"k{secrets.token_hex(4)} {secrets.token_hex(32)}\n")
    settings.KEY_RING_FILE = path


def prepare(*, anew: bool = False) -> str:
    """Make the test database that the default connection uses from now on; return the name that it had.

    `anew` builds it even where one is kept. Two processes that need the same one wait for each other.
    """
    before = str(connection.settings_dict["NAME"])
    if connection.vendor != "sqlite":
        _build()
        return before
    with _alone(hashlib.sha256(bytes(ROOT)).hexdigest()[:16]):
        file = _kept()
        if file is not None and file.exists() and not anew:
            _copy_from(file)
        else:
            _build()
            _keep()
    return before


@contextlib.contextmanager
def _alone(name: str) -> Iterator[None]:
    """Hold a lock of the folder. Checkouts have one each: who builds does not keep another checkout waiting."""
    with (folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build() -> None:
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    world.load(24, 2222)


def _kept() -> Path | None:
    """Return where this content is kept, or None when this process may have read other sources than there are now."""
    if content.changed_since(ROOT, _began()):
        return None
    day, ring = datetime.now(UTC).date().isoformat(), Path(settings.KEY_RING_FILE).read_bytes()
    return folder() / f"{content.key(ROOT, day=day, ring=ring)}.sqlite3"


def _began() -> float:
    """Return when this process began (seconds since the epoch); 0, which trusts nothing, where nobody knows."""
    ticks = workers.started(os.getpid())
    if not ticks:
        return 0.0
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return time.time() - age


def _keep() -> None:
    """Write the database to its file, whole or not at all, and remove the oldest ones."""
    file = _kept()
    if file is None:
        return
    unfinished = file.with_suffix(f".{os.getpid()}")
    with contextlib.closing(sqlite3.connect(unfinished)) as target:
        connection.connection.backup(target)
    unfinished.replace(file)
    files = sorted(folder().glob("*.sqlite3"), key=lambda path: path.stat().st_mtime)
    for old in files[:-MOST_KEPT]:
        old.unlink(missing_ok=True)  # another checkout may remove it at this moment


def _copy_from(file: Path) -> None:
    """Fill the empty database in memory from a kept one, which is then the newest."""
    file.touch()
    name = connection.creation._get_test_db_name()
    connection.close()
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name
    connection.ensure_connection()
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as kept:
        kept.backup(connection.connection)
