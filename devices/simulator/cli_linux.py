"""A very small Linux shell: enough commands to look around and to write the one configuration file."""

from __future__ import annotations

import re
import shlex

from devices.simulator.cli import Cli, Reply
from devices.simulator.state import Device

CONFIG = "/etc/network/interfaces"


class LinuxCli(Cli):
    """bash-like; no paging."""

    def __init__(self, device: Device) -> None:
        super().__init__(device)
        self.paging = False

    def banner(self) -> str:
        return "Linux 6.1.0-sim x86_64\n\nThe programs are free software.\n"

    def prompt(self) -> str:
        return f"{self.device.spec.username}@{self.device.hostname}:~$ "

    def mode(self) -> str:
        return "shell"

    def invalid(self, line: str) -> str:
        return f"-bash: {line.split(' ')[0]}: command not found\n"

    def execute(self, line: str) -> Reply:
        line = line.strip()
        written = re.match(r"^echo (.+?) (>>?) (\S+)$", line)
        if written:
            return self._write(*written.groups())
        word, _, rest = line.partition(" ")
        simple = {
            "uname": f"Linux {self.device.hostname} 6.1.0-sim #1 SMP x86_64 GNU/Linux\n",
            "uptime": " 10:20:30 up 12 days,  3:04,  1 user,  load average: 0.08, 0.03, 0.01\n",
            "hostname": f"{self.device.hostname}\n",
            "whoami": f"{self.device.spec.username}\n",
            "id": f"uid=1000({self.device.spec.username}) gid=1000 groups=1000\n",
            "df": "Filesystem     1K-blocks    Used Available Use% Mounted on\n/dev/sda1       20509264 4193280  15249120  22% /\n",
            "free": "               total        used        free\nMem:         2014208      421212     1592996\n",
            "ip": "1: lo: <LOOPBACK,UP> mtu 65536\n2: eth0: <BROADCAST,UP> mtu 1500\n",
            "true": "",
        }
        if word in simple:
            return Reply(simple[word])
        if word == "echo":
            return Reply(" ".join(shlex.split(rest)) + "\n")
        if word == "cat":
            return self._cat(rest.strip())
        if word in ("exit", "logout"):
            return Reply(bye=True)
        if word == "sudo":
            return self.execute(rest)
        return Reply(self.invalid(line)) if line else Reply()

    def _cat(self, name: str) -> Reply:
        if name == CONFIG:
            return Reply("\n".join(self.device.running) + "\n")
        if name == "/etc/os-release":
            return Reply('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n')
        return Reply(f"cat: {name}: No such file or directory\n")

    def _write(self, text: str, how: str, name: str) -> Reply:
        if name != CONFIG:
            return Reply(f"-bash: {name}: Permission denied\n")
        line = " ".join(shlex.split(text))
        self.device.running = [*self.device.running, line] if how == ">>" else [line]
        self.device.startup = list(self.device.running)
        return Reply()
