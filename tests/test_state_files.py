"""What stands in the state folder is nobody else's: folders 0700, files 0600, also those that were more open before."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def in_a_process(var, code, umask=0o022):
    """Run code with Django set up on a state folder, in a process that lets others read what it makes."""
    start = "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'; django.setup();"
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("INTERLOCK", "DATABASE"))}
    subprocess.run(
        [sys.executable, "-c", start + code],
        cwd=ROOT,
        env={**environment, "INTERLOCK_VAR": str(var)},
        check=True,
        preexec_fn=lambda: os.umask(umask),
    )


def modes(var):
    return {str(path.relative_to(var.parent)): path.stat().st_mode & 0o777 for path in [var, *var.rglob("*")]}


MADE = (
    "from django.core.management import call_command; call_command('migrate', verbosity=0);"
    "from devices.services.tenants import create_tenant; from devices.services import vault;"
    "from devices.domain.secrets import Secret; from django.conf import settings; import pathlib;"
    "vault.know(Secret('a-secret'), tenant_id=create_tenant(by=None, key='t', name='T').pk);"
    "from jobs.demo.processes import Processes; Processes(settings.VAR).claim();"
    "open(settings.VAR / 'log' / 'any.log', 'w').close();"
    "from django.db import connection; connection.cursor().execute('CREATE TABLE x (y)');"
    "assert (settings.VAR / 'interlock.sqlite3-wal').stat().st_mode & 0o777 == 0o600"
)


def wrong(found, var):
    return {name: oct(mode) for name, mode in found.items() if mode & 0o077}


def test_nobody_else_reads_the_state(tmp_path):
    var = tmp_path / "state"
    in_a_process(var, MADE)
    found = modes(var)
    assert {"state/interlock.sqlite3", "state/credentials.key", "state/django.key", "state/log/any.log"} <= set(found)
    assert not wrong(found, var)


def test_what_was_open_before_is_closed(tmp_path):
    var = tmp_path / "state"
    (var / "log").mkdir(parents=True)
    for name in ("interlock.sqlite3", "credentials.key", "interlock.sqlite3-wal"):
        (var / name).write_text("" if name.startswith("inter") else f"k1 {'0' * 64}\n")
        (var / name).chmod(0o644)
    var.chmod(0o755)
    in_a_process(var, "pass")
    assert not wrong(modes(var), var)


def test_a_folder_of_everybody_is_left_as_it_is(tmp_path):
    """Somebody who points at /tmp shall not close it for all others."""
    var = tmp_path / "everybody"
    var.mkdir()
    var.chmod(0o1777)
    in_a_process(var, "pass")
    assert var.stat().st_mode & 0o7777 == 0o1777
    assert (var / "django.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["credentials.key", "django.key"])
def test_a_key_file_is_private_from_its_first_byte(tmp_path, name):
    """Whatever the umask says."""
    var = tmp_path / "state"
    in_a_process(var, "from config import key_ring; key_ring.keys(); import os; os.umask(0)", umask=0)
    assert (var / name).stat().st_mode & 0o777 == 0o600
