"""A kept schema is never one of other sources: whatever can influence it is in its key."""

import ast
import os
import shutil
import time

import pytest

from tests import database, schema_key
from tests.test_architecture import imports

ROOT = database.ROOT
CHANGED = [
    "devices/models/inventory.py",
    "devices/migrations/0001_initial.py",
    "jobs/migrations/0002_tenant_triggers.py",
    "jobs/models/sql/claims.py",
    "jobs/domain/states.py",
    "approvals/models.py",
    "templates_app/apps.py",
    "config/settings.py",
    "tests/database.py",
    "requirements.txt",
    "requirements-dev.txt",
    "pyproject.toml",
]


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of the sources of the schema."""
    root = tmp_path_factory.mktemp("copy")
    for path in schema_key.sources(ROOT):
        target = root / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return root


@pytest.mark.parametrize("name", CHANGED)
def test_a_changed_source_gives_another_key(copied, name):
    before, path = schema_key.key(copied), copied / name
    text = path.read_bytes()
    path.write_bytes(bytes([text[0] ^ 1]) + text[1:])
    assert schema_key.key(copied) != before
    path.write_bytes(text)
    assert schema_key.key(copied) == before


def test_a_new_a_moved_and_a_lost_source_give_other_keys(copied):
    path, moved = copied / "jobs/models/more.py", copied / "jobs/models/other.py"
    keys = [schema_key.key(copied)]
    path.write_text("MORE = 1\n")
    keys.append(schema_key.key(copied))
    path.rename(moved)
    keys.append(schema_key.key(copied))
    assert len(set(keys)) == 3
    moved.unlink()
    assert schema_key.key(copied) == keys[0]


def test_the_environment_and_the_packages_count_and_the_place_does_not(copied, monkeypatch):
    before = schema_key.key(copied)
    monkeypatch.setenv("INTERLOCK_VAR", "/elsewhere")
    assert schema_key.key(copied) == before
    names = os.listdir(schema_key.sysconfig.get_path("purelib"))
    with monkeypatch.context() as changed:
        changed.setattr(schema_key.os, "listdir", lambda path: [*names, "another-1.0.dist-info"])
        assert schema_key.key(copied) != before
    monkeypatch.setenv("INTERLOCK_SIGN_IN_TRIES", "3")
    assert schema_key.key(copied) != before


def test_compiled_files_do_not_count(copied):
    before = schema_key.key(copied)
    (copied / "jobs/models/__pycache__").mkdir()
    (copied / "jobs/models/__pycache__/runs.pyc").write_bytes(b"x")
    assert schema_key.key(copied) == before


def module_files(name):
    """Return the files that importing a module of ours reads: it and its packages."""
    words = name.split(".")
    parts = [ROOT.joinpath(*words[: n + 1]) for n in range(len(words))]
    found = [file for part in parts for file in (part / "__init__.py", part.with_suffix(".py"))]
    return {file for file in found if file.exists()}


def imported_by(path):
    """Return the files of ours that a file imports; `from a import b` may name a module b."""
    tree, found = ast.parse(path.read_text()), set()
    for name, node in imports(tree):
        names = [name, *(f"{name}.{alias.name}" for alias in node.names if isinstance(node, ast.ImportFrom))]
        found |= {
            file for each in names if each.split(".")[0] in ("config", *schema_key.APPS) for file in module_files(each)
        }
    return found


def test_models_and_migrations_import_nothing_that_is_not_in_the_key():
    """What they import could influence the schema. So a file they need elsewhere would have to be in the key."""
    keyed = set(schema_key.sources(ROOT))
    wrong = [
        f"{path.relative_to(ROOT)} imports {other.relative_to(ROOT)}"
        for path in sorted(keyed)
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] != "tests"
        for other in sorted(imported_by(path) - keyed)
    ]
    assert not wrong, f"Add their places to PLACES: {wrong}"


def test_a_process_that_may_have_read_an_older_source_keeps_nothing_and_takes_nothing(copied, monkeypatch):
    monkeypatch.setattr(database, "ROOT", copied)
    began = time.time() + 1
    monkeypatch.setattr(database, "_began", lambda: began)
    assert database._kept() is not None
    monkeypatch.setattr(database, "_began", lambda: began - 3600)
    assert database._kept() is None


def test_where_the_start_of_the_process_is_unknown_nothing_is_kept(monkeypatch):
    monkeypatch.setattr(database.workers, "started", lambda pid: 0)
    assert database._kept() is None


def test_the_key_costs_less_than_a_tenth_of_a_second():
    began = time.process_time()
    schema_key.key(ROOT)
    assert time.process_time() - began < 0.1
