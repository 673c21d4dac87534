"""`manage.py demo`: the whole product with a demo world and a simulated fleet, in one command."""

import logging
import shutil
import time
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, connections
from django.utils import timezone

from config import env
from devices.services import workers
from devices.simulator import inventory
from devices.simulator.inventory import DeviceSpec
from jobs.demo import history, world
from jobs.demo.processes import (
    Problem,
    Processes,
    answers,
    check_port_free,
    free_fleet_port,
    module,
    start_broker,
)

THREADS = 40
WEB = ("gunicorn", "config.wsgi", *"--workers 2 --threads 8 --timeout 60 --preload --no-control-socket".split())
WORKER = ("celery", *"-A config worker -P threads --without-gossip --without-mingle".split())
BEAT = ("celery", *"-A config beat --pidfile=".split())


class Command(BaseCommand):
    """Load the demo world and run everything until Ctrl-C."""

    help = "Run Interlock with a demo world: web, worker, beat, broker and a fleet of simulated SSH devices."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="The web port on 127.0.0.1.")
        parser.add_argument("--devices", type=int, default=24, help="How many simulated devices (16 to 1,000).")
        parser.add_argument(
            "--var", help="The folder that holds the state (default: see INTERLOCK_VAR in the settings)."
        )
        parser.add_argument("--reset", action="store_true", help="Clear the state first.")

    def handle(self, *args: object, **options: Any) -> None:  # Any: Django's options, as `add_arguments` says
        if not 16 <= options["devices"] <= 1000:
            raise CommandError("--devices takes 16 to 1000.")
        # Its children have files for their logs; here somebody reads how to go on.
        logging.getLogger().setLevel(logging.WARNING)
        processes = Processes(settings.VAR)
        try:
            processes.claim()
            processes.catch_signals()
            check_port_free(options["port"])
            self._run(processes, options)
        except Problem as problem:
            processes.stop()
            raise CommandError(str(problem)) from None
        except BaseException:
            processes.stop()
            raise
        processes.stop()
        self.stdout.write("Stopped.")

    def _run(self, processes: Processes, options: dict[str, Any]) -> None:  # Any: as above
        started = time.monotonic()
        if options["reset"]:
            self._reset()
        self._say("Preparing the database …")
        call_command("migrate", verbosity=0, interactive=False)
        specs = [spec for rows in world.fleet(options["devices"]).values() for spec in rows]
        fleet_port = free_fleet_port([spec.address for spec in specs])
        self._say("Loading the demo world …")
        new = world.load(options["devices"], fleet_port)
        self._start(processes, specs, fleet_port, options["port"])
        if new:
            history.start()
        connections.close_all()
        self._ready(options["port"], time.monotonic() - started)
        while not processes.stopping:
            processes.check()
            time.sleep(0.3)
        self._say("\nStopping …")

    def _start(self, processes: Processes, specs: list[DeviceSpec], fleet_port: int, port: int) -> None:
        began = timezone.now()
        common = {
            "INTERLOCK_DEMO": "1",
            "INTERLOCK_STOP_SECONDS": "4",
            "INTERLOCK_URL": f"http://127.0.0.1:{port}",
            "INTERLOCK_VAR": str(settings.VAR),
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        broker = start_broker(processes)
        self._say(f"Starting {len(specs)} simulated devices, web, worker and beat; broker: {broker} …")
        # The slowest to come up first; the beat, which nobody waits for, last.
        queues = ",".join(["celery", *world.all_queues()])
        processes.start("worker", module(*WORKER, "-c", str(THREADS), "-Q", queues), **common)
        processes.start("web", module(*WEB, "--bind", f"127.0.0.1:{port}"), **common)
        processes.start("fleet", module("devices.simulator", *_fleet_words(specs, fleet_port)), **common)
        processes.start("beat", module(*BEAT, "-s", str(settings.VAR / "run" / "beat")), **common)
        last = specs[-1].address
        processes.wait_for("The fleet", lambda: answers(fleet_port, last), 60)
        processes.wait_for("The web server", lambda: answers(port), 60)
        self._wait_for_worker(processes, began)

    def _wait_for_worker(self, processes: Processes, began: datetime) -> None:
        """A worker says that it is there once the broker has accepted it."""
        processes.wait_for("The worker", lambda: workers.any_since(began), 60)

    def _reset(self) -> None:
        self._say(f"Clearing {settings.VAR} …")
        if env.DATABASE_URL:
            call_command("flush", verbosity=0, interactive=False)
        connection.close()
        for name in ("interlock.sqlite3", "interlock.sqlite3-wal", "interlock.sqlite3-shm", "scenario.json"):
            (settings.VAR / name).unlink(missing_ok=True)
        settings.AUDIT_ANCHORS.unlink(missing_ok=True)  # they speak of what is no more
        for name in ("broker", "log"):
            shutil.rmtree(settings.VAR / name, ignore_errors=True)
        (settings.VAR / "log").mkdir()

    def _ready(self, port: int, seconds: float) -> None:
        self._say(f"\nReady: http://127.0.0.1:{port}/  (after {seconds:.1f} s; stop with Ctrl-C)\n")
        self._say("Every account has the password 'demo':")
        self._say("  acme-operator (makes jobs) · acme-approver-1, acme-approver-2 · acme-viewer · acme-admin")
        self._say(
            "  globex-operator · client13-admin, client13-operator · client93-admin · msp-admin · admin (superuser)"
        )
        self._say("API tokens: 'demo-<account>', for example 'Authorization: Bearer demo-acme-operator'.")
        self._say(f"Logs, and every command the devices executed: {settings.VAR / 'log'}\n")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _fleet_words(specs: list[DeviceSpec], port: int) -> tuple[str, ...]:
    """Write the fleet's files and return the words that make it read them."""
    file, scenario = settings.VAR / "run" / "fleet.json", settings.VAR / "scenario.json"
    inventory.write(file, specs)
    if not scenario.exists():
        scenario.write_text("{}\n")
    log = settings.VAR / "log" / "fleet-commands.jsonl"
    return ("--inventory", str(file), "--port", str(port), "--scenario", str(scenario), "--log", str(log))
