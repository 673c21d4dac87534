"""What a session must know about one platform, as data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from config.one_line import flaw

#: A refusal has no more lines than this; of more, it is what a device has to tell, whatever words stand in it.
MOST_REFUSING = 8
#: Nor more characters; by this a long answer need not be looked at.
MOST_REFUSING_CHARACTERS = 4096
#: And it begins with them: within so many lines.
FIRST_REFUSING = 2
#: Words by which a device says in configuration mode that it did not take a line.
NEGATIVE = re.compile(
    r"\b(?:can(?:no|')t|can not|cannot|could not|couldn't|unable|fail(?:s|ed|ure)?|reject(?:s|ed)?|refus(?:ed?|es|ing)"
    r"|denied|disallowed|illegal|invalid|unknown|unrecogni[sz]ed|incomplete|ambiguous|unsupported|error|conflicts?"
    r"|overlaps?"
    r"|exceed(?:s|ed)?|out of range|too (?:long|many|large|small)|must (?:be|first|not|have|specify)"
    r"|not (?:allowed|permitted|supported|valid|enabled|configured|found|authori[sz]ed|available|exist|accepted|applied"
    r"|possible|defined|a valid|compatible|in range)"
    r"|does(?: not|n't) (?:exist|match|support)|no (?:such|matching)"
    r"|already (?:in use|exists|used|configured|assigned|running)|is reserved|aborted"
    r"|(?:create|specify|configure|define|enable|remove|set) [^.\r\n]{0,60}\bfirst|bad mask)\b",
    re.IGNORECASE,
)
#: What changes by itself in the configurations of Cisco IOS and of the many command lines made after it. Sources: IOS
#: Configuration Fundamentals Command Reference (`show running-config`; `exec prompt timestamp` for the last two); what
#: the backup models `ios` and `ciscosmb` of Oxidized leave out.
IOS_VOLATILE = (
    re.compile(r"^Building configuration"),
    re.compile(r"^Current configuration\b"),
    re.compile(r"^Using \d+ out of \d+ bytes"),
    re.compile(r"^! ?Last configuration change at"),
    re.compile(r"^! ?No configuration change since last restart"),
    re.compile(r"^! ?NVRAM config last updated"),
    re.compile(r"^ntp clock-period \d"),
    re.compile(r"^Load for five secs: .*; one minute: "),
    re.compile(r"^Time source is .*\d\d:\d\d:\d\d"),
)
#: What may stand in a word of a network device's command, and nothing that begins another command.
SIGNS = r"[\w/.:,@%+=~#*^\[\]\"-]"
#: What stands for a part of a line in the syntax of reading lines.
PARTS = {
    "{word}": r"[\w/.@+~][\w/.:,@%+=~#-]*",
    "{host}": r"\w[\w.:%-]*",
    "{number}": r"[0-9]{1,5}",
    "{count}": r"[0-9]{1,3}",
    "{args}": rf"{SIGNS}+(?: {SIGNS}+)*",
    "{pattern}": rf"[!]?{SIGNS}+(?: {SIGNS}+)*[$]?",
}


@lru_cache(maxsize=64)
def reading(*commands: str, filters: tuple[str, ...] = (), any_case: bool = True) -> re.Pattern[str]:
    """Return the full syntax of lines that only read: one of the commands, each filter after a pipe of its own.

    Both are regular expressions over ASCII in which `PARTS` may stand; a space means one or more. Nothing that they do
    not allow is a reading line: no second command, no redirection, no substitution.
    """
    commanded, filtered = ("|".join(f"(?:{one})" for one in found) for found in (commands, filters))
    text = f"(?:{commanded})" + (rf"(?:[ ]*[|][ ]*(?:{filtered}))*" if filters else "")
    for name, part in PARTS.items():
        text = text.replace(name, f"(?:{part})")
    spaced = re.sub(r"(?<!\[) ", " +", text)
    return re.compile(spaced, re.ASCII | re.IGNORECASE * any_case)


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """One platform. `key` is what devices, templates and the API store, `label` what people read.

    `telnet`: its Telnet login is known. `netmiko`: Netmiko logs in and prepares the session. `only_by_name`: its
    commands have so little in common with the others' that commands for "any platform" do not mean it. A script of a
    language in `interpreters` is read by that command from its standard input, and `elevated` says how a command is
    run with all rights; `script_family` is the word by which OpsRamp's script library means the platform.

    Patterns are bytes-free regular expressions over decoded text.

    `prompt` finds a prompt of any mode in the last line and names its fixed part `base`; `modes` is what may follow the
    base in other modes, and `above` what stands over it. After a line that `renames` matches, the prompt may have
    another name. A line that begins with `comment` does nothing. `config_end` is found in every whole answer to
    `show_running`. Without a `shell`, each line is a command on a channel of its own (`devices.drivers.commands`), and
    its exit status decides; where a prompt can show a `status`, it decides too, but for `finds_nothing` of a search.

    `abandon` leaves configuration mode without keeping what was not committed.

    Otherwise a line is rejected when its answer holds a line that `failure` matches, or `config_failure` in
    configuration mode, where a line that was taken prints nothing or a `notice`. An answer of more than
    `MOST_REFUSING` lines outside configuration mode is none. `confirmations` are pairs of patterns: a line, and what a
    device answers that did it; without it, the line was not done. `save_answers` are what `save` is asked.
    After a line that `inputs` matches, the device reads a text up to its `mark`, or to `input_word` in a line of its
    own; `input_asks` is how it says so.

    Where a device can take a change back by itself,
    `guard_enter` and `guard_leave` stand in the place of `config_enter` and `config_leave`, and `guard_confirm` keeps
    the change; `{minutes}` is the time for it. Where a platform `settles`, any prompt must stay the last line for a
    moment. `reads` is the full syntax of lines that only read (`reading`): what it does not match is a change.
    `acts_on` are the printable characters on which the command line acts while they are typed. `volatile` finds what
    changes by itself in a configuration, which is no difference (`devices.domain.configs.sifted`).
    """

    key: str
    label: str
    vendor: str
    prompt: re.Pattern[str]
    modes: str
    telnet: bool = False
    netmiko: bool = False
    only_by_name: bool = False
    preparation: tuple[str, ...] = ()
    enable: str = ""
    enable_needed: re.Pattern[str] | None = None
    enable_password: re.Pattern[str] = re.compile(r"[Pp]ass(?:word|code)[^:\n]{0,40}:\s*$")
    config_enter: tuple[str, ...] = ()
    config_leave: tuple[str, ...] = ()
    abandon: tuple[str, ...] = ("end",)
    config_prompt: re.Pattern[str] | None = None
    save: tuple[str, ...] = ()
    show_running: str = ""
    config_end: re.Pattern[str] | None = None
    above: re.Pattern[str] | None = None
    comment: str = ""
    status: re.Pattern[str] | None = None
    finds_nothing: re.Pattern[str] = re.compile(r"(?!)")
    failure: re.Pattern[str] = re.compile(r"(?!)")
    config_failure: re.Pattern[str] = re.compile(r"(?!)")
    notice: re.Pattern[str] = re.compile(r"(?!)")
    confirmations: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = ()
    save_answers: tuple[tuple[str, str], ...] = ()
    inputs: re.Pattern[str] = re.compile(r"(?!)")
    input_word: str = "quit"
    input_asks: re.Pattern[str] = re.compile(r"(?!)")
    pager: re.Pattern[str] = re.compile(r"(?!)")
    renames: re.Pattern[str] = re.compile(r"(?!)")
    show_startup: str = ""
    guard_enter: tuple[str, ...] = ()
    guard_leave: tuple[str, ...] = ()
    guard_confirm: tuple[str, ...] = ()
    shell: bool = True
    settles: bool = False
    reads: re.Pattern[str] = re.compile(r"(?!)")
    acts_on: str = ""
    interpreters: Mapping[str, str] = field(default_factory=dict)
    elevated: str = "{command}"
    script_family: str = ""
    volatile: tuple[re.Pattern[str], ...] = field(default=())

    def is_read(self, line: str) -> bool:
        """Say whether a line, exactly as it is sent, only reads."""
        shown = line.strip(" ")
        own = {self.show_running, self.show_startup} - {""}
        return shown in own or bool(self.reads.fullmatch(shown))

    def flaw(self, line: str) -> str:
        """Say why a text is not one line for this platform, as what follows its name in a sentence; empty if it is."""
        for char in self.acts_on:
            if char in line:
                return f"holds '{char}', on which {self.label} acts while it is typed; leave it out."
        return flaw(line)

    def rejection(self, answer: str, *, in_config: bool = False) -> str:
        """Return the line of the answer that says the command was refused, or an empty text."""
        if not answer or answer.isspace() or (not in_config and len(answer) > MOST_REFUSING_CHARACTERS):
            return ""
        said = [line for line in answer.splitlines() if line.strip()]
        if not in_config:
            # What else a device has to tell may hold any words.
            said = said[:FIRST_REFUSING] if len(said) <= MOST_REFUSING else []
        for line in said:
            if self.notice.search(line):
                continue
            if self.failure.search(line) or (in_config and self.config_failure.search(line)):
                return line.strip()
        return ""

    def unconfirmed(self, line: str, answer: str) -> bool:
        """Say whether a line lacks the words by which the device says that it did it."""
        for lines, done in self.confirmations:
            if lines.search(line):
                return not done.search(answer)
        return False

    def input_end(self, line: str) -> str:
        """Return the pattern of the line that ends the text which this line begins; empty where it begins none."""
        found = self.inputs.search(line)
        if not found:
            return ""
        if mark := found.groupdict().get("mark"):
            return "" if mark in line[found.end("mark") :] else re.escape(mark)
        return f"^{re.escape(found.groupdict().get('word') or self.input_word)}$"
