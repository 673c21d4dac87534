"""The cases: what a reported device does, what is sent to it, and what must be so in the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.field.devices import CARET, Device, Ios, Junos, Shell


@dataclass(frozen=True)
class Right:
    """What must be so in the end. Texts are regular expressions unless said otherwise; `says` looks at the sentences
    of the device run and of its steps (or of the error, where the input must be refused)."""

    status: str = "succeeded.*"
    got: tuple[str, ...] = ()  # exact lines, received in this order, others between them
    never: tuple[str, ...] = ()  # no whole line received matches
    at_most: dict[str, int] = field(default_factory=dict)  # exact line: how often at most
    logins: tuple[str, ...] | None = None  # exactly these passwords and answers reached the device, in this order
    says: tuple[str, ...] = ()
    says_not: tuple[str, ...] = ()
    answers: dict[str, str] = field(default_factory=dict)  # sent line: found in its answer (where the run succeeded)
    answers_not: dict[str, str] = field(default_factory=dict)  # sent line: never found in its answer
    before: tuple[str, ...] = ()  # found in the stored configuration before the change
    after: tuple[str, ...] = ()
    stored_not: tuple[str, ...] = ()  # in no stored configuration
    diff: tuple[str, ...] = ()
    diff_not: tuple[str, ...] = ()
    saved: bool = False  # the device holds its configuration as saved
    parallel: int = 0  # so many sessions at least were open at once
    alone: bool = False  # no two sessions were changing at once


@dataclass(frozen=True)
class Case:
    """One reported device and what is done with it. `flow`: `run` (a job), `line` (a template that must be refused, or
    whose line must not arrive as it is), `name` (a device name, likewise), `together` (one job per address, started at
    once), `fleet` (one job for all addresses, after one that only reads)."""

    name: str
    what: str
    source: str
    device: type[Device]
    steps: tuple[dict[str, Any], ...] = ()
    right: Right = Right()
    platform: str = "cisco_ios"
    snapshots: bool = False
    user: str = "ops"
    password: str = "pw"
    enable: str = ""
    hosts: tuple[str, ...] = ("127.0.0.1",)
    flow: str = "run"
    text: str = ""  # of the flow `name`: the name
    other_customer: bool = False  # of the flow `together`: the second record is another customer's


def read(commands: str, **more: Any) -> dict[str, Any]:
    return {"kind": "read", "commands": commands, "timeout": 6, **more}


def config(commands: str, **more: Any) -> dict[str, Any]:
    return {"kind": "config", "commands": commands, "timeout": 6, **more}


def shell(commands: str, **more: Any) -> dict[str, Any]:
    return {"kind": "exec", "commands": commands, "timeout": 6, **more}


# --- where an answer ends
BGP = "router bgp 65001\nneighbor 10.0.0.2 remot-as 65002\nshutdown\nmaximum-paths 4"


class PausesInConfig(Ios):
    """A line of its configuration equals the prompt; there it pauses."""

    pause = 0.35

    async def show_running(self) -> None:
        text = self.box.running().replace("!\n", "banner motd ^C\n", 1).replace("\n", "\r\n")
        await self.t.say(f"Building configuration...\r\n\r\n{text.split('hostname')[0]}{self.prompt()}", self.pause)
        await self.t.say("\r\n^C\r\nhostname" + text.split("hostname", 1)[1])

    async def run(self) -> None:
        await self.greet()
        while True:
            await self.t.say(self.prompt(), 0.03)
            if await self.handle((await self.t.line()).strip()) is False:
                return

    async def handle(self, line: str) -> bool | None:
        return await self.out(CARET) if "remot-as" in line else await super().handle(line)


class PausesFar(PausesInConfig):
    far = 0.04


class PromptInAnswer(Ios):
    async def handle(self, line: str) -> bool | None:
        if line.startswith("show banner"):
            await self.t.say("Welcome to rtr-a#", 0.4)
            await self.t.say("\r\nrtr-a#", 0.3)
            await self.t.say("\r\nlast line of the banner\r\n")
            return None
        return await super().handle(line)


class GluedJson(Ios):
    async def handle(self, line: str) -> bool | None:
        if "| json" in line:
            return await self.t.say('{"neighbors": [],\r\n "total": 0}')
        return await super().handle(line)


class PagerAtEnd(Ios):
    """Its pager cannot be switched off and asks once more after the last line."""

    rows, erase = 60, "\x08" * 10 + " " * 10 + "\x08" * 10

    async def handle(self, line: str) -> bool | None:
        if not line.startswith("show log"):
            return await super().handle(line)
        for number in range(self.rows):
            await self.t.say(f"row {number}.\r\n")
            if number % 20 == 19:
                await self.t.say(" --More-- ")
                await self.t.key()
                await self.t.say(self.erase)
        return None


class GluedBanner(Ios):
    banner = "\r\n" + "*" * 80

    async def greet(self) -> None:
        pass


class BannerOfSigns(Ios):
    banner = "\r\nAccess > allowed >> only # after ## login >#>>## ###\r\n\r\n"


class SyslogBehindPrompt(Ios):
    async def configure(self, line: str) -> None:
        await super().configure(line)
        if line.startswith("description"):
            await self.t.say(
                self.prompt() + "\r\n*Mar  1 00:04:11.123: %SYS-5-CONFIG_I: Configured from console by ops on vty0\r\n"
            )


# --- what only prepares or proves
class NoWidth(Ios):
    refuses = {r"^terminal width": "% Authorization denied for command 'terminal width 511'\n"}


class LevelZero(Ios):
    refuses = {r"^terminal": CARET}


class NeverSaved(Ios):
    refuses = {r"^show startup": "%Error opening nvram:/startup-config (No such file or directory)\n"}


class AfterRefused(Ios):
    async def show_running(self) -> None:
        if self.box.changed:
            return await self.out("% Error: the configuration is locked by session 3, try again\n")
        return await super().show_running()


# --- names
class LongName(Ios):
    name, config_name = "ACCESS.HALL4.LEVEL2.EAST-SIDE", 20


class OwnPrompt(Ios):
    name, exec_prompt = "SITE-S40217", "SITE-S40217-STP-9"


# --- refused or not
class SaveFails(Ios):
    prints = {r"^write mem": "startup-config file open failed (Device or resource busy)\n"}


class QuietRefusals(Ios):
    prints = {
        r"^mtu": "                   ^\nERROR: % Invalid input detected at '^' marker.\n",
        r"^lacp": "% LACP is not enabled\n",
        r"^service-policy": "service-policy output PARENT can't be attached\n",
    }


class Notices(Ios):
    prints = {
        r"^username": "WARNING: the password should hold characters of three classes at least.\n",
        r"^spanning-tree": "%Warning: portfast should only be enabled on ports connected to a single\n"
        " host. Bridging loops are possible.\n\n"
        "%Portfast has been configured on GigabitEthernet0/1 but will only\n"
        " have effect when the interface is in a non-trunking mode.\n",
        r"^vrf": "% Interface GigabitEthernet0/1 IPv4 disabled and address(es) removed due to enabling VRF RED\n",
    }


class JunosChassis(Junos):
    above = "{master:0}"


# --- passwords and questions
class Tacacs(Ios):
    asks = ("TACACS Password: ",)


class SecondFactor(Ios):
    asks, then_asks = ("Password: ",), ("Passcode, or 1 for a call: ",)


class SpacedPassword(Ios):
    user_password = " sp ace "


class AsksAgain(Ios):
    questions = {r"^crypto key import": ("Enter the passphrase: ", "right", "Key imported", 3)}


class SaveAsks(Ios):
    questions = {
        r"^write mem": (
            "Warning: Attempting to overwrite an NVRAM configuration previously written\r\nby a different version"
            " of the system image.\r\nOverwrite the previous NVRAM configuration?[confirm]",
            "y?",
            "Building configuration...\n[OK]",
            1,
        )
    }


# --- one box or many
class OneBox(Ios):
    slow = 0.6


class ManyBoxes(Ios):
    """Access points of one image: all show the same host key; names and serial numbers differ."""

    name, one_key, slow = "ap-{n}", "image", 0.5

    async def handle(self, line: str) -> bool | None:
        if line.startswith(("show version", "show inventory")):
            return await self.out(
                f"{self.box.name} uptime is 1 week\nProcessor board ID FCW{self.box.address.replace('.', '')}"
            )
        return await super().handle(line)


# --- evidence
class Timestamps(Ios):
    def stamp(self) -> str:
        self.box.count += 1
        n = self.box.count
        load = f"Load for five secs: {n}%/0%; one minute: {n}%; five minutes: 1%\n"
        return f"{load}Time source is NTP, 09:15:{n:02d}.401 UTC Tue Jan 6 2026\n\n"

    async def handle(self, line: str) -> bool | None:
        if line.startswith("show"):
            await self.out(self.stamp())
        return await super().handle(line)


class RefusesThird(Ios):
    refuses = {r"^ip adress": CARET}


ONE = "interface Gi0/1\ndescription fresh"
DONE = Right(got=("interface Gi0/1", "description fresh"), says_not=("unknown", "reject"))


def refused_line(name: str, what: str, line: str, source: str = "") -> Case:
    """A line of configuration that the device refuses: the next one must not be sent."""
    right = Right("failed", got=(line,), never=("no shutdown",), says=(line.split()[0],))
    return Case(name, what, source, QuietRefusals, (config(f"interface Gi0/1\n{line}\nno shutdown"),), right)


def noticed_line(name: str, what: str, line: str, source: str = "") -> Case:
    """A line that is accepted with a remark: the next one is sent."""
    right = Right(got=(line, "no shutdown"), answers={line: r"(?i)warning|IPv4 disabled"})
    return Case(name, what, source, Notices, (config(f"interface Gi0/1\n{line}\nno shutdown"),), right)


def odd_line(name: str, what: str, odd: str, never: str) -> Case:
    """A character that the device's line editor acts on, or that a reader does not see: it does not arrive as it is."""
    return Case(
        name, what, "", Ios, (config(f"interface Gi0/1\ndescription a{odd}b"),), Right(never=(never,)), flow="line"
    )


FIELD = "found in a field trial"
CASES = (
    Case(
        "pause-in-config-far",
        "The configuration pauses after a line equal to the prompt, 40 ms away: nothing is sent after a refused line",
        "ytti/oxidized#2345",
        PausesFar,
        (config(BGP),),
        Right(
            "failed",
            got=("router bgp 65001",),
            never=("shutdown", "maximum-paths 4"),
            says=("remot-as",),
            says_not=("rejected 'shutdown'",),
            before=("interface Gi0/1", "(?m)^end"),
        ),
        snapshots=True,
    ),
    Case(
        "pause-in-config-near",
        "The same without distance, read by a step: no answer stands under another command",
        "ytti/oxidized#2345",
        PausesInConfig,
        (read("show running-config\nshow version\nshow clock"),),
        Right(
            answers={
                "show running-config": "(?m)^end",
                "show version": "output of show version",
                "show clock": "output of show clock",
            },
            answers_not={"show version": "hostname|Gi0/1", "show clock": "show version"},
        ),
    ),
    Case(
        "prompt-in-answer",
        "An answer holds the prompt as a line and pauses there: it is whole, or the run fails; nothing is shifted",
        FIELD,
        PromptInAnswer,
        (read("show banner\nshow version\nshow clock"),),
        Right(
            "succeeded.*|failed",
            answers={"show banner": "last line of the banner", "show clock": "output of show clock"},
            answers_not={"show version": "last line|Welcome", "show clock": "show version|last line"},
        ),
    ),
    Case(
        "json-without-line-end",
        "The prompt stands directly behind the closing brace",
        "ktbyers/netmiko#793",
        GluedJson,
        (read("show ip arp | json\nshow version"),),
        Right(
            answers={"show ip arp | json": '"total": 0', "show version": "output of show version"},
            answers_not={"show ip arp | json": "rtr-a#"},
        ),
    ),
    Case(
        "shell-without-line-end",
        "A command's output has no line end; the shell's prompt follows it",
        FIELD,
        Shell,
        (shell("printf abc\necho next-one"),),
        Right(answers={"printf abc": r"(?m)^abc$", "echo next-one": "next-one"}, answers_not={"printf abc": "ops@"}),
        "linux",
    ),
    Case(
        "pager-at-the-end",
        "The pager asks after the last line and is wiped out with backspaces in front of the prompt",
        FIELD,
        PagerAtEnd,
        (read("show log\nshow version"),),
        Right(
            answers={"show log": r"row 59\.", "show version": "output of show version"},
            answers_not={"show log": "More"},
        ),
    ),
    Case(
        "prompt-behind-banner",
        "No line end between the banner and the first prompt",
        "ytti/oxidized#92",
        GluedBanner,
        (read("show version"),),
        Right(answers={"show version": "output of show version"}),
    ),
    Case(
        "banner-of-signs",
        "A banner full of the signs that prompts end with",
        "cmp-202/ssh2shell#41",
        BannerOfSigns,
        (read("show version"),),
        Right(answers={"show version": "output of show version"}),
    ),
    Case(
        "syslog-behind-prompt",
        "A log message is printed behind the prompt",
        FIELD,
        SyslogBehindPrompt,
        (config(ONE + "\nno shutdown"),),
        Right(got=("description fresh", "no shutdown", "end")),
    ),
    Case(
        "comment-lines",
        "Lines of exclamation marks and `exit` between the changes",
        "carlmontanari/scrapli#400",
        Ios,
        (config("interface Gi0/1\n description fresh\n!\nexit\n!\nip route 192.0.2.0 255.255.255.0 Null0"),),
        Right(got=("exit", "ip route 192.0.2.0 255.255.255.0 Null0")),
    ),
    Case(
        "width-not-authorized",
        "The account may not set the terminal's width",
        "ktbyers/netmiko#2175",
        NoWidth,
        (read("show version"),),
        Right(got=("show version",), answers={"show version": "output of show version"}),
    ),
    Case(
        "level-zero",
        "The account may set nothing of its terminal",
        "ktbyers/netmiko#1662",
        LevelZero,
        (read("show version"),),
        Right(got=("show version",), answers={"show version": "output of show version"}),
    ),
    Case(
        "never-saved",
        "A new device has no startup configuration to show",
        FIELD,
        NeverSaved,
        (config(ONE),),
        Right(got=("description fresh",), after=("description fresh",), diff=(r"^\+.*description fresh",)),
        snapshots=True,
    ),
    Case(
        "after-refused",
        "The change is in, but the configuration cannot be read afterwards: succeeded, with a warning",
        FIELD,
        AfterRefused,
        (config(ONE),),
        Right(got=("description fresh", "end"), says=("(?i)after|afterwards|could not be read",)),
        snapshots=True,
    ),
    Case(
        "long-name",
        "The name is cut after 20 characters in configuration mode",
        "ktbyers/netmiko#2755",
        LongName,
        (config(ONE),),
        DONE,
    ),
    Case(
        "own-prompt",
        "A prompt that was set for exec mode; configuration mode shows the host name",
        "ktbyers/netmiko#2956",
        OwnPrompt,
        (config(ONE),),
        DONE,
    ),
    Case(
        "save-fails",
        "The device says in its own words that it could not save",
        FIELD,
        SaveFails,
        (config(ONE, save=True),),
        Right("succeeded.*|failed", got=("description fresh",), says=("Device or resource busy", "(?i)sav")),
    ),
    refused_line("refused-by-caret", "A caret and 'ERROR: %' say no", "mtu 9000", FIELD),
    refused_line("refused-in-words", "'% … is not enabled' says no", "lacp max-bundle 2", FIELD),
    refused_line("refused-without-sign", "A plain sentence says no", "service-policy output PARENT", FIELD),
    noticed_line(
        "notice-password",
        "A weak password is remarked on and taken",
        "username bob password weak",
        "ktbyers/netmiko#1357",
    ),
    noticed_line("notice-portfast", "A warning with percent signs; the line is taken", "spanning-tree portfast", FIELD),
    noticed_line("notice-vrf", "A remark with a percent sign; the line is taken", "vrf forwarding RED", FIELD),
    Case(
        "junos-warnings",
        "Warnings while deleting and committing are no refusal",
        "napalm-automation/napalm-junos#179",
        JunosChassis,
        (config("delete interfaces ge-0/0/9\nset system domain-name example.net"),),
        Right(got=("set system domain-name example.net", "commit")),
        "juniper_junos",
    ),
    Case(
        "shell-exit-status",
        "A command fails without a word",
        FIELD,
        Shell,
        (shell("true\nfalse\necho after-it"),),
        Right("failed", got=("false",), never=(".*after-it.*",), says=("false",)),
        "linux",
    ),
    Case(
        "shell-harmless-words",
        "Output that reads like an error, of a command that succeeded",
        FIELD,
        Shell,
        (shell("echo 'E: this is only text'\necho after-it"),),
        Right(answers={"echo after-it": "after-it"}),
        "linux",
    ),
    Case(
        "tacacs-question",
        "The question for the password carries the name of the service behind it",
        "ansible/pylibssh#311",
        Tacacs,
        (read("show version"),),
        Right(logins=("pw",), answers={"show version": "output"}),
    ),
    Case(
        "second-factor",
        "After the password a second factor is asked for: the password is no answer to it",
        "ktbyers/netmiko#1813",
        SecondFactor,
        (read("show version"),),
        Right("failed", logins=("pw",), never=("show version",), says=("Passcode, or 1",)),
    ),
    Case(
        "spaces-in-password",
        "A password that begins and ends with a space",
        FIELD,
        SpacedPassword,
        (read("show version"),),
        Right(logins=(" sp ace ",), answers={"show version": "output"}),
        password=" sp ace ",
    ),
    Case(
        "answer-once",
        "A declared answer is wrong and the same question comes again: it is given once",
        FIELD,
        AsksAgain,
        (config("crypto key import rsa K\nno shutdown", answers=[["passphrase:", "wrong"]]),),
        Right("failed", at_most={"wrong": 1}, never=("no shutdown",), says=("Enter the passphrase",)),
    ),
    Case(
        "banner-of-lines",
        "A banner of several lines",
        "carlmontanari/scrapli#342",
        Ios,
        (config("banner motd ^\nHello\nworld\n^\n" + ONE),),
        Right(got=("Hello", "world", "description fresh"), after=("Hello\nworld", "description fresh")),
        snapshots=True,
    ),
    Case(
        "save-asks",
        "Saving asks for a confirmation",
        FIELD,
        SaveAsks,
        (config(ONE, save=True),),
        Right(got=("description fresh",), saved=True),
    ),
    odd_line("line-with-tab", "A TAB completes words on many devices", "\t", r".*a\tb.*"),
    odd_line("line-with-question-mark", "A question mark opens help", "?", r".*a\?b.*"),
    odd_line("line-with-ctrl-z", "Ctrl-Z leaves configuration mode", "\x1a", ".*\x1a.*"),
    odd_line("line-with-bidi", "U+202E shows the rest backwards", "\u202e", ".*\u202e.*"),
    Case("name-with-bidi", "A device's name with U+202E", FIELD, Ios, flow="name", text="sw\u202e10"),
    Case("name-with-line-end", "A device's name of two lines", FIELD, Ios, flow="name", text="sw\n10"),
    Case(
        "space-at-the-end",
        "Spaces at the end belong to what is searched for",
        "ktbyers/netmiko#2513",
        Ios,
        (read("show interfaces status | include Gi0/1    "),),
        Right(got=("show interfaces status | include Gi0/1    ",)),
    ),
    Case(
        "one-box-two-records",
        "Two records of one box, neither seen before, are changed at once: one after the other",
        FIELD,
        OneBox,
        (config(ONE + "\nno shutdown"),),
        Right(got=("description fresh",), alone=True),
        flow="together",
        hosts=("127.0.0.1", "localhost"),
    ),
    Case(
        "many-boxes-one-key",
        "Ten devices of one image share a host key: they are not one box",
        FIELD,
        ManyBoxes,
        (config(ONE + "\nno shutdown"),),
        Right(got=("description fresh",), parallel=5),
        flow="fleet",
        hosts=tuple(f"127.0.0.{n}" for n in range(11, 21)),
    ),
    Case(
        "refused-in-the-middle",
        "The third line is refused: what the first two did is read and shown",
        FIELD,
        RefusesThird,
        (config(ONE + "\nip adress 10.0.0.1 255.0.0.0\nno shutdown"),),
        Right(
            "failed",
            never=("no shutdown",),
            says=("ip adress",),
            after=("description fresh",),
            diff=(r"^\+.*description fresh",),
        ),
        snapshots=True,
    ),
    Case(
        "clock-in-answers",
        "Load and time stand above each answer: they are no change",
        "dotwaffle/rancid-git#75",
        Timestamps,
        (config(ONE),),
        Right(diff=(r"^\+.*description fresh",), diff_not=("Load for|Time source",)),
        snapshots=True,
    ),
    Case(
        "prompt-of-two-lines",
        "A line with the chassis' role stands above each prompt",
        "ktbyers/netmiko#62",
        JunosChassis,
        (config("set system domain-name example.net"),),
        Right(
            diff=(r"^\+.*domain-name",),
            diff_not=("master",),
            stored_not=("master",),
            answers_not={"show configuration | display set": "master", "commit": "master"},
        ),
        "juniper_junos",
        snapshots=True,
    ),
)
