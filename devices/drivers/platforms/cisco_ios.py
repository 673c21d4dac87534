"""Cisco IOS and IOS XE. Source: Cisco IOS Configuration Fundamentals Command Reference."""

import re

from devices.drivers.platform import IOS_VOLATILE, NEGATIVE, Platform, reading

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
    comment="!",
    # Also of a list of refusals that AAA and NVRAM print, and of a parser that shows only its mark.
    failure=re.compile(
        r"^\s*(?:ERROR: )?% ?(?:Invalid|Incomplete|Ambiguous|Unknown|Unrecognized|Bad|Error|Access denied|Authorization"
        r"|Cannot|Can't|Failed|No such|Not enough|There is no|Type \"|Command incomplete|\S+: (?:Invalid|Unknown|Bad))"
        r"|^%.*(?:not (?:allowed|valid|enabled|supported|found)|denied|overlaps|does not exist)"
        r"|^Command (?:rejected|authorization failed)|^ERROR: |^\s*\^\s*$|^Line has invalid autocommand",
        re.IGNORECASE,
    ),
    config_failure=NEGATIVE,
    notice=re.compile(
        r"^[ ]{0,8}%?[ ]?(?:Warning|Notice|Note|Info)\b|has been configured on|will (?:only )?(?:have|take) effect"
        r"|IPv[46] disabled and address|removed due to|Enter (?:configuration commands|TEXT)|^% Generating|^Building"
        r"|^ ?(?:have effect|host\. Bridging)|when the interface is in a non-trunking|^interface, |Bridging loops",
        re.IGNORECASE,
    ),
    confirmations=(
        (
            re.compile(r"^\s*(wr(i(te?)?)?( m\w*)?|copy run\S* start\S*|copy system:running\S* nvram:\S*)\s*$"),
            re.compile(r"\[OK\]|bytes copied|copied successfully|copy complete|configuration saved", re.IGNORECASE),
        ),
    ),
    save_answers=(("[confirm]", ""), ("Destination filename", ""), ("?[yes/no]", "yes")),
    inputs=re.compile(
        r"^\s*banner\s+(?:motd|login|exec|incoming|prompt-timeout|slip-ppp)\s+(?P<mark>\^C|\S)"
        r"|^\s*crypto\s+(?:pki|ca)\s+(?:authenticate|import)\s+\S+(?:\s+(?:pem\s+terminal|certificate))?\s*$"
    ),
    input_asks=re.compile(r"Enter (?:TEXT message|the base 64)|End with", re.IGNORECASE),
    pager=re.compile(r"--More--\s*$"),
    renames=re.compile(r"^\s*(?:hostname|prompt)\b|^\s*conf(?:igure)?\b|^\s*(?:end|exit)\s*$"),
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
            "json|xml|count",
        ),
    ),
    acts_on="?",
    volatile=IOS_VOLATILE,
)
