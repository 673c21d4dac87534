#!/usr/bin/env python3
"""The one command line of Interlock: `demo`, `test`, `smoke`, `simulate_fleet` and every Django command."""

import sys

from config import bootstrap


def main() -> None:
    """Make sure the libraries are there, then hand over to Django."""
    bootstrap.ensure(sys.argv)
    from config import command_line  # needs Django, which is there only now

    command_line.main()


if __name__ == "__main__":
    main()
