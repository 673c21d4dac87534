"""A kept database of the tests is never one of another content: whatever can influence it is in its key."""

import shutil
import time

import pytest

from tests import content, database

ALWAYS = {"day": "2026-01-01", "ring": b"k1 00"}
CHANGED = [
    "devices/models/inventory.py",
    "devices/migrations/0001_initial.py",
    "jobs/demo/world.py",
    "jobs/demo/templates.py",
    "templates_app/domain/built_in.py",
    "devices/services/vault.py",
    "config/settings.py",
    "config/templates/base.html",
    "tests/conftest.py",
    "tests/database.py",
    "requirements.txt",
    "pyproject.toml",
]


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of the sources."""
    root = tmp_path_factory.mktemp("copy")
    for path in content.sources(database.ROOT):
        target = root / path.relative_to(database.ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return root


@pytest.mark.parametrize("name", CHANGED)
def test_a_changed_source_gives_another_key(copied, name):
    before, path = content.key(copied, **ALWAYS), copied / name
    text = path.read_bytes()
    path.write_bytes(bytes([text[0] ^ 1]) + text[1:])
    assert content.key(copied, **ALWAYS) != before
    path.write_bytes(text)
    assert content.key(copied, **ALWAYS) == before


def test_a_new_a_moved_and_a_lost_source_give_other_keys(copied):
    path, moved = copied / "jobs/demo/more.py", copied / "jobs/demo/other.py"
    keys = [content.key(copied, **ALWAYS)]
    path.write_text("MORE = 1\n")
    keys.append(content.key(copied, **ALWAYS))
    path.rename(moved)
    keys.append(content.key(copied, **ALWAYS))
    assert len(set(keys)) == 3
    moved.unlink()
    assert content.key(copied, **ALWAYS) == keys[0]


def test_the_day_the_key_ring_and_the_environment_count_and_the_place_does_not(copied, monkeypatch):
    before = content.key(copied, **ALWAYS)
    assert content.key(copied, **{**ALWAYS, "day": "2026-01-02"}) != before
    assert content.key(copied, **{**ALWAYS, "ring": b"k2 00"}) != before
    monkeypatch.setenv("INTERLOCK_VAR", "/elsewhere")
    assert content.key(copied, **ALWAYS) == before
    monkeypatch.setenv("INTERLOCK_SIGN_IN_TRIES", "3")
    assert content.key(copied, **ALWAYS) != before


def test_compiled_files_do_not_count(copied):
    before = content.key(copied, **ALWAYS)
    (copied / "jobs/__pycache__").mkdir()
    (copied / "jobs/__pycache__/models.pyc").write_bytes(b"x")
    assert content.key(copied, **ALWAYS) == before


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
    content.key(database.ROOT, **ALWAYS)
    assert time.process_time() - began < 0.1
