"""`manage.py simulate_fleet`: run simulated devices until stopped."""

import argparse

from django.core.management.base import BaseCommand, CommandError, CommandParser

from devices.simulator.__main__ import add_arguments, run


class Command(BaseCommand):
    """Serve the fleet on loopback addresses."""

    help = "Run simulated network devices: real SSH servers on 127.x.y.z addresses."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)
        parser.add_argument("--var", help="The folder that holds the installation's state.")

    def handle(self, *args: object, **options: object) -> None:
        try:
            run(argparse.Namespace(**options))
        except OSError as error:
            raise CommandError(
                f"The fleet cannot listen on port {options['port']}: {error}. Choose another with --port."
            ) from error
