"""A command line in the manner of Juniper Junos: operational and configuration mode, candidate, commit, rollback."""

from __future__ import annotations

from devices.simulator import configs
from devices.simulator.cli import Cli, Reply
from devices.simulator.state import Device

ROOTS = frozenset(
    [
        "system",
        "interfaces",
        "vlans",
        "protocols",
        "routing-options",
        "policy-options",
        "firewall",
        "snmp",
        "security",
        "groups",
        "chassis",
    ]
)


class JunosCli(Cli):
    """Junos-like. A private candidate is dropped when the session ends without a commit."""

    platform, prefix, tag = "juniper_junos", "rt", "Routers"
    comment = "#"
    configuration = staticmethod(configs.junos)

    def __init__(self, device: Device) -> None:
        super().__init__(device)
        self.candidate: list[str] | None = None

    def banner(self) -> str:
        return "--- JUNOS 21.4R3.15 Kernel 64-bit\n"

    def prompt(self) -> str:
        who = f"{self.device.spec.username}@{self.device.hostname}"
        return f"[edit]\n{who}# " if self.candidate is not None else f"{who}> "

    def mode(self) -> str:
        return "config" if self.candidate is not None else "exec"

    def more(self) -> str:
        return "---(more)---"

    def invalid(self, line: str) -> str:
        return (
            f"{' ' * 12}^\nsyntax error, expecting <command>.\n"
            if self.candidate is not None
            else f"{' ' * 12}^\nunknown command.\n"
        )

    def execute(self, line: str) -> Reply:
        line = " ".join(line.split())
        if self.candidate is not None:
            return self._configure(line)
        if line in ("exit", "quit"):
            return Reply(bye=True)
        if line.startswith("set cli "):
            if "screen-length" in line:
                self.paging = not line.endswith(" 0")
                return Reply(f"Screen length set to {line.split()[-1]}\n")
            return Reply(f"Screen width set to {line.split()[-1]}\n")
        if line in ("configure", "configure private", "configure exclusive", "edit"):
            self.candidate = list(self.device.running)
            return Reply("Entering configuration mode\n")
        if line.startswith("show configuration"):
            text = "\n".join(self.device.running) + "\n"
            return Reply(text if "display set" in line else f"## Last commit: by netops\n{text}")
        if line.startswith("show version"):
            return Reply(f"Hostname: {self.device.hostname}\nModel: ex4300-48t\nJunos: 21.4R3.15\n")
        if line.startswith("show interfaces terse"):
            rows = "".join(f"ge-0/0/{n:<18} up    up\n" for n in range(48))
            return Reply(f"Interface               Admin Link\n{rows}")
        if line.startswith(("show chassis", "show system", "show route")):
            return Reply(f"{self.device.hostname}: {line[5:]}\n")
        if line.startswith("ping "):
            return Reply("5 packets transmitted, 5 packets received, 0% packet loss\n")
        return Reply(self.invalid(line))

    def _configure(self, line: str) -> Reply:
        assert self.candidate is not None
        words = line.split()
        if not words:
            return Reply()
        if words[0] in ("set", "delete") and len(words) > 2 and words[1] in ROOTS:
            self._change(words)
            return Reply()
        if words[0] == "commit":
            return self._commit(words)
        if words[0] == "rollback":
            index = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
            history = [self.device.running, *reversed(self.device.rollbacks)]
            self.candidate = list(history[min(index, len(history) - 1)])
            return Reply("load complete\n")
        if words[0] == "show":
            changed = sorted(set(self.candidate) ^ set(self.device.running))
            return Reply("\n".join(changed) + "\n")
        if words[0] in ("exit", "quit"):
            self.candidate = None
            return Reply("Exiting configuration mode\n")
        return Reply(self.invalid(line))

    def _change(self, words: list[str]) -> None:
        assert self.candidate is not None
        statement = "set " + " ".join(words[1:])
        if words[0] == "delete":
            self.candidate = [have for have in self.candidate if not (have + " ").startswith(statement + " ")]
        elif statement not in self.candidate:
            if words[1:3] == ["system", "host-name"]:
                self.candidate = [have for have in self.candidate if not have.startswith("set system host-name")]
            self.candidate.append(statement)

    def _commit(self, words: list[str]) -> Reply:
        assert self.candidate is not None
        if words[1:2] == ["check"]:
            return Reply("configuration check succeeds\n")
        before = list(self.device.running)
        self.device.keep()
        self.device.rollbacks = [*self.device.rollbacks[-49:], list(self.device.running)]
        self.device.running = self.device.startup = list(self.candidate)
        for have in self.device.running:
            if have.startswith("set system host-name "):
                self.device.hostname = have.split()[-1]
        if words[1:2] == ["confirmed"]:
            minutes = words[2] if len(words) > 2 else "10"
            self.device.take_back_after(float(minutes), before)
            text = f"commit confirmed will be automatically rolled back in {minutes} minutes unless confirmed\n"
            return Reply(f"{text}commit complete\n")
        return Reply("commit complete\n")

    def closed(self) -> None:
        self.candidate = None
