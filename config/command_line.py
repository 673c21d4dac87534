"""The command line: `interlock` where the wheel is installed, `manage.py` in a source tree. Both end here."""

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

from config import __version__


def main() -> None:
    """Run the command that the process was started with; `--version` says ours, not Django's."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if sys.argv[1:] in (["--version"], ["version"]):
        print(__version__)
        return
    apply_var_option(sys.argv)
    if sys.argv[1:2] == ["demo"]:
        os.environ["INTERLOCK_DEMO"] = "1"  # before the settings are read: it works with the demo's accounts itself
    execute_from_command_line(sys.argv)


def apply_var_option(argv: list[str]) -> None:
    """Let `--var DIR` choose the state folder before the settings are read."""
    for index, word in enumerate(argv):
        if word == "--var" and index + 1 < len(argv):
            os.environ["INTERLOCK_VAR"] = str(Path(argv[index + 1]).resolve())
        elif word.startswith("--var="):
            os.environ["INTERLOCK_VAR"] = str(Path(word[6:]).resolve())
