"""`manage.py test` hands its words to pytest."""

import sys

import pytest
from django.core.management import execute_from_command_line

from jobs.management.commands import test as command

ALL_CORES = ["-n", str(command.PROCESSES), "--dist", "worksteal"]
BASE = ["-m", "not e2e and not sweep and not broken", "-q"]


@pytest.mark.parametrize(
    "words,wanted",
    [
        ([], [*BASE, *ALL_CORES]),
        (["tests/jobs", "-x"], [*BASE, *ALL_CORES, "tests/jobs", "-x"]),
        (["-m", "sweep", "-n", "0"], [*BASE, *ALL_CORES, "-m", "sweep", "-n", "0"]),
        (["-k", "a or b", "-s"], [*BASE, "-k", "a or b", "-s"]),
        (["--pdb"], [*BASE, "--pdb"]),
        (["tests/jobs/test_api.py::test_a"], [*BASE, "tests/jobs/test_api.py::test_a"]),
        (["--var", "/x", "-x"], [*BASE, *ALL_CORES, "-x"]),
        (["--var=/x"], [*BASE, *ALL_CORES]),
    ],
)
def test_words_go_to_pytest(words, wanted):
    assert command.pytest_words(words) == wanted


def run(monkeypatch, *words):
    """Return the pytest command that `manage.py test WORDS` would start, and the status it ends with."""
    started = []

    class Done:
        returncode = 5

    monkeypatch.setattr(command.subprocess, "run", lambda line, **kwargs: started.append(line) or Done)
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "test", *words])
    return started[0], ended.value.code


def test_django_eats_no_option_of_pytest(monkeypatch):
    words = ["-k", "paged", "-x", "-s", "tests/jobs/test_api.py", "--verbosity=2", "-p", "no:cacheprovider"]
    line, status = run(monkeypatch, *words)
    assert line == [sys.executable, "-m", "pytest", *BASE, *words] and status == 5


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help_still_helps(monkeypatch, capsys, word):
    monkeypatch.setattr(command.subprocess, "run", lambda *args, **kwargs: pytest.fail("it started pytest"))
    execute_from_command_line(["manage.py", "test", word])
    assert "goes to pytest" in " ".join(capsys.readouterr().out.split())
