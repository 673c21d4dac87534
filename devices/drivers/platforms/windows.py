"""Windows with OpenSSH: each command on a channel of its own, judged by its exit status.

Source: OpenSSH for Windows.
"""

import re

from devices.drivers.platform import Platform

WINDOWS = Platform(
    key="windows",
    label="Windows",
    vendor="Microsoft",
    only_by_name=True,
    interpreters={"PYTHON": "python -", "POWERSHELL": "powershell -NoProfile -NonInteractive -Command -"},
    script_family="WINDOWS",
    prompt=re.compile(r"(?!)"),
    modes="",
    shell=False,
    reads=(
        "dcdiag /test:advertising",
        "dcdiag /test:dns",
        "dcdiag /test:sysvolcheck",
        "repadmin /replsummary",
        "repadmin /showrepl",
        "w32tm /query",
        "sc query",
        "net share",
        "nltest",
        "hostname",
        "ver",
        "systeminfo",
        "ipconfig",
        "tasklist",
        "whoami",
        "winget list",
        "dir",
        "type",
        "nslookup",
    ),
)
