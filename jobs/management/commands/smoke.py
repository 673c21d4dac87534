"""`manage.py smoke`: prove a running instance by doing the main job through its API."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs.demo import smoke


class Command(BaseCommand):
    """Print a table of the results per device; exit 0 only if all of it is true."""

    help = "Create and run a job on one device of each platform through HTTP and check every result."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", default="http://127.0.0.1:8000/", help="The instance (default: the demo's).")
        parser.add_argument("--token", default="demo-acme-operator", help="A bearer token of an operator.")
        parser.add_argument("--var", help="The folder that holds the installation's state.")

    def handle(self, *args: object, **options: Any) -> None:  # Any: Django's options, as `add_arguments` says
        try:
            rows = smoke.run(options["url"], options["token"])
        except smoke.SmokeFailed as error:
            raise CommandError(str(error)) from None
        self.stdout.write(smoke.table(rows))
        self.stdout.write(f"OK: {len(rows)} devices, every planned command sent once and answered.")
