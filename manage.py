#!/usr/bin/env python3
"""The one command line of Interlock: `demo`, `test`, `smoke`, `simulate_fleet` and every Django command."""

import os
import sys

from config import bootstrap


def main() -> None:
    """Make sure the libraries are there, then hand over to Django."""
    bootstrap.ensure(sys.argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    bootstrap.apply_var_option(sys.argv)
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
