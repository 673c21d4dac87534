"""Juniper Junos. Source: Junos OS CLI User Guide.

A private candidate is discarded when the session ends uncommitted.
"""

import re

from devices.drivers.platform import Platform, reading

#: Between quotation marks a pipe is an alternative of a pattern.
QUOTED = r"\"[\w/.:,^*()|$\x20-]+\""

JUNIPER_JUNOS = Platform(
    key="juniper_junos",
    label="Juniper Junos",
    vendor="Juniper",
    telnet=True,
    script_family="NETWORK",
    prompt=re.compile(r"^(?P<base>[\w.\-]{1,64}@[\w.\-]{1,64})[>#]\s?$"),
    modes=r"[>#]\s?",
    preparation=("set cli screen-length 0", "set cli screen-width 1024"),
    config_enter=("configure private",),
    config_leave=("commit", "exit"),
    abandon=("rollback 0", "exit configuration-mode"),
    # A private candidate cannot be committed for a time.
    guard_enter=("configure exclusive",),
    guard_leave=("commit confirmed {minutes}", "exit"),
    guard_confirm=("configure exclusive", "commit", "exit"),
    config_prompt=re.compile(r"#\s?$"),
    show_running="show configuration | display set",
    comment="# ",
    # The role in a chassis and the place in the configuration.
    above=re.compile(r"(?:^[ ]*\n)?^(?=[{\[])(?:\{[\w:.-]+\})?(?:\[edit[^\]\n]*\])?[ ]*\n\Z", re.MULTILINE),
    failure=re.compile(
        r"^\s*(error:|syntax error|unknown command|invalid |missing (?:argument|or)"
        r"|configuration check-out failed|commit failed|could not |cannot )|^\s*\^\s*$",
        re.IGNORECASE,
    ),
    confirmations=(
        (
            re.compile(r"^\s*commit( (confirmed( \d+)?|and-quit|synchronize|comment .*))*\s*$"),
            re.compile(r"commit complete|commit confirmed will be|configuration check succeeds", re.IGNORECASE),
        ),
    ),
    pager=re.compile(r"---\(more[^)]*\)---\s*$"),
    renames=re.compile(r"^\s*(?:commit|configure|exit|edit|up|top)\b"),
    # Without a count, a ping does not end.
    reads=reading(
        "show( {args})?",
        "file (show|list|checksum (md5|sha1|sha-256)) {word}",
        "ping( (routing-instance|source|interface) {word}| (size|wait|ttl) {number}| do-not-fragment| inet6?)* {host}"
        "( (routing-instance|source|interface) {word}| (size|wait|ttl) {number}| do-not-fragment| inet6?)*"
        " count {count}( (routing-instance|source|interface) {word}| (size|wait|ttl) {number}| rapid)*",
        "traceroute {host}( (routing-instance|source) {word}| no-resolve| (ttl|wait) {count})*",
        "set cli screen-(length|width) {number}",
        filters=(
            f"(match|except|find) ({{pattern}}|{QUOTED})",
            "last( {number})?|count|no-more|compare( rollback {count})?|trim {number}",
            "display (set|xml|json|detail|inheritance|changed|omit)( relative)?",
        ),
    ),
    acts_on="?",
    # Who committed last and when stands above the configuration (Junos CLI User Guide, show configuration).
    volatile=(re.compile(r"^## Last (?:changed|commit):"), re.compile(r"^/\* Last (?:changed|commit)")),
)
