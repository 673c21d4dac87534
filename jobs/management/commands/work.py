"""`manage.py work`: serve agents from this host, as one worker process."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.celery import app
from config.wakeups import DEFAULT
from devices.selectors import agents_by_queue


class Command(BaseCommand):
    """Run a worker until it is stopped; SIGTERM lets devices that run come to their end."""

    help = "Serve agents from this host: talk to their devices, and with --central also schedule and deliver."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "queues", nargs="+", metavar="QUEUE", help="Queues of agents, as the Agents page shows them."
        )
        parser.add_argument("--central", action="store_true", help="Also tick, start runs and deliver messages.")
        parser.add_argument("--threads", type=int, default=16, help="Threads for central work.")

    def handle(self, *args: object, **options: Any) -> None:  # Any: Django's options, as `add_arguments` says
        queues = options["queues"]
        unknown = sorted(set(queues) - set(agents_by_queue(queues)))
        if unknown:
            raise CommandError(f"No agent has the queue {', '.join(unknown)}. The Agents page shows the queues.")
        served = [DEFAULT, *queues] if options["central"] else queues
        words = [
            "worker",
            "-P",
            "threads",
            "-c",
            str(options["threads"]),
            "--without-gossip",
            "--without-mingle",
        ]
        app.worker_main([*words, "-Q", ",".join(served)])
