"""What tells one box from another."""

import pytest

from devices.domain.boxes import Route, Seen, identities, name_in, names_after, places

HERE, THERE = Route(1, "here"), Route(2, "there")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("alice@core1:", "bob@core1:"),
        ("alice@core1", "bob@core1.example.net"),
        ("core1", "CORE1"),
        ("RP/0/RSP0/CPU0:core1", "RP/0/RSP1/CPU0:core1"),
        ("<core1", "[core1"),
        ("[alice@core1 ~", "alice@core1:"),
    ],
)
def test_two_prompts_of_one_box(one, other):
    assert name_in(one) == name_in(other) == "core1"


@pytest.mark.parametrize(
    ("one", "other"), [("core1", "core2"), ("netops@10.0.0.1:", "netops@10.0.0.2:"), ("sw-01.a", "sw-02.a")]
)
def test_prompts_of_two_boxes(one, other):
    assert name_in(one) != name_in(other)


@pytest.mark.parametrize(
    "line",
    [
        "hostname new1",
        "set system host-name new1",
        " sysname new1",
        "hostnamectl set-hostname 'new1'",
        "hostname NEW1.x",
    ],
)
def test_a_line_that_renames_says_the_new_name(line):
    assert names_after(["interface x", line]) == {"new1"}


def test_of_many_names_the_last_ones_count():
    assert names_after(f"hostname n{n}" for n in range(5000)) == {f"n{n}" for n in range(4992, 5000)}


def meet(one, other):
    return bool(set(one) & set(other))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ((HERE, "10.0.0.1", 22), (HERE, "10.0.0.1", 22), True),
        ((HERE, "10.0.0.1", 22), (THERE, "10.0.0.1", 22), False),
        ((Route(1, "here"), "10.0.0.1", 22), (Route(1, "there"), "10.0.0.1", 22), True),
        ((Route(1, "here"), "10.0.0.1", 22), (Route(2, "here"), "10.0.0.1", 22), True),
        ((Route(1, "here"), "127.0.0.1", 22), (Route(1, "there"), "127.0.0.1", 22), False),
        ((HERE, "10.0.0.1", 22), (HERE, "10.0.0.1", 2222), False),
        ((HERE, "10.0.0.1", 22), (HERE, "10.0.0.2", 22), False),
        ((HERE, "::ffff:10.0.0.1", 22), (HERE, "10.0.0.1", 22), True),
        ((HERE, "2001:DB8:0::1", 22), (HERE, "2001:db8::1", 22), True),
        ((HERE, "Core1.", 22), (HERE, "core1", 22), True),
    ],
)
def test_a_place_is_a_network_or_an_agent_with_an_address_and_a_port(one, other, same):
    assert meet(places(*one), places(*other)) is same


def test_telnet_and_ssh_on_their_ports_lead_to_one_box():
    telnet, other = (places(HERE, "10.0.0.1", port, telnet=True) for port in (23, 2023))
    assert meet(telnet, places(HERE, "10.0.0.1", 22)) and not meet(other, places(HERE, "10.0.0.1", 22))


def test_a_key_is_a_box_together_with_a_name_and_a_name_alone_is_none():
    one, other, renamed = Seen("K", "core1", ""), Seen("K", "core2", ""), Seen("K", "core1", "")
    assert not meet(identities(one), identities(other)) and meet(identities(one), identities(renamed))
    assert meet(identities(one, {"core2"}), identities(other))
    assert not list(identities(Seen("", "core1", "")))


def test_a_key_fits_its_column():
    (longest,) = places(Route(None, "0123456789ab"), "x" * 255, 65535)
    assert len(longest) <= 280
