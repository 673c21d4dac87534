"""A very small Linux shell: enough commands to look around and to write the one configuration file."""

from __future__ import annotations

import re
import shlex

from devices.simulator import configs
from devices.simulator.cli import Cli, Reply
from devices.simulator.scripts import run
from devices.simulator.state import Device

CONFIG = "/etc/network/interfaces"
FAILED = re.compile(r"command not found|No such file|Permission denied|no packages found|^E: ", re.MULTILINE)


class LinuxCli(Cli):
    """bash-like; no paging."""

    platform, prefix, tag = "linux", "srv", "Servers"
    comment = "#"
    configuration = staticmethod(configs.linux)

    def __init__(self, device: Device) -> None:
        super().__init__(device)
        self.paging = False
        self.shows_status, self.status = False, 0

    def banner(self) -> str:
        return "Linux 6.1.0-sim x86_64\n\nThe programs are free software.\n"

    def prompt(self) -> str:
        return (
            f"interlock:4711:{self.status}$ "
            if self.shows_status
            else f"{self.device.spec.username}@{self.device.hostname}:~$ "
        )

    def mode(self) -> str:
        return "shell"

    def invalid(self, line: str) -> str:
        return f"-bash: {line.split(' ')[0]}: command not found\n"

    def execute(self, line: str) -> Reply:
        reply = self._executed(line.strip())
        self.status = 127 if "command not found" in reply.text else 1 if FAILED.search(reply.text) else 0
        return reply

    def _executed(self, line: str) -> Reply:
        if "PS1=" in line:
            self.shows_status = True
            return Reply()
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
            "df": "Filesystem     1K-blocks    Used Available Use% Mounted on\n"
            "/dev/sda1       20509264 4193280  15249120  22% /\n",
            "free": "               total        used        free\nMem:         2014208      421212     1592996\n",
            "ip": "1: lo: <LOOPBACK,UP> mtu 65536\n2: eth0: <BROADCAST,UP> mtu 1500\n",
            "true": "",
            ":": "",
        }
        if word in simple:
            return Reply(simple[word])
        if word == "echo":
            return Reply(_words(rest) + "\n")
        if word == "cat":
            return self._cat(rest.strip())
        if word in ("exit", "logout"):
            return Reply(bye=True)
        if word == "sudo":
            return self._executed(rest.removeprefix("-n "))
        if line.startswith("apt-get install -y "):
            return self._install(line.removeprefix("apt-get install -y "))
        if word == "dpkg-query":
            return self._package(line.split()[-1])
        return Reply(self.invalid(line)) if line else Reply()

    def command(self, line: str, given: str) -> tuple[str, int]:
        """Run a command on a channel of its own: a script for the shell, or one line."""
        if line.removeprefix("sudo -n ") in ("sh -s", "python3 -"):
            language = "sh" if line.endswith("sh -s") else "python"
            return run(language, given, self._statement, lambda text: self._log(text))
        return self._statement(line)

    def _log(self, line: str) -> None:
        self.device.log.executed(self.device.spec.address, self.device.sessions, "script", line, 0)

    def _statement(self, line: str) -> tuple[str, int]:
        text = self.execute(line).text
        return text, 1 if FAILED.search(text) else 0

    def _install(self, wanted: str) -> Reply:
        name, _, version = wanted.partition("=")
        if name.startswith("missing"):
            return Reply(f"Reading package lists... Done\nE: Unable to locate package {name}\n")
        self.device.packages[name] = version or "1.0-1"
        return Reply(f"Reading package lists... Done\nSetting up {name} ({self.device.packages[name]}) ...\n")

    def _package(self, name: str) -> Reply:
        version = self.device.packages.get(name)
        if version is None:
            return Reply(f"dpkg-query: no packages found matching {name}\n")
        return Reply(f"installed {version}\n")

    def _cat(self, name: str) -> Reply:
        if name == CONFIG:
            return Reply("\n".join(self.device.running) + "\n")
        if name == "/etc/os-release":
            return Reply('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n')
        if name in self.device.files:
            return Reply(self.device.files[name])
        return Reply(f"cat: {name}: No such file or directory\n")

    def _write(self, text: str, how: str, name: str) -> Reply:
        if name.startswith("/tmp/"):  # noqa: S108 - a simulated file
            kept = self.device.files.get(name, "") if how == ">>" else ""
            self.device.files[name] = kept + _words(text) + "\n"
            return Reply()
        if name != CONFIG:
            return Reply(f"-bash: {name}: Permission denied\n")
        line = _words(text)
        self.device.running = [*self.device.running, line] if how == ">>" else [line]
        self.device.startup = list(self.device.running)
        return Reply()


def _words(text: str) -> str:
    """Return what `echo` prints; a quotation mark that came out of a variable has no other end."""
    try:
        return " ".join(shlex.split(text))
    except ValueError:
        return text
