"""`manage.py simulate_fleet`: run simulated devices until stopped."""

import asyncio
import resource
import signal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from devices.simulator import inventory
from devices.simulator.server import Fleet
from devices.simulator.state import CommandLog, Scenario


class Command(BaseCommand):
    """Serve the fleet on loopback addresses."""

    help = "Run simulated network devices: real SSH servers on 127.x.y.z addresses."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--devices", type=int, default=12, help="How many to generate (without --inventory).")
        parser.add_argument("--inventory", type=Path, help="A JSON file that lists the devices.")
        parser.add_argument("--port", type=int, default=2222, help="The TCP port on every address.")
        parser.add_argument("--scenario", type=Path, help="A JSON file of faults, read again when it changes.")
        parser.add_argument("--log", type=Path, help="Append one JSON line per executed command to this file.")
        parser.add_argument("--var", help="The folder that holds the installation's state.")

    def handle(self, *args: Any, **options: Any) -> None:
        specs = (
            inventory.read(options["inventory"]) if options["inventory"] else inventory.generated(options["devices"])
        )
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = len(specs) * 3 + 200
        if soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
        fleet = Fleet(specs, options["port"], Scenario(options["scenario"]), CommandLog(options["log"]))
        try:
            asyncio.run(self._serve(fleet))
        except OSError as error:
            raise CommandError(
                f"The fleet cannot listen on port {options['port']}: {error}. Choose another with --port."
            ) from error

    async def _serve(self, fleet: Fleet) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await fleet.start()
        self.stdout.write(f"Fleet ready: {len(fleet.devices)} devices on port {fleet.port}.")
        self.stdout.flush()
        await stop.wait()
        await fleet.stop()
