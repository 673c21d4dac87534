"""What of a known secret is hidden in output, and what is left readable."""

import base64
import time
from urllib.parse import quote

import pytest

from devices.domain.masking import Masker

LONG = "correct-Horse&7"


@pytest.mark.parametrize(
    "said",
    [
        LONG,
        f"x{LONG}y",
        f"banner {LONG}",
        quote(LONG, safe=""),
        base64.b64encode(LONG.encode()).decode(),
        base64.b64encode(f"admin:{LONG}".encode()).decode(),
        base64.urlsafe_b64encode(f"ab{LONG}".encode()).decode(),
        LONG.encode().hex(),
        LONG.encode().hex().upper(),
        "correct-Horse&amp;7",
        LONG[:5] + "\n" + LONG[5:],
        LONG[:5] + "\r\n      " + LONG[5:9] + "\n" + LONG[9:],
        LONG[:5] + "\x08" + LONG[5:],
    ],
)
def test_a_long_value_is_hidden_in_every_form_in_which_it_can_be_read(said):
    shown = Masker([LONG]).hide_all(f"before\n{said}\nafter")
    assert "***" in shown and shown.startswith("before\n") and shown.endswith("\nafter")
    assert shown.count("\n") == said.count("\n") + 2, "the lines stay, so that they can be compared"
    for part in ("Horse", "correct", LONG.encode().hex(), base64.b64encode(LONG.encode()).decode()[:10]):
        assert part not in shown


OUTPUT = """\
hostname core-sw1
username admin privilege 15 secret 0 admin
interface Vlan2024
 ip address 192.0.2.1 255.255.255.0
ntp server 192.0.2.99
snmp-server community public RO
Cisco IOS Software, uptime is 12 weeks, winter time
 description to winterthur
"""


@pytest.mark.parametrize(
    "value", ["a", "12", "123", "abc", "admin", "public", "2024", "interface", "Vlan", "255", "  "]
)
def test_short_and_common_values_do_not_destroy_output(value):
    shown = Masker([value]).hide_all(OUTPUT)
    assert shown == Masker([]).hide_all(OUTPUT)
    assert "secret 0 ***" in shown and "community *** RO" in shown, "where a line says so, every value is hidden"


def test_a_word_is_hidden_as_a_word_only():
    shown = Masker(["winter"]).hide_all(OUTPUT)
    assert "*** time" in shown and "winterthur" in shown
    assert Masker(["win-1"]).hide("xwin-1y") == "x***y", "signs of different kinds are no word"


def test_the_lines_of_a_key_are_hidden_and_its_frame_is_not():
    key = "-----BEGIN KEY-----\nb3BlbnNzaC1rZXk\r\nAAAAB3NzaC1yc2E\n-----END KEY-----\n"
    shown = Masker([key]).hide_all("key:\n  b3BlbnNzaC1rZXk\n  AAAAB3NzaC1yc2E\n-----BEGIN KEY-----")
    assert shown == "key:\n  ***\n  ***\n-----BEGIN KEY-----"


def test_spaces_around_a_value_are_no_way_around():
    assert Masker(["  spaced-out9  "]).hide("say spaced-out9!") == "say ***!"


def test_what_is_cut_is_hidden_where_a_device_is_quoted():
    assert Masker([LONG]).hide_quoted("The device said 'banner correct-Ho'") == "The device said 'banner ***'"
    assert Masker([LONG]).hide_quoted("Last text: 'Horse&7 more'") == "Last text: '*** more'"


def test_a_text_that_grows_does_not_end_in_a_part_of_a_value():
    masker = Masker([LONG])
    for length in range(1, len(LONG)):
        assert masker.hide(masker.without_begun("say " + LONG[:length])) == "say "
    assert masker.hide(masker.without_begun("say " + LONG)) == "say ***"


def test_many_secrets_and_much_output_take_little_time():
    masker = Masker(f"secret-value-{n}-{n * 7919}" for n in range(300))
    text = OUTPUT * 3000
    begun = time.process_time()
    masker.hide_all(text)
    assert time.process_time() - begun < 8
