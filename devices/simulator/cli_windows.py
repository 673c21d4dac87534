"""A Windows server behind OpenSSH that may be a domain controller: each command is answered with text and an exit
status.

The fault `dc` spoils checks: {"dns": "fail" or "warn", "advertising", "sysvol": "fail", "replication": "fail" or
"warn", "time": "fail" or "warn", "stopped": a service's name}.
"""

from __future__ import annotations

import re

from devices.simulator.cli import Cli, Reply
from devices.simulator.scripts import Outcome, run
from devices.simulator.state import Device

UNKNOWN = "'{0}' is not recognized as an internal or external command,\noperable program or batch file.\n"
INTERPRETERS = {"powershell -NoProfile -NonInteractive -Command -": "powershell", "python -": "python"}


class WindowsCli(Cli):
    """cmd.exe, one command at a time."""

    platform, prefix, tag = "windows", "win", "Servers"
    turn = False

    def __init__(self, device: Device) -> None:
        super().__init__(device)
        self.paging = False

    def prompt(self) -> str:
        return f"{self.device.spec.username}@{self.device.hostname} C:\\>"

    def mode(self) -> str:
        return "command"

    def invalid(self, line: str) -> str:
        return UNKNOWN.format(line.split(" ")[0])

    def execute(self, line: str) -> Reply:
        return Reply(self.command(line, "")[0])

    def command(self, line: str, given: str) -> Outcome:
        """Run one command with its input."""
        if line in INTERPRETERS:
            return run(INTERPRETERS[line], given, self._statement, lambda text: self._log(text))
        for pattern, answer in (
            (r"dcdiag /test:(\w+)", self._dcdiag),
            (r"repadmin /replsummary", self._replication),
            (r"sc query (\w+)", self._service),
            (r"w32tm /query /status", self._time),
            (r"winget install .*--id (\S+)(?: --version (\S+))?", self._install),
            (r"winget list .*--id (\S+)", self._listed),
            (r"hostname", lambda _: (f"{self.device.hostname}\n", 0)),
            (r"type (\S+)", lambda found: self._read(found[1])),
        ):
            found = re.fullmatch(pattern, line)
            if found:
                return answer(found)
        return self.invalid(line), 1

    def _fault(self, name: str) -> str:
        return str(self.device.faults().get("dc", {}).get(name, ""))

    def _log(self, line: str) -> None:
        self.device.log.executed(self.device.spec.address, self.device.sessions, "script", line, 0)

    def _dcdiag(self, found: re.Match[str]) -> Outcome:
        test = found[1]
        name = self.device.hostname.upper()
        state = self._fault({"DNS": "dns", "SysVolCheck": "sysvol"}.get(test, test.lower()))
        text = (
            "\nDirectory Server Diagnosis\n\n"
            f"   Testing server: Default-First-Site-Name\\{name}\n      Starting test: {test}\n"
        )
        if state == "fail":
            said = "Error: no DNS servers could be found" if test == "DNS" else "The server is not advertising"
            return f"{text}         {said}.\n         ......................... {name} failed test {test}\n", 1
        if state == "warn":
            text += f"         Warning: the {test} test found a missing glue record.\n"
        return f"{text}         ......................... {name} passed test {test}\n", 0

    def _replication(self, found: re.Match[str]) -> Outcome:
        state, name = self._fault("replication"), self.device.hostname.upper()
        delta, failed = ("02d.03h:11m:09s" if state == "warn" else "04m:12s"), (2 if state == "fail" else 0)
        row = f" {name}        {delta}    {failed} /   5   {failed * 20}"
        tail = "  (1722) The RPC server is unavailable." if failed else ""
        return f"Source DSA          largest delta    fails/total %%   error\n{row}{tail}\n", 0

    def _service(self, found: re.Match[str]) -> Outcome:
        name = found[1]
        if name not in ("NTDS", "DNS", "Netlogon", "Kdc", "DFSR", "W32Time"):
            return (
                "[SC] EnumQueryServicesStatus:OpenService FAILED 1060:\n\n"
                "The specified service does not exist as an installed service.\n",
                1060,
            )
        state = "1  STOPPED" if self._fault("stopped") == name else "4  RUNNING"
        return (
            f"\nSERVICE_NAME: {name}\n"
            "        TYPE               : 20  WIN32_SHARE_PROCESS\n"
            f"        STATE              : {state}\n",
            0,
        )

    def _time(self, found: re.Match[str]) -> Outcome:
        state = self._fault("time")
        if state == "fail":
            return "The following error occurred: The service has not been started. (0x80070426)\n", 1
        source = "Local CMOS Clock" if state == "warn" else "time.example.net"
        return f"Leap Indicator: 0(no warning)\nStratum: 3\nSource: {source}\nPoll Interval: 10 (1024s)\n", 0

    def _install(self, found: re.Match[str]) -> Outcome:
        name, version = found[1], found[2] or "1.0.0"
        if name.lower().startswith("missing"):
            return "No package found matching input criteria.\n", 20
        self.device.packages[name] = version
        return f"Found {name} [{name}] Version {version}\nSuccessfully installed\n", 0

    def _listed(self, found: re.Match[str]) -> Outcome:
        version = self.device.packages.get(found[1])
        if version is None:
            return "No installed package found matching input criteria.\n", 20
        return (
            f"Name    Id      Version Source\n------------------------------\n{found[1]} {found[1]} {version} winget\n",
            0,
        )

    def _read(self, name: str) -> Outcome:
        text = self.device.files.get(name)
        return (text, 0) if text is not None else ("The system cannot find the file specified.\n", 1)

    def _statement(self, line: str) -> Outcome:
        """One PowerShell statement of the few that are known."""
        if found := re.fullmatch(r"Write-Output (.*)", line):
            return _unquoted(found[1]) + "\n", 0
        if found := re.fullmatch(r"Set-Content -Path (\S+) -Value (.*)", line):
            self.device.files[_unquoted(found[1])] = _unquoted(found[2]) + "\n"
            return "", 0
        if found := re.fullmatch(r"Get-Content (\S+)", line):
            return self._read(_unquoted(found[1]))
        if found := re.fullmatch(r"throw (.*)", line):
            return f"{_unquoted(found[1])}\n    + CategoryInfo : OperationStopped\n", 1
        word = line.split(" ")[0]
        return f"{word} : The term '{word}' is not recognized as the name of a cmdlet.\n", 1


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
