"""`manage.py test`: the tests that need no server, with pytest on all cores."""

import os
import subprocess
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import env

#: Many tests wait for devices, so that more processes than cores are busy.
PROCESSES = 2 * (os.cpu_count() or 1)
#: What shows something while a test runs, which the processes of `-n` cannot.
ALONE = {"-s", "--capture=no", "--pdb", "--trace"}


def pytest_words(words: list[str]) -> list[str]:
    """Return pytest's arguments for the words after `test`: those too, and last, so that they win.

    Two processes for each core are used, for many tests wait; one where the words name single files or want to see or
    stop a test.
    """
    given = _without_var(words)
    files = [word for word in given if ".py" in word and not word.startswith("-")]
    alone = files or any(word in ALONE for word in given)
    return [
        "-m",
        "not e2e and not sweep and not broken",
        "-q",
        *([] if alone else ["-n", str(PROCESSES), "--dist", "worksteal"]),
        *given,
    ]


def _without_var(words: list[str]) -> list[str]:
    """Drop `--var DIR`, which `manage.py` has read already."""
    given = [word for word in words if not word.startswith("--var=")]
    if "--var" in given:
        at = given.index("--var")
        del given[at : at + 2]
    return given


class Command(BaseCommand):
    """Run pytest; words after the command go to it, options too."""

    help = (
        "Run the test suite (without the end-to-end tests and the sweeps; those are in 'make test-all'). All that "
        "follows goes to pytest: manage.py test -k EXPRESSION -x -s tests/jobs/test_api.py. Its options are listed by "
        "'python -m pytest --help'."
    )

    requires_system_checks: list[str] = []
    words: list[str] = []

    def run_from_argv(self, argv: list[str]) -> None:
        """Leave all options but --help to pytest, and end with its status."""
        if any(word in ("-h", "--help") for word in argv[2:]):
            self.print_help(argv[0], argv[1])
            return
        self.words = argv[2:]
        super().run_from_argv(argv[:2])

    def handle(self, *args: object, **options: Any) -> None:  # Any: Django's options, as `add_arguments` says
        """Run pytest and end with its status; CommandError where there are no tests."""
        if not env.CHECKOUT:
            raise CommandError("The tests are in the source tree, not in the wheel. Run 'python manage.py test' there.")
        words = [sys.executable, "-m", "pytest", *pytest_words(self.words)]
        sys.exit(subprocess.run(words, cwd=env.ROOT).returncode)  # noqa: S603
