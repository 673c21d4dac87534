"""Which devices the fleet plays: generated from a count, or written out in a JSON file."""

from __future__ import annotations

import json
from pathlib import Path

from devices.simulator.clis import CLIS, TURNS
from devices.simulator.state import DeviceSpec


def generated(count: int, prefix: str = "sim", block: int = 40) -> list[DeviceSpec]:
    """Return `count` devices on 127.<block>.<n>.<m>, the platforms taking turns."""
    specs = []
    for index in range(count):
        platform = TURNS[index % len(TURNS)]
        address = f"127.{block + index // 60_000}.{index // 240 % 250}.{index % 240 + 1}"
        name = f"{prefix}-{CLIS[platform].prefix}{index // len(TURNS) + 1:03d}"
        specs.append(DeviceSpec(address=address, platform=platform, name=name))
    return specs


def read(path: Path) -> list[DeviceSpec]:
    """Read a list of objects with the fields of DeviceSpec."""
    return [DeviceSpec(**row) for row in json.loads(path.read_text())]


def write(path: Path, specs: list[DeviceSpec]) -> None:
    """Write what `read` reads."""
    rows = [{field: getattr(spec, field) for field in spec.__slots__} for spec in specs]
    path.write_text(json.dumps(rows, indent=1))
