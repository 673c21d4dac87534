"""What changes by itself in configurations is no difference, on each platform, and nothing else is left out."""

import pytest

from devices.domain import configs
from devices.drivers.platforms import PLATFORMS

#: Lines as devices show them at two moments, by platform; each pattern of a platform is met by one.
CHANGING = {
    "cisco_ios": [
        ("Building configuration...", "Building configuration... please wait"),
        ("Current configuration : 4231 bytes", "Current configuration : 4255 bytes"),
        ("Using 4231 out of 524288 bytes", "Using 4255 out of 524288 bytes"),
        ("! Last configuration change at 10:15:01 UTC Fri Nov 27 2026 by ops", "! Last configuration change at 11:00"),
        ("! No configuration change since last restart", "!"),
        ("! NVRAM config last updated at 10:15:05 UTC Fri Nov 27 2026", "! NVRAM config last updated at 11:00:00"),
        ("ntp clock-period 17179860", "ntp clock-period 17179861"),
        ("Load for five secs: 1%/0%; one minute: 2%; five minutes: 2%", "Load for five secs: 9%/0%; one minute: 3%;"),
        ("Time source is NTP, 10:00:00.000 UTC Fri Nov 27 2026", "Time source is NTP, 10:00:09.100 UTC Fri"),
    ],
    "arista_eos": [
        ("! Command: show running-config", "! Command: show startup-config"),
        (
            "! Startup-config last modified at  Fri Nov 27 10:00:00 2026 by ops",
            "! Startup-config last modified at  Sat",
        ),
        ("! Last configuration change at 10:00", "! Last configuration change at 10:01"),
        ("! Time: Fri Nov 27 10:00:00 2026", "! Time: Fri Nov 27 10:01:00 2026"),
    ],
    "juniper_junos": [
        ("## Last commit: 2026-11-27 10:00:00 UTC by ops", "## Last commit: 2026-11-27 11:00:00 UTC by ops"),
        ("## Last changed: 2026-11-27 10:00:00 UTC", "## Last changed: 2026-11-27 11:00:00 UTC"),
        ("/* Last changed: 2026-11-27 */", "/* Last changed: 2026-11-28 */"),
    ],
    "cisco_nxos": [
        ("!Command: show running-config", "!Command: show running-config all"),
        ("!Running configuration last done at: Fri Nov 27 10:00:00 2026", "!Running configuration last done at: Sat"),
        ("!Time: Fri Nov 27 10:00:00 2026", "!Time: Fri Nov 27 10:01:00 2026"),
        ("!Startup config saved at: Fri Nov 27 10:00:00 2026", "!Startup config saved at: Sat"),
    ],
    "cisco_xr": [
        (
            "!! Last configuration change at Fri Nov 27 10:00:00 2026 by ops",
            "!! Last configuration change at Sat Nov 28",
        ),
        ("Fri Nov 27 10:00:00.123 UTC", "Fri Nov  6 10:01:00.456 UTC"),
    ],
    "cisco_asa": [
        (": Saved", ":"),
        (": Written by enable_15 at 10:00:00.000 UTC Fri Nov 27 2026", ": Written by ops at 11:00:00.000 UTC"),
        ("Cryptochecksum:0123456789abcdef", "Cryptochecksum:fedcba9876543210"),
        (": Hardware:   ASA5516, uptime 5 days", ": Hardware:   ASA5516, uptime 6 days"),
    ],
    "fortinet": [
        ("#conf_file_ver=282763466964943", "#conf_file_ver=282763466964944"),
        ("        set password ENC AbCd==", "        set password ENC EfGh=="),
        ("    set psksecret ENC AbCd==", "    set psksecret ENC EfGh=="),
        (
            '    set private-key "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----"',
            '    set private-key "-----BEGIN ENCRYPTED PRIVATE KEY-----\nBBBB\n-----END ENCRYPTED PRIVATE KEY-----"',
        ),
    ],
    "huawei_vrp": [
        (
            "!Last configuration was updated at 2026-11-27 10:00:00+00:00 by ops",
            "!Last configuration was updated at 2027",
        ),
        ("!Last configuration was saved at 2026-11-27 10:00:00+00:00", "!Last configuration was saved at 2027"),
    ],
    "mikrotik_routeros": [
        ("# nov/27/2026 10:00:00 by RouterOS 6.49.10", "# nov/27/2026 10:01:00 by RouterOS 6.49.10"),
        ("# 2026-11-27 10:00:00 by RouterOS 7.14", "# 2026-11-27 10:01:00 by RouterOS 7.14"),
        ("# inactive time", "#"),
        ("# lte1 not ready", "#"),
    ],
    "nokia_sros": [
        ("# Generated FRI NOV 27 10:00:00 2026 UTC", "# Generated FRI NOV 27 10:01:00 2026 UTC"),
        ("# Finished FRI NOV 27 10:00:01 2026 UTC", "# Finished FRI NOV 27 10:01:01 2026 UTC"),
    ],
    "checkpoint_gaia": [("# Exported by admin on Fri Nov 27 10:00:00 2026", "# Exported by ops on Fri Nov 27 11:00")],
    "mellanox_mlnxos": [("## Generated at 2026/11/27 10:00:00 +0000", "## Generated at 2026/11/27 10:01:00 +0000")],
    "ubiquiti_edgeswitch": [
        ('!System Up Time          "1 days 2 hrs"', '!System Up Time          "1 days 3 hrs"'),
        ("!Current SNTP Synchronized Time: Nov 27 10:00:00 2026 UTC", "!Current SNTP Synchronized Time: Nov 27 10:01"),
        ("!Current System Time: Nov 27 10:00:00 2026", "!Current System Time: Nov 27 10:01:00 2026"),
        ("sflow 1 destination owner x timeout 500", "sflow 1 destination owner x timeout 400"),
    ],
    "paloalto_panos": [
        (
            '<entry name="a" admin="ops" dirtyId="3" time="2026/11/27 10:00:00">',
            '<entry name="a" admin="bob" dirtyId="4" time="2026/11/27 11:00:00">',
        )
    ],
}
FIXED = [
    "hostname sw1",
    "! the time is set by hand",
    "ntp server 192.0.2.1",
    "#config-version=FGVM64-7.0.3:user=admin",
    "        set password abc",
    "!Software Version V200R005C10",
    "## the last line",
    "# Exported for nobody",
    "banner motd Current state of things",
    "interface Time1",
    '<entry name="a">',
]
PAIRS = [(key, old, new) for key, rows in CHANGING.items() for old, new in rows]


def compared(key, old, new):
    volatile = PLATFORMS[key].volatile
    (before, left), (after, left_after) = (configs.sifted(text, text, volatile) for text in (old, new))
    return configs.unified(before, after), configs.ignored(left, left_after)


@pytest.mark.parametrize("key,old,new", PAIRS)
def test_what_changes_by_itself_is_ignored_and_told(key, old, new):
    found, ignored = compared(key, f"hostname a\n{old}\nend", f"hostname a\n{new}\nend")
    if new in ("!", "#", ":"):
        assert ("del", f"-{old}") in ignored and all(kind != "del" for kind, line in found if line == f"-{old}")
    else:
        assert found == [] and {kind for kind, _ in ignored} == {"del", "add"}


@pytest.mark.parametrize("key", CHANGING)
def test_every_rule_of_a_platform_is_met_by_a_line(key):
    lines = [line for rows in (CHANGING[key], CHANGING["cisco_ios"]) for row in rows for line in row[0].split("\n")]
    shared = () if key in ("arista_eos", "juniper_junos") else PLATFORMS["cisco_ios"].volatile
    assert set(shared) <= set(PLATFORMS[key].volatile)
    for pattern in PLATFORMS[key].volatile:
        assert any(pattern.search(line) for line in lines), pattern.pattern


@pytest.mark.parametrize("key", sorted(PLATFORMS))
def test_nothing_else_is_ignored(key):
    for line in FIXED:
        found, ignored = compared(key, "end", f"{line}\nend")
        assert ("add", f"+{line}") in found and not ignored, line


def test_a_secret_that_is_encrypted_anew_is_no_difference_and_one_that_is_new_is():
    old, new = "edit a\n set password ENC AAAA==\nend", "edit a\n set password ENC BBBB==\nend"
    assert compared("fortinet", old, new) == (
        [],
        [("del", "- set password ENC AAAA=="), ("add", "+ set password ENC BBBB==")],
    )
    found, _ = compared("fortinet", "edit a\nend", new)
    assert ("add", "+ set password ENC BBBB==") in found
    found, _ = compared("fortinet", old, "edit a\n set password ENC BBBB==\n set passwd ENC CCCC==\nend")
    assert ("add", "+ set passwd ENC CCCC==") in found


def test_a_line_in_no_way_changed_is_not_told_of():
    text = "ntp clock-period 17179860\nhostname a\nend"
    assert compared("cisco_ios", text, text) == ([], [])
