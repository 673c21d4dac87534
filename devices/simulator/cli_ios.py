"""Command lines in the manner of Cisco IOS and Arista EOS: user, privileged and configuration modes, enable, paging."""

from __future__ import annotations

import functools
import re
import time

from devices.simulator import configs
from devices.simulator.cli import Cli, Reply, expand
from devices.simulator.state import Device

COMMANDS = {
    "show running-config": ("show", "running-config"),
    "show startup-config": ("show", "startup-config"),
    "show version": ("show", "version"),
    "show inventory": ("show", "inventory"),
    "show clock": ("show", "clock"),
    "show ip interface brief": ("show", "ip", "interface", "brief"),
    "show vlan brief": ("show", "vlan", "brief"),
    "configure terminal": ("configure", "terminal"),
    "terminal length": ("terminal", "length"),
    "terminal width": ("terminal", "width"),
    "write memory": ("write", "memory"),
    "copy running-config startup-config": ("copy", "running-config", "startup-config"),
}
#: First words that configuration mode knows, at top level or in a section.
CONFIG_WORDS = frozenset(
    [
        "aaa",
        "access-list",
        "banner",
        "clock",
        "description",
        "duplex",
        "encapsulation",
        "hostname",
        "interface",
        "ip",
        "ipv6",
        "line",
        "lldp",
        "logging",
        "login",
        "mac",
        "mtu",
        "name",
        "no",
        "ntp",
        "permit",
        "deny",
        "remark",
        "router",
        "network",
        "neighbor",
        "service",
        "shutdown",
        "snmp-server",
        "spanning-tree",
        "speed",
        "storm-control",
        "switchport",
        "tacacs-server",
        "transport",
        "username",
        "vlan",
        "vrf",
        "exec-timeout",
        "enable",
        "alias",
        "archive",
        "cdp",
    ]
)
SECTIONS = re.compile(r"^(interface|vlan|router|line|ip access-list|vrf|archive)\b")
PORT = re.compile(r"^interface (\S+)")


@functools.cache
def _shown(line: str) -> str:
    """Return a line as a configuration shows it: a section begins with a mark."""
    return f"!\n{line}" if SECTIONS.match(line) else line


def configuration(lines: list[str]) -> str:
    """Return what `show running-config` prints for these lines."""
    body = "\n".join(map(_shown, lines))
    return f"Building configuration...\n\nCurrent configuration : {len(body)} bytes\n!\n{body}\n!\nend\n\n"


class IosCli(Cli):
    """Cisco IOS-like; starts in user mode and asks for an enable password."""

    platform, prefix, tag = "cisco_ios", "sw", "Switches"
    comment = "!"
    configuration = staticmethod(configs.ios)
    starts_privileged = False

    def __init__(self, device: Device) -> None:
        super().__init__(device)
        self.privileged, self.config, self.section = self.starts_privileged, False, ""

    def prompt(self) -> str:
        if self.config:
            suffix = {"interface": "-if", "vlan": "-vlan", "router": "-router", "line": "-line"}
            word = self.section.split(" ")[0] if self.section else ""
            return f"{self.device.hostname}(config{suffix.get(word, '-sub') if word else ''})#"
        return f"{self.device.hostname}{'#' if self.privileged else '>'}"

    def mode(self) -> str:
        return "config" if self.config else ("exec" if self.privileged else "user")

    def invalid(self, line: str) -> str:
        return "              ^\n% Invalid input detected at '^' marker.\n"

    def execute(self, line: str) -> Reply:
        if self.config:
            return self._configure(line.strip())
        command = expand(line.strip(), COMMANDS)
        first = command.split(" ")[0]
        if first in ("exit", "quit", "logout"):
            return Reply(bye=True)
        if command in ("enable", "en"):
            return Reply() if self.privileged else self._ask_enable()
        if command.startswith("terminal length"):
            self.paging = not command.endswith(" 0")
            return Reply()
        if command.startswith("terminal "):
            return Reply()
        if command.startswith("show "):
            return self._show(command)
        if first in ("ping", "traceroute"):
            return Reply("Type escape sequence to abort.\n!!!!!\nSuccess rate is 100 percent (5/5)\n")
        if not self.privileged:
            return Reply(self.invalid(line))
        return self._privileged(command, line)

    def _privileged(self, command: str, line: str) -> Reply:
        if command == "configure terminal":
            self.config = True
            return Reply(self._entering())
        if command.startswith("configure terminal revert timer "):
            self.device.take_back_after(float(command.split()[-1]), self.device.running)
            self.config = True
            return Reply(f"Rollback Confirmed Change: in {command.split()[-1]} minute(s)\n{self._entering()}")
        if command == "configure confirm":
            return Reply() if self.device.keep() else Reply("% No Rollback Confirmed Change pending\n")
        if command == "write memory":
            self.device.startup = list(self.device.running)
            return Reply(self._saved())
        if command == "copy running-config startup-config":
            return Reply(ask="Destination filename [startup-config]? ", answer=self._copied)
        if command.startswith("dir"):
            files = "".join(f"  -rw-  {size:>10}  {name}\n" for name, size in self.device.flash.items())
            return Reply(f"Directory of flash:/\n\n{files}\n1622433792 bytes total (874586112 bytes free)\n")
        if command == "reload":
            return Reply(ask="Proceed with reload? [confirm]", answer=lambda _: Reply(bye=True, reboot=3.0))
        if command == "disable":
            self.privileged = False
            return Reply()
        return Reply(self.invalid(line))

    def _copied(self, _: str) -> Reply:
        self.device.startup = list(self.device.running)
        return Reply(self._saved())

    def _entering(self) -> str:
        return "Enter configuration commands, one per line.  End with CNTL/Z.\n"

    def _saved(self) -> str:
        return "Building configuration...\n[OK]\n"

    def _ask_enable(self, tries: int = 1) -> Reply:
        def answered(typed: str) -> Reply:
            if typed == self.device.faults().get("enable", self.device.spec.enable):
                self.privileged = True
                return Reply()
            return Reply("% Access denied\n") if tries >= 3 else self._ask_enable(tries + 1)

        return Reply(ask="Password: ", answer=answered, hidden=True)

    def _show(self, command: str) -> Reply:
        name, up = self.device.hostname, int((time.monotonic() - self.device.started) // 60)
        if command.startswith("show running-config"):
            return Reply(self._config(self.device.running)) if self.privileged else Reply(self.invalid(command))
        if command.startswith("show startup-config"):
            return Reply(self._config(self.device.startup)) if self.privileged else Reply(self.invalid(command))
        if command.startswith("show version"):
            return Reply(self._version(name, up))
        if command.startswith("show clock"):
            return Reply(time.strftime("%H:%M:%S.000 UTC %a %b %d %Y\n", time.gmtime()))
        if command.startswith("show inventory"):
            return Reply(
                f'NAME: "1", DESCR: "48-port switch"\nPID: SIM-48T , VID: V01, SN: SIM{abs(hash(name)) % 10**8:08d}\n'
            )
        if command.startswith("show ip interface brief"):
            ports = [m.group(1) for line in self.device.running if (m := PORT.match(line))]
            rows = "".join(f"{port:<26} unassigned      YES unset  up                    up\n" for port in ports)
            return Reply(f"{'Interface':<26} IP-Address      OK? Method Status                Protocol\n{rows}")
        if command.startswith("show vlan"):
            vlans = [line.split()[1] for line in self.device.running if line.startswith("vlan ")]
            return Reply(
                "VLAN Name                             Status\n"
                + "".join(f"{v:<4} SEGMENT-{v:<25} active\n" for v in vlans)
            )
        return Reply(self.invalid(command))

    def _version(self, name: str, up: int) -> str:
        return (
            f"Cisco IOS Software, C2960X Software (C2960X-UNIVERSALK9-M), Version 15.2(7)E4, RELEASE SOFTWARE (fc2)\n"
            f'{name} uptime is {up} minutes\nSystem image file is "flash:c2960x-15.2.7.E4.bin"\n'
            "Configuration register is 0xF\n"
        )

    def _config(self, lines: list[str]) -> str:
        return configuration(lines)

    def _configure(self, line: str) -> Reply:
        word = line.split(" ")[0].lower() if line else ""
        if line == "end":
            self.config, self.section = False, ""
        elif line == "exit":
            if self.section:
                self.section = ""
            else:
                self.config = False
        elif line and not line.startswith("!"):
            if word not in CONFIG_WORDS:
                return Reply(self.invalid(line))
            self._apply(line)
        return Reply()

    def _apply(self, line: str) -> None:
        running = self.device.running
        if SECTIONS.match(line):
            self.section = line
            if line not in running:
                running.append(line)
            return
        removing = line.startswith("no ") and not line.startswith("no shutdown")
        target = line[3:] if removing else line
        if not self.section or target.split(" ")[0] in ("hostname", "ntp", "logging", "snmp-server", "banner"):
            self.section = ""
            if removing:
                self.device.running = [
                    have for have in running if not (have == target or have.startswith(target + " "))
                ]
            elif target.startswith("hostname "):
                self.device.hostname = target.split()[1]
                self.device.running = [line if have.startswith("hostname ") else have for have in running]
            elif line not in running:
                running.append(line)
            return
        start = running.index(self.section) + 1
        stop = next((i for i in range(start, len(running)) if not running[i].startswith(" ")), len(running))
        body = [have for have in running[start:stop] if have.strip() not in (target, f"no {target}")]
        if target.split(" ")[0] in ("description", "name"):
            body = [have for have in body if not have.startswith(" " + target.split(" ")[0])]
        running[start:stop] = body + ([] if removing else [" " + line])


class EosCli(IosCli):
    """Arista EOS-like: privileged from the start where the account is, other words here and there."""

    platform, prefix, tag = "arista_eos", "leaf", "Switches"
    configuration = staticmethod(configs.eos)
    starts_privileged = True

    def __init__(self, device: Device) -> None:
        super().__init__(device)
        self.before: list[str] | None = None

    def invalid(self, line: str) -> str:
        return "% Invalid input\n"

    def _privileged(self, command: str, line: str) -> Reply:
        if command == "configure session interlock":
            self.before, self.config = list(self.device.running), True
            return Reply()
        if command == "configure session interlock commit":
            return Reply() if self.device.keep() else Reply("% Error: no session 'interlock'\n")
        return super()._privileged(command, line)

    def _configure(self, line: str) -> Reply:
        if self.before is not None and line.startswith("commit timer "):
            hours, minutes, seconds = line.split()[-1].split(":")
            self.device.take_back_after(int(hours) * 60 + int(minutes) + int(seconds) / 60, self.before)
            self.before, self.config, self.section = None, False, ""
            return Reply()
        return super()._configure(line)

    def closed(self) -> None:
        if self.before is not None:
            self.device.running = self.before

    def _entering(self) -> str:
        return ""

    def _saved(self) -> str:
        return "Copy completed successfully.\n"

    def _version(self, name: str, up: int) -> str:
        return (
            f"Arista DCS-7050TX-64-F\nHardware version: 01.11\nSoftware image version: 4.28.3M\n"
            f"Architecture: x86_64\nUptime: {up} minutes\nTotal memory: 3982512 kB\nHostname: {name}\n"
        )

    def _config(self, lines: list[str]) -> str:
        body = "\n".join(("   " + line.strip()) if line.startswith(" ") else "!\n" + line for line in lines)
        head = f"! Command: show running-config\n! device: {self.device.hostname} (DCS-7050TX-64, EOS-4.28.3M)\n"
        return f"{head}{body}\n!\nend\n"
