"""Cisco IOS and IOS XE. Source: Cisco IOS Configuration Fundamentals Command Reference."""

import re

from devices.drivers.platform import Platform

CISCO_IOS = Platform(
    key="cisco_ios",
    label="Cisco IOS",
    vendor="Cisco",
    telnet=True,
    script_family="NETWORK",
    prompt=re.compile(r"^(?P<base>[\w.\-/]{1,64})(?:\([\w.\-+/: ]{1,60}\))?[>#]\s?$"),
    modes=r"(?:\([\w.\-+/: ]{1,60}\))?[>#]\s?",
    preparation=("terminal length 0", "terminal width 511"),
    enable="enable",
    enable_needed=re.compile(r">\s?$"),
    config_enter=("configure terminal",),
    config_leave=("end",),
    guard_enter=("configure terminal revert timer {minutes}",),
    guard_leave=("end",),
    guard_confirm=("configure confirm",),
    config_prompt=re.compile(r"\(config[^)]*\)#\s?$"),
    save=("write memory",),
    show_running="show running-config",
    show_startup="show startup-config",
    config_end=re.compile(r"^end\s*$", re.MULTILINE),
    failure=re.compile(
        r"^% ?(Invalid|Incomplete|Ambiguous|Unknown|Unrecognized|Bad|Error|Access denied|Authorization|Cannot|Failed)"
        r"|^%.*(not allowed|denied|overlaps|not valid|does not exist)|^Command rejected|^Command authorization failed",
        re.IGNORECASE,
    ),
    failure_marks=("%", "command rejected", "command authorization failed"),
    pager=re.compile(r"--More--\s*$"),
    renames=re.compile(r"^\s*hostname\s+\S+"),
    reads=("show", "sh", "ping", "traceroute", "dir", "verify", "more", "terminal"),
    volatile=(
        re.compile(r"^! Last configuration change"),
        re.compile(r"^ntp clock-period"),
        re.compile(r"^Current configuration"),
        re.compile(r"^Using \d+ out of \d+ bytes"),
        re.compile(r"^! NVRAM config last updated"),
    ),
)
