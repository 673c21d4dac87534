"""The platforms by key. A new one of our own is one data file here, one row in `domain/platforms`, one test."""

from __future__ import annotations

from devices.drivers.platform import Platform
from devices.drivers.platforms.arista_eos import ARISTA_EOS
from devices.drivers.platforms.cisco_ios import CISCO_IOS
from devices.drivers.platforms.juniper_junos import JUNIPER_JUNOS
from devices.drivers.platforms.linux import LINUX
from devices.drivers.platforms.others import OTHERS
from devices.drivers.platforms.windows import WINDOWS

BY_KEY: dict[str, Platform] = OTHERS | {p.key: p for p in (CISCO_IOS, ARISTA_EOS, JUNIPER_JUNOS, LINUX, WINDOWS)}
