"""`python -m devices.simulator`: run the fleet until stopped. Needs no Django, so that it is up at once."""

from __future__ import annotations

import argparse
import asyncio
import resource
import signal
import sys
from pathlib import Path

from devices.simulator import inventory, telnet
from devices.simulator.server import Fleet
from devices.simulator.state import CommandLog, Scenario


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--devices", type=int, default=12, help="How many to generate (without --inventory).")
    parser.add_argument("--inventory", type=Path, help="A JSON file that lists the devices.")
    parser.add_argument("--port", type=int, default=2222, help="The TCP port on every address.")
    parser.add_argument("--telnet-port", type=int, default=0, help="The port of their Telnet servers; 0 means none.")
    parser.add_argument("--scenario", type=Path, help="A JSON file of faults, read again when it changes.")
    parser.add_argument("--log", type=Path, help="Append one JSON line per executed command to this file.")


def run(options: argparse.Namespace) -> None:
    """Serve until SIGINT or SIGTERM; OSError when an address cannot be had."""
    specs = inventory.read(options.inventory) if options.inventory else inventory.generated(options.devices)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = len(specs) * 3 + 200
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    more = telnet.beside(options.telnet_port) if options.telnet_port else None
    asyncio.run(_serve(Fleet(specs, options.port, Scenario(options.scenario), CommandLog(options.log), more)))


async def _serve(fleet: Fleet) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await fleet.start()
    print(f"Fleet ready: {len(fleet.devices)} devices on port {fleet.port}.", flush=True)
    await stop.wait()
    await fleet.stop()


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="simulate_fleet", description=__doc__)
    add_arguments(parser)
    options = parser.parse_args()
    try:
        run(options)
    except OSError as error:
        sys.exit(f"The fleet cannot listen on port {options.port}: {error}. Choose another with --port.")


if __name__ == "__main__":
    main()
