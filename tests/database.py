"""The database of the tests: the schema, migrated once per content, and the demo world, loaded by the present code.

On SQLite the empty, migrated database is kept as a file in a private folder of the system's temporary one, named by the
key of the schema (`tests/schema_key.py`). Who finds the file copies it into memory instead of migrating. The world is
never kept. On PostgreSQL each process migrates its own.
"""

import contextlib
import fcntl
import hashlib
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection

from devices.services import workers
from jobs.demo import world
from tests import schema_key

ROOT = Path(__file__).resolve().parent.parent
#: So many kept databases stay, the last used; each is about 1 MB.
MOST_KEPT = 12


def folder() -> Path:
    """Return the private folder of the kept databases; PermissionError when somebody else may write there."""
    path = Path(tempfile.gettempdir()) / f"interlock-tests-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if path.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{path} must be a folder that nobody else may read or write; remove it.")
    return path


def prepare(*, anew: bool = False) -> str:
    """Make the test database that the default connection uses from now on, with the demo world; return its former name.

    `anew` migrates even where a schema is kept. Two processes that need the same schema wait for each other.
    """
    before = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        with _alone():
            _take_or_make(anew)
    else:
        _migrate()
    load_world()
    return before


def load_world() -> None:
    """Load the demo world that every test stands in; into tables that hold nothing."""
    world.load(24, 2222)


def _take_or_make(anew: bool) -> None:
    file = _kept()
    if file is not None and file.exists() and not anew:
        _copy_from(file)
        return
    _migrate()
    file = _kept()  # again: a source may have changed meanwhile
    if file is not None:
        _keep(file)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Hold the lock of this checkout; who migrates does not keep another checkout waiting."""
    name = hashlib.sha256(bytes(ROOT)).hexdigest()[:16]
    with (folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _migrate() -> None:
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)


def _kept() -> Path | None:
    """Return where this schema is kept, or None when this process may have read other sources than there are now."""
    if schema_key.changed_since(ROOT, _began()):
        return None
    return folder() / f"{schema_key.key(ROOT)}.sqlite3"


def _began() -> float:
    """Return when this process began (seconds since the epoch); 0, which trusts nothing, where nobody knows."""
    ticks = workers.started(os.getpid())
    if not ticks:
        return 0.0
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return time.time() - age


def _keep(file: Path) -> None:
    """Write the database to a file, whole or not at all, and remove the oldest ones."""
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
