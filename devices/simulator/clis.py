"""The simulated command lines by platform: one line each."""

from __future__ import annotations

from config.registry import by_key
from devices.simulator.cli import Cli
from devices.simulator.cli_ios import EosCli, IosCli
from devices.simulator.cli_junos import JunosCli
from devices.simulator.cli_linux import LinuxCli
from devices.simulator.cli_windows import WindowsCli

CLIS: dict[str, type[Cli]] = by_key(
    "simulated platform",
    (
        IosCli,
        EosCli,
        JunosCli,
        LinuxCli,
        WindowsCli,
    ),
    lambda cli: cli.platform,
)
#: Those that take turns in a generated fleet.
TURNS = tuple(key for key, cli in CLIS.items() if cli.turn)
