"""`manage.py test`: the tests that need no server, with pytest on all cores."""

import subprocess
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config import env


class Command(BaseCommand):
    """Run pytest; words after the command go to it."""

    help = "Run the test suite (without the end-to-end tests; those are in 'make test-all')."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("words", nargs="*", help="Arguments for pytest; put -- before options.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not env.CHECKOUT:
            raise CommandError("The tests are in the source tree, not in the wheel. Run 'python manage.py test' there.")
        words = [sys.executable, "-m", "pytest", "-m", "not e2e and not sweep", "-n", "auto", "-q", *options["words"]]
        sys.exit(subprocess.run(words, cwd=env.ROOT).returncode)  # noqa: S603
