"""What the database of the tests depends on, as one digest: another content, another key. Imports nothing of ours."""

import hashlib
import os
import sqlite3
import sys
import sysconfig
from pathlib import Path

#: The product, its migrations and pages included, and beside it how the tests set it up and the pins.
FOLDERS = ("config", "devices", "templates_app", "approvals", "jobs")
FILES = ("tests/conftest.py", "tests/content.py", "tests/database.py", "pyproject.toml")
LOCKS = ("requirements.txt", "requirements-dev.txt")
#: Variables that say where things are kept, and not what is in them.
PLACES = ("INTERLOCK_VAR", "INTERLOCK_KEY_FILE")


def sources(root: Path) -> list[Path]:
    """Return the files below `root` that can influence the content, in order."""
    found = [root / name for name in (*FILES, *LOCKS)]
    for top in FOLDERS:
        for base, folders, names in os.walk(root / top):
            folders[:] = [name for name in folders if name != "__pycache__"]
            found += [Path(base, name) for name in names]
    return sorted(path for path in found if path.exists())


def key(root: Path, *, day: str, ring: bytes) -> str:
    """Return the digest (hex) of all that can influence the content.

    Beside the sources these are the versions of Python, SQLite and the installed packages, the environment that the
    settings read, the key `ring` that seals the world's credentials, and the `day` on which the world was made.
    """
    wanted = (name for name in os.environ if name.startswith(("INTERLOCK_", "DJANGO_")) and name not in PLACES)
    environment = sorted((name, os.environ[name]) for name in wanted)
    packages = sorted(name for name in os.listdir(sysconfig.get_path("purelib")) if name.endswith(".dist-info"))
    digest = hashlib.sha256(repr((sys.version, sqlite3.sqlite_version, environment, packages, day, ring)).encode())
    for path in sources(root):
        content = path.read_bytes()
        digest.update(f"\0{path.relative_to(root)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def changed_since(root: Path, moment: float) -> bool:
    """Say whether a source changed after `moment` (seconds since the epoch): a process begun then may know the old one.

    The time of the inode counts, which no copying sets back.
    """
    return any(path.stat().st_ctime >= moment for path in sources(root))
