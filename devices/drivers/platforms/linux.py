"""A Linux shell (bash, dash, ash) over SSH."""

import re

from devices.drivers.platform import Platform, reading

#: A file by its path; a device file does something when it is read, and a path upwards may end there.
FILE = r"(?!\S*\.\.)(?!\S*/?dev/)[\w/.@+~][\w/.:,@%+=~-]*"
#: Between these marks the shell reads no sign as one of its own.
QUOTED = r"'[\x20-&(-~]+'"

LINUX = Platform(
    key="linux",
    label="Linux",
    vendor="Linux",
    interpreters={"SHELL": "sh -s", "PYTHON": "python3 -", "PERL": "perl -"},
    elevated="sudo -n {command}",
    script_family="LINUX",
    # The shell is told to show its process number and each line's exit status in its prompt: no text that a command
    # prints is a prompt of this very shell by chance. A shell that is not ours yet shows its own prompt.
    prompt=re.compile(
        r"^(?P<base>interlock:\d{1,10}:|[\w.\-]{1,64}@[\w.\-]{1,64}:|\[[\w.\-]{1,64}@[\w.\-]{1,64} )"
        r"(?:\d{1,3}\$ |(?<!interlock:)[^\s]{0,200}[$#%]\s?)$"
    ),
    modes=r"\d{1,3}\$ |(?<!interlock:)[^\s]{0,120}[$#%]\s?",
    preparation=("PROMPT_COMMAND= PS2= PS1='interlock:$$:$?$ '",),
    status=re.compile(r"^interlock:\d{1,10}:(?P<status>\d{1,3})\$ $"),
    # Whoever asks it to be quiet wants the status.
    finds_nothing=re.compile(r"(?:^|[|]\s*)[efz]?grep\b(?![^|]*\s-(?:[A-Za-z]{0,20}q|-quiet\b|-silent\b))[^|]*$"),
    comment="# ",
    renames=re.compile(
        r"\bPS1=|^\s*(?:exec\s+)?(?:sudo\s+(?:-\S+\s+)*(?:-i|-s|su)\b|su\b|bash\b|sh\b|exit\b|logout\b|ssh\b)"
    ),
    inputs=re.compile(r"<<-?\s*(?P<quote>['\"]?)(?P<word>\w+)(?P=quote)"),
    show_running="cat /etc/network/interfaces",
    # Where the shell does not show the status.
    failure=re.compile(
        r"(command not found|: not found$|No such file or directory|Permission denied|Operation not permitted"
        r"|syntax error)"
        r"|^E: |^dpkg-query: no packages"
    ),
    reads=reading(
        f"(cat|stat|file|md5sum|sha1sum|sha256sum)( {FILE})+",
        f"(head|tail)( -n {{count}}| -[0-9]{{1,4}})*( {FILE})+",
        f"grep( -[EFcHhilnoqrsvwx]+)* ({{word}}|{QUOTED})( {FILE})+",
        f"ls( -[1AFRSadhilnrst]+)*( {FILE})*",
        f"df( -[BTPahiklm]+)*( {FILE})?",
        f"wc( -[clmw]+)*( {FILE})+",
        "ip( -[046djopst]+| -(br|brief|details|stats|json|oneline|pretty))*"
        " (a|addr|address|r|ro|route|ru|rule|l|li|link)"
        "( (show|list|ls)( {word})*)?",
        "ip( -[046djopst]+)* (n|neigh|neighbour|neighbor|maddr|maddress|vrf|netns)( (show|list)( {word})*)?",
        "ip( -[046djopst]+)* (r|ro|route) get {host}( (from|oif|iif) {host})*",
        f"dpkg-query -W( -f={QUOTED})?( {{word}})*",
        "dpkg (-l|-s|-L)( {word})*",
        "rpm -q[ail]*( {word})*",
        "systemctl( --no-pager| -l)*"
        " (status|is-active|is-enabled|is-failed|list-units|list-unit-files|list-timers|show|cat)"
        "( --no-pager| --all| -l| {word})*",
        "journalctl( --no-pager| -n {number}| -u {word}| -p {word}| -[bkrx])*",
        "ping( -[46nq]| -[cWis] {count})* -c {count}( -[46nq]| -[Wis] {count})* {host}",
        "ss( -[046Haeilmnoprtuwx]+)*",
        "netstat( -[46aeilnprstuw]+)*",
        "ps( -?[A-Zafejlruxw]+)*",
        "date( -u)?( \\+[\\w%:/-]+)?",
        "hostname( -[AIdfis])?",
        "uname( -[amnoprsv]+)*",
        "free( -[bghkmtw]+)*",
        "id( -[Ggnru]+)*( {word})?",
        "uptime( -[ps])?",
        "(hostnamectl|timedatectl)( status)?",
        "getent (ahosts|group|hosts|passwd|services) {word}",
        "(ifconfig|mount|dmesg|arp -an?|route -n|lsblk|lscpu|lsmod|lspci|lsusb|nproc|pwd|w|who|whoami|groups)",
        filters=(
            f"grep( -[EFciovwx]+)* ({{word}}|{QUOTED})",
            "(head|tail)( -n {count}| -[0-9]{1,4})*",
            "wc( -[clmw]+)*",
            "sort( -[bdfghnru]+)*",
            "uniq( -[cdiu]+)*",
        ),
        any_case=False,
    ),
)
