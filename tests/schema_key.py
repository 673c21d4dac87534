"""What the empty, migrated database of the tests depends on, as one digest: another schema, another key.

Imports nothing of ours, so that a model that cannot be imported has a key too.
"""

import hashlib
import os
import sqlite3
import sys
import sysconfig
from pathlib import Path

APPS = ("devices", "templates_app", "approvals", "jobs")
#: The places of an app from which its schema is made. `tests/test_schema_key.py` proves that they import nothing else.
PLACES = (
    "migrations",
    "models",
    "models.py",
    "domain",
    "domain.py",
    "drivers/__init__.py",
    "drivers/platform.py",
    "drivers/platforms",
    "apps.py",
    "__init__.py",
)
FILES = ("tests/schema_key.py", "tests/database.py", "pyproject.toml", "requirements.txt", "requirements-dev.txt")


def sources(root: Path) -> list[Path]:
    """Return the files below `root` that can influence the schema, in order: settings, models, migrations, pins."""
    places = [root / "config", *(root / app / place for app in APPS for place in PLACES)]
    found = [root / name for name in FILES]
    for place in places:
        found += [place] if place.is_file() else place.rglob("*")
    return sorted(path for path in found if path.is_file() and path.suffix != ".pyc")


def key(root: Path) -> str:
    """Return the digest (hex) of the sources, the environment of the settings, and the versions of all beneath them."""
    environment = sorted(item for item in os.environ.items() if item[0].startswith(("INTERLOCK_", "DJANGO_")))
    counted = [item for item in environment if item[0] != "INTERLOCK_VAR"]  # a place, most often a new one
    packages = sorted(name for name in os.listdir(sysconfig.get_path("purelib")) if name.endswith(".dist-info"))
    digest = hashlib.sha256(repr((sys.version, sqlite3.sqlite_version, counted, packages)).encode())
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
