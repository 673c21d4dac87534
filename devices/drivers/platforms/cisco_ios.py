"""Cisco IOS and IOS XE. Source: Cisco IOS Configuration Fundamentals Command Reference."""

import re

from devices.drivers.platform import Platform, reading

#: A file on the device itself: no address of another host.
LOCAL = r"(stby-|usb|boot)?(flash|nvram|system|disk|slot|harddisk|crashinfo|usb)[0-9]{0,2}:(?!//)[\w/.-]*"
#: One word with alternatives: the rest of the line is the pattern, and without a space it names no file.
ALTERNATIVES = r"[\w/.:^*-]+([|][\w/.:^*-]+)+[$]?"

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
    reads=reading(
        "(show|sho|sh) {args}",
        f"dir( (/all|/recursive))*( {LOCAL})?",
        f"more( /(ascii|binary))? {LOCAL}",
        f"verify( /md5)? {LOCAL}( [0-9a-f]{{32}})?",
        "ping( vrf {word})?( ip| ipv6)? {host}( (repeat|size|timeout) {count}| source {word}| df-bit| validate)*",
        "traceroute( vrf {word})?( ip| ipv6)? {host}( numeric| (probe|timeout) {count}| source {word})*",
        "terminal (length|width) {number}",
        filters=(
            f"(i|in|inc|incl|inclu|includ|include|e|ex|exc|excl|exclu|exclud|exclude) ({{pattern}}|{ALTERNATIVES})",
            f"(b|be|beg|begi|begin|s|se|sec|sect|section|c|co|cou|coun|count) ({{pattern}}|{ALTERNATIVES})",
            "(s|sec|section) (include|exclude) {pattern}",
        ),
    ),
    acts_on="?",
    volatile=(
        re.compile(r"^! Last configuration change"),
        re.compile(r"^ntp clock-period"),
        re.compile(r"^Current configuration"),
        re.compile(r"^Using \d+ out of \d+ bytes"),
        re.compile(r"^! NVRAM config last updated"),
    ),
)
