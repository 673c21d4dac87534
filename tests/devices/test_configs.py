"""Comparing configurations: what changes by itself is left out, secrets are hidden, one column and two."""

import difflib
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.domain import configs
from devices.domain.configs import as_lines, mask, side_by_side, sifted, unified
from devices.drivers.platforms import PLATFORMS

OLD = (
    "! Last configuration change at 10:00\nhostname sw1\nvlan 10\n name A\n"
    "ntp server 192.0.2.1\nsnmp-server community public RO\nend"
)
NEW = (
    "! Last configuration change at 11:00\nhostname sw1\nvlan 10\n name B\n"
    "ntp server 192.0.2.1\nsnmp-server community secret RO\nend"
)


def lines_of(text, volatile=()):
    return sifted(text, mask(text), volatile)[0]


def test_what_changes_by_itself_is_no_change():
    volatile = PLATFORMS["cisco_ios"].volatile
    assert unified(lines_of(OLD, volatile), lines_of(OLD.replace("10:00", "11:00"), volatile)) == []
    assert side_by_side(lines_of(OLD, volatile), lines_of(OLD.replace("10:00", "11:00"), volatile)) == []
    assert unified(lines_of(OLD), lines_of(OLD.replace("10:00", "11:00"))) != []


def test_one_column_hides_secrets_and_still_shows_that_they_changed():
    lines = unified(*(lines_of(text, PLATFORMS["cisco_ios"].volatile) for text in (OLD, NEW)))
    assert ("del", "- name A") in lines and ("add", "+ name B") in lines
    assert ("del", "-snmp-server community *** RO") in lines and ("add", "+snmp-server community *** RO") in lines
    assert not any("secret" in line or "public" in line for _, line in lines)


def test_two_columns_pair_what_was_changed():
    rows = side_by_side(*(lines_of(text, PLATFORMS["cisco_ios"].volatile) for text in (OLD, NEW)))
    assert ("change", " name A", " name B", 3, 3) in [(r.kind, r.old, r.new, r.old_number, r.new_number) for r in rows]
    added = side_by_side(lines_of("a\nb"), lines_of("a\nx\nb"))
    assert [(r.kind, r.old, r.new) for r in added] == [("", "a", "a"), ("add", None, "x"), ("", "b", "b")]
    text = "\n".join(map(str, range(50)))
    far = side_by_side(lines_of(text), lines_of(text.replace("5\n", "V\n", 1).replace("45\n", "W\n")))
    assert "gap" in [row.kind for row in far]


@pytest.mark.parametrize(
    "line,hidden",
    [
        ("enable secret 9 $9$abc", "enable secret 9 ***"),
        ("username admin privilege 15 secret 5 $1$xyz", "username admin privilege 15 secret 5 ***"),
        (" password 7 0822455D0A16", " password 7 ***"),
        ("snmp-server community s3cret RO 10", "snmp-server community *** RO 10"),
        ("tacacs-server key 7 0312", "tacacs-server key 7 ***"),
        (" key-string 7 0312", " key-string 7 ***"),
        (
            'set system root-authentication encrypted-password "$6$abc"',
            "set system root-authentication encrypted-password ***",
        ),
        ("set snmp community hidden authorization read-only", "set snmp community *** authorization read-only"),
        (
            "username admin role network-admin secret sha512 $6$abc",
            "username admin role network-admin secret sha512 ***",
        ),
        ("service password-encryption", "service password-encryption"),
        ("key chain OSPF", "key chain OSPF"),
        ("hostname password-vault", "hostname password-vault"),
    ],
)
def test_secrets_of_common_platforms_are_hidden(line, hidden):
    assert mask(line) == hidden


def many(seed, kinds, count):
    """Return a configuration of so many lines that are of few kinds."""
    found = random.Random(seed)
    return "\n".join(f"line {found.randrange(kinds)}" for _ in range(count))


@pytest.mark.parametrize(
    "old, new",
    [
        ("x\n" * 20_000, "x\ny\n" * 10_000),
        ("x\ny\n" * 10_000, "y\nx\n" * 10_001),
        (many(1, 8, 20_000), many(2, 8, 20_000)),
        (many(1, 150, 20_000), many(2, 150, 20_000)),
        (many(1, 300, 20_000), many(2, 300, 20_000)),
        ("\n" * 200_000, "\n" * 100_000 + "x" + "\n" * 100_000),
    ],
)
def test_no_device_keeps_a_comparison_busy(old, new):
    for compare in (configs.side_by_side, configs.unified):
        started = time.thread_time()
        assert compare(as_lines([old]), as_lines([new]))
        assert time.thread_time() - started < 6


@settings(max_examples=80)
@given(st.lists(st.sampled_from("abcd!")), st.lists(st.sampled_from("abcd!")), st.sampled_from([0, configs.MOST_PAIRS]))
def test_a_comparison_tells_how_one_becomes_the_other_however_coarse_it_is(old, new, pairs):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(configs._Matcher, "pairs", pairs)
        found = configs.unified(as_lines(old), as_lines(new))
        rows = configs.side_by_side(as_lines(old), as_lines(new))
    if pairs:
        lines = difflib.unified_diff(old, new, "before", "after", lineterm="")
        assert [line for _, line in found] == list(lines)
    assert bool(found) == (old != new)
    assert len([1 for kind, line in found[2:] if kind == "add"]) - len([1 for k, _ in found[2:] if k == "del"]) == (
        len(new) - len(old)
    )
    assert len([r for r in rows if r.new is not None]) - len([r for r in rows if r.old is not None]) == (
        len(new) - len(old)
    )
