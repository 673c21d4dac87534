"""Arista EOS. Source: Arista EOS User Manual, Command-Line Interface."""

import re

from devices.drivers.platform import NEGATIVE, Platform, reading

#: A file on the device itself: no address of another host.
LOCAL = r"(flash|file|system|drive|usb1|extension|certificate):(?!//)[\w/.-]*"

ARISTA_EOS = Platform(
    key="arista_eos",
    label="Arista EOS",
    vendor="Arista",
    telnet=True,
    script_family="NETWORK",
    prompt=re.compile(r"^(?P<base>[\w.\-/]{1,64})(?:\([\w.\-+/: ]{1,60}\))?[>#]\s?$"),
    modes=r"(?:\([\w.\-+/: ]{1,60}\))?[>#]\s?",
    preparation=("terminal length 0", "terminal width 32767"),
    enable="enable",
    enable_needed=re.compile(r">\s?$"),
    config_enter=("configure terminal",),
    config_leave=("end",),
    guard_enter=("configure session interlock",),
    guard_leave=("commit timer 00:{minutes:02d}:00",),
    guard_confirm=("configure session interlock commit",),
    config_prompt=re.compile(r"\(config[^)]*\)#\s?$"),
    save=("write memory",),
    show_running="show running-config",
    show_startup="show startup-config",
    config_end=re.compile(r"^end\s*$", re.MULTILINE),
    comment="!",
    failure=re.compile(
        r"^\s*% ?(?:Invalid|Incomplete|Ambiguous|Unavailable|Error|Cannot|Can't|Authorization"
        r"|Unrecognized|Unknown|Failed)|^%.*denied|^\s*\^\s*$",
        re.IGNORECASE,
    ),
    config_failure=NEGATIVE,
    notice=re.compile(
        r"^[ ]{0,8}[!%]?[ ]?(?:Warning|Notice|Note|Info)\b|^! |will (?:only )?(?:have|take) effect"
        r"|has been configured on",
        re.IGNORECASE,
    ),
    confirmations=(
        (
            re.compile(r"^\s*(wr(i(te?)?)?( m\w*)?|copy run\S* start\S*)\s*$"),
            re.compile(r"completed successfully|\[OK\]", re.IGNORECASE),
        ),
    ),
    save_answers=(("[confirm]", ""), ("Destination filename", "")),
    input_word="EOF",
    inputs=re.compile(r"^\s*banner\s+(?:motd|login)\s*$"),
    input_asks=re.compile(r"Enter TEXT message|Type 'EOF'", re.IGNORECASE),
    pager=re.compile(r"--More--\s*$"),
    renames=re.compile(r"^\s*(?:hostname|prompt)\b|^\s*conf(?:igure)?\b|^\s*(?:end|exit|commit|abort)\b"),
    # What follows a pipe and is none of these words is run by the device's shell.
    reads=reading(
        "show {args}",
        f"dir( /all| /recursive)*( {LOCAL})?",
        f"more {LOCAL}",
        "ping( vrf {word})?( ip| ipv6)? {host}( (repeat|size|timeout|interval) {count}| source {word}| df-bit)*",
        "traceroute( vrf {word})?( ip| ipv6)? {host}( source {word})?",
        "terminal (length|width) {number}",
        filters=("(include|exclude|begin|section) {pattern}", "json|no-more|nz"),
    ),
    acts_on="?",
    # The head of the configurations; the device's name and version in it are facts (EOS User Manual).
    volatile=(
        re.compile(r"^! Startup-config last modified"),
        re.compile(r"^! Command:"),
        re.compile(r"^! Last configuration change"),
        re.compile(r"^! Time:"),
    ),
)
