"""A Linux shell (bash, dash, ash) over SSH."""

import re

from devices.drivers.platform import Platform

LINUX = Platform(
    key="linux",
    label="Linux",
    vendor="Linux",
    interpreters={"SHELL": "sh -s", "PYTHON": "python3 -", "PERL": "perl -"},
    elevated="sudo -n {command}",
    script_family="LINUX",
    prompt=re.compile(r"^(?P<base>[\w.\-]{1,64}@[\w.\-]{1,64}:)[^\s]{0,200}[$#]\s?$"),
    modes=r"[^\s]{0,200}[$#]\s?",
    show_running="cat /etc/network/interfaces",
    failure=re.compile(
        r"(command not found|: not found$|No such file or directory|Permission denied|Operation not permitted"
        r"|syntax error)"
        r"|^E: |^dpkg-query: no packages"
    ),
    reads=(
        "uname",
        "uptime",
        "cat",
        "df",
        "ip address",
        "ip addr",
        "ip route",
        "ls",
        "hostname",
        "date",
        "free",
        "ps",
        "ss",
        "id",
        "dpkg-query -w",
    ),
)
