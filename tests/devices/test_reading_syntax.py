"""Which lines only read: each platform's own syntax, recorded lines of the field on both sides of it."""

import pytest

from devices.drivers.platforms import PLATFORMS, line_flaw, only_reads

READS = {
    "cisco_ios": (
        "show version",
        "sh run",
        "Show ip interface brief",
        "show running-config interface GigabitEthernet1/0/1",
        "show run | include ^hostname|^ntp",
        "show run | i ntp server",
        "show run | section router bgp",
        "show ip bgp 192.0.2.0/24 | begin Refresh",
        "show interfaces | count up",
        "dir flash:",
        "dir /all bootflash:/core",
        "more nvram:startup-config",
        "verify /md5 flash:c2960.bin",
        "ping vrf MGMT 192.0.2.1 repeat 5 source Loopback0",
        "traceroute 192.0.2.1 numeric",
        "terminal length 0",
    ),
    "arista_eos": (
        "show version | json",
        "show running-config | section router bgp",
        "show interfaces status | include connected",
        "show lldp neighbors | no-more",
        "dir flash:",
        "more flash:startup-config",
        "ping vrf MGMT 192.0.2.1 repeat 3",
        "terminal width 300",
    ),
    "juniper_junos": (
        "show configuration | display set",
        "show configuration interfaces ge-0/0/0 | display set | match description",
        'show log messages | match "error|fail" | last 20',
        "show system uptime | no-more",
        "show configuration | compare rollback 1",
        "file list /var/log",
        "file show /var/log/messages",
        "ping 192.0.2.1 count 3",
        "ping routing-instance MGMT 192.0.2.1 count 3",
        "traceroute 192.0.2.1 no-resolve",
        "set cli screen-length 0",
    ),
    "linux": (
        "uname -a",
        "hostname",
        "hostname -f",
        "cat /etc/network/interfaces",
        "cat /proc/cpuinfo | grep -c processor",
        "ip route",
        "ip -br address show dev eth0",
        "ip route show table main",
        "ip route get 192.0.2.1",
        "df -h",
        "ls -la /etc",
        "ps aux | grep '[s]shd'",
        "ss -tulpn",
        "systemctl is-active ssh",
        "systemctl status --no-pager ssh",
        "journalctl -u ssh -n 50 --no-pager",
        "date +%s",
        "date -u",
        "head -n 5 /etc/hosts",
        "ping -c 3 192.0.2.1",
        "dpkg-query -W -f='${db:Status-Status} ${Version}\\n' curl",
        "id netops",
    ),
    "windows": (
        "dcdiag /test:DNS",
        "repadmin /replsummary",
        "sc query NTDS",
        "w32tm /query /status",
        "net share",
        "net share SYSVOL",
        "nltest /dsgetdc:example.com",
        "hostname",
        "ipconfig /all",
        "whoami /groups",
        "winget list --exact --id Git.Git",
        "dir C:\\Windows /b",
        'type "C:\\Program Files\\app\\app.ini"',
        "nslookup example.com",
        'tasklist /fi "imagename eq lsass.exe"',
        "ping -n 2 192.0.2.1",
    ),
    "cisco_nxos": ("show version", "show run | include ntp", "show interface brief | count", "ping 192.0.2.1"),
    "huawei_vrp": ("display version", "display current-configuration | include ntp"),
    "hp_comware": ("display interface brief", "display version | begin Uptime"),
    "fortinet": ("get system status", "show system interface port1", "show | grep -i ntp"),
    "juniper_screenos": ("get config", "get system"),
    "nokia_sros": ("show router interface", "info", "admin display-config"),
    "f5_tmsh": ("list ltm pool", "show sys version"),
    "mikrotik_routeros": ("/export",),
    "paloalto_panos": ("show system info", "show config running"),
    "generic": ("show version",),
}
CHANGES = {
    "cisco_ios": (
        "show run | redirect flash:x",
        "show run | red flash:x",
        "show run | tee tftp://192.0.2.1/x",
        "show run | append flash:x",
        "show run | include a | redirect flash:x",
        "show run | include a|redirect flash:x",
        "show",
        "showx version",
        "ſhow version",
        "more tftp://192.0.2.1/x",
        "dir tftp://192.0.2.1",
        "verify /md5 tftp://192.0.2.1/x",
        "terminal monitor",
        "ping",
        "ping 192.0.2.1 repeat 2147483647",
        "copy running-config startup-config",
        "clear counters",
        "hostname X",
        "do show version",
        "configure terminal",
        "write memory",
        "reload",
        "enable",
    ),
    "arista_eos": (
        "show version | sh",
        "show version | python",
        "show run | include a|reboot",
        "show run | tee flash:x",
        "show run | redirect flash:x",
        "bash timeout 5 cat /etc/passwd",
        "bash reboot",
        "watch show version",
        "more http://192.0.2.1/x",
    ),
    "juniper_junos": (
        "show configuration | save /tmp/x",
        "show configuration | append x",
        "show configuration | tee x",
        "show interfaces | refresh 1",
        "monitor traffic write-file x",
        "monitor start messages",
        "request system reboot",
        "ping 192.0.2.1",
        "file delete x",
        "file copy a b",
        "set cli directory /",
        "set system host-name x",
        "commit",
        "restart routing",
    ),
    "linux": (
        "hostname x",
        "hostname -F /tmp/x",
        "hostnamectl set-hostname x",
        "ip route del default",
        "ip route add default via 192.0.2.1",
        "ip addr add 192.0.2.1/24 dev eth0",
        "ip link set eth0 down",
        "ip -b /tmp/x addr",
        "ip -batch /tmp/x",
        "ip netns exec x reboot",
        "ip route flush all",
        "date 010100002030",
        "date -s tomorrow",
        "cat /etc/passwd /dev/watchdog",
        "cat /proc/../dev/watchdog",
        "cat",
        "ss -K dst 192.0.2.1",
        "ss -D /tmp/x",
        "dmesg -C",
        "mount /dev/sda1 /mnt",
        "arp -d 192.0.2.1",
        "ifconfig eth0 down",
        "systemctl restart ssh",
        "systemctl -H root@192.0.2.1 status",
        "journalctl --vacuum-size=1M",
        "journalctl --rotate",
        "sort -o /etc/passwd /tmp/x",
        "ls /tmp | sort -o /etc/passwd",
        "ls | uniq a /etc/passwd",
        "ls | xargs rm",
        "ls | sh",
        "ls | tee /etc/passwd",
        "ps aux | sudo tee x",
        "Cat /etc/passwd",
        "grep -f /tmp/x 'a'; reboot",
        "grep 'a' /etc/passwd' ; reboot '",
        "grep '⟦secret:p1⟧' /etc/passwd",
        "sudo -n cat /etc/shadow",
        "find / -delete",
        "sed -i s/a/b/ /etc/hosts",
        "tail -f /var/log/syslog",
        "ping 192.0.2.1",
        "echo x",
        "sh -s",
        "timedatectl set-time 00:00",
        "cat /etc/passwd #\\",
        "cat $HOME/x",
        "cat {a,b}",
        "cat ~/x !!",
    ),
    "windows": (
        "net share /delete",
        "net share data /delete",
        "net share data=C:\\data",
        "net user x /add",
        "net user x secret",
        "net localgroup Administrators x /add",
        "net start NTDS",
        "net stop NTDS",
        "sc stop NTDS",
        "sc query & sc stop NTDS",
        "sc config NTDS start= disabled",
        "sc \\\\host query",
        "w32tm /config /update",
        "w32tm /resync",
        "hostname x",
        "nltest /sc_reset:example.com",
        "nltest /sc_change_pwd:example.com",
        "ipconfig /release",
        "ipconfig /flushdns",
        "dcdiag /fix",
        "dcdiag /test:DNS /f:C:\\x",
        "repadmin /syncall",
        "dir & del x",
        "dir | Remove-Item",
        "type \\\\host\\share\\x",
        'type "\\\\host\\share\\x"',
        "type x > y",
        "type %TEMP%\\x",
        "winget install --id x",
        "winget list --id $(x)",
        "nslookup",
        "gpresult /h x.html",
        "arp -d *",
        "route delete 0.0.0.0",
        'tasklist /fi "x" & reboot',
        "powershell -Command ls",
    ),
    "cisco_nxos": (
        "show run > bootflash:x",
        "show run | redirect bootflash:x",
        "show run | sed s/a/b/",
        "show version ; reload",
        "get x",
        "display x",
        "info",
        "dir bootflash: > x",
    ),
    "huawei_vrp": ("save", "reset saved-configuration", "show version", "display version > x"),
    "hp_comware": ("reboot", "system-view", "display version | by-linenum"),
    "fortinet": ("execute reboot", "config system global", "get x | tee", "diagnose sys kill 9 1"),
    "juniper_screenos": ("get config > tftp 192.0.2.1 x", "set x", "unset x"),
    "nokia_sros": ("admin save", "admin reboot", "configure"),
    "f5_tmsh": ("modify ltm pool x", "save sys config"),
    "mikrotik_routeros": ("/export file=x", "/system reboot"),
    "paloalto_panos": ("request restart system", "set cli pager off", "commit"),
    "generic": ("get x", "info", "display x"),
    "f5_linux": ("show x", "uname -a", "reboot"),
    "generic_termserver": ("show version", "reboot"),
}
#: What makes of any reading line another one, on any platform.
HOSTILE = (
    ";reload",
    " ; reload",
    "&reload",
    " && reload",
    " || reload",
    "`reload`",
    " $(reload)",
    " ${IFS}reload",
    " > flash:x",
    ">>x",
    " < x",
    "\nreload",
    "\rreload",
    "\x0breload",
    "\x85reload",
    "\u2028reload",
    "\t",
    "\x00",
    " ?",
    " | redirect flash:x",
    " | tee x",
    " | sh",
    " | save x",
    " | append x",
    " \u202edaoler",
    " ⟦secret:x⟧",
)


def lines(table):
    return [(key, line) for key, found in table.items() for line in found]


@pytest.mark.parametrize(("key", "line"), lines(READS))
def test_a_line_that_is_known_to_only_read(key, line):
    assert only_reads(key, line) and only_reads(key, f"  {line}  ")


@pytest.mark.parametrize(("key", "line"), lines(CHANGES))
def test_a_line_that_is_not_known_to_only_read(key, line):
    assert not only_reads(key, line)


def test_nothing_that_is_put_behind_a_reading_line_leaves_it_one():
    wrong = [line + end for key, line in lines(READS) for end in HOSTILE if only_reads(key, line + end)]
    assert not wrong, wrong


def test_each_platform_that_the_product_drives_has_its_lines_here():
    own = {key for key, row in PLATFORMS.items() if not row.netmiko}
    assert own <= READS.keys() & CHANGES.keys()
    verbs = {PLATFORMS[key].reads.pattern for key in CHANGES}
    assert {row.reads.pattern for row in PLATFORMS.values()} <= verbs, "each syntax is tried by a platform that has it"


@pytest.mark.parametrize("key", PLATFORMS)
def test_the_lines_of_a_platform_itself_are_what_they_are_for(key):
    row = PLATFORMS[key]
    assert all(row.is_read(line) for line in (row.show_running, row.show_startup) if line)
    around = (*row.config_enter, *row.config_leave, *row.save, *row.guard_enter, *row.guard_leave, *row.guard_confirm)
    assert not [line for line in around if row.is_read(line)]
    assert not any(only_reads(key, line) for line in ("", " ", "reload", "reboot", "configure terminal"))
    assert not [line for line in row.preparation if row.flaw(line)]


def test_of_an_unknown_platform_nothing_is_known():
    assert not only_reads("of tomorrow", "show version") and "TAB" in line_flaw("of tomorrow", "a\tb")


def test_a_question_mark_is_refused_where_the_device_acts_on_it():
    acting = {key for key in PLATFORMS if line_flaw(key, "show ?")}
    assert {"cisco_ios", "arista_eos", "juniper_junos", "cisco_nxos", "huawei_vrp", "generic"} <= acting
    assert not acting & {"linux", "windows", "f5_linux"}
    assert line_flaw("cisco_ios", "banner ?") == ("holds '?', on which Cisco IOS acts while it is typed; leave it out.")


def test_a_long_line_is_judged_at_once():
    for key in READS:
        for piece in ("a ", "a|", "| include ", "-a ", "'a' ", '"a" '):
            only_reads(key, READS[key][0] + " " + piece * 20_000 + ";")
