"""Windows with OpenSSH: each command on a channel of its own, judged by its exit status.

Source: OpenSSH for Windows.
"""

import re

from devices.drivers.platform import Platform, reading

#: A path on the system itself; one that begins with two strokes names another host.
FILE = r"(?!\\\\|//|\"\\\\|\"//)([\w./:\\~-]+|\"[\w./:\\~\x20-]+\")"
#: A text between quotation marks in which the shells read no sign as one of their own.
QUOTED = r"\"[\w.:/*=\x20-]+\""

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
    reads=reading(
        "dcdiag( /(test|skip|s):[\\w.-]+| /[aceiqv])*",
        "repadmin /(replsummary|replsum|showrepl|queue|showbackup)( [\\w.*-]+| /(csv|errorsonly|verbose))*",
        "w32tm /query /(status|source|configuration|peers)( /verbose| /computer:[\\w.-]+)*",
        "w32tm /(tz|monitor)( /computers:[\\w.,-]+)?",
        "sc(\\.exe)? (query|queryex|qc|qdescription|qfailure)( [\\w.-]+| (type|state|bufsize)= [\\w]+)*",
        "net (share|localgroup|user|group)( [\\w.$-]+)?",
        "net (accounts|start|session|use|config|view)",
        "net statistics (server|workstation)",
        "nltest( /(dsgetdc|dclist|sc_query|server):[\\w.-]+| /(domain_trusts|dsgetsite|query))+",
        "ipconfig( /(all|allcompartments|displaydns))*",
        "systeminfo( /fo (list|table|csv)| /nh)*",
        f"tasklist( /(svc|v|m|nh)| /fo (list|table|csv)| /fi {QUOTED})*",
        "whoami( /(all|user|groups|priv|upn|fqdn|logonid))?",
        "winget list( --(exact|disable-interactivity)| -e| --(id|name|source|query) [\\w.+:/-]+)*",
        f"dir( /[abdlnopqrstwx4:-]+| {FILE})*",
        f"type {FILE}",
        "nslookup( -(type|querytype)=[a-z]+)? [\\w.:-]+( [\\w.:-]+)?",
        "ping( -[46a]| -[nwil] {number})* [\\w.:-]+",
        "tracert( -d| -[hw] {count})* [\\w.:-]+",
        "netstat( -[abenoqrst]+)*",
        "gpresult /(r|v|z)",
        "route print( -[46])?",
        "arp -a|hostname|ver|query user|quser",
    ),
)
