"""FRR's command line behind OpenSSH, driven by the product. Judged by what FRR holds afterwards, asked beside it."""

import pytest

from devices.services import snapshots
from tests.e2e.conftest import need
from tests.field import real, runs
from tests.field.runs import step

pytestmark = pytest.mark.django_db
#: Both ways to drive it: by our own session, and with Netmiko's login and preparation.
PLATFORMS = tuple(key for key, what in real.TRIED.items() if what.startswith("FRR"))


@pytest.fixture(scope="module")
def router():
    need(not real.lacking(), real.lacking())
    with real.frr(banner="Authorized use only # everything > is logged\n") as found:
        yield found


@pytest.fixture(params=PLATFORMS)
def on(request, acme, router):
    return runs.device(acme, router.port, request.param, router.user, real.PASSWORD)


def prefixes(name, count):
    return [f"ip prefix-list {name} seq {n} permit 10.{n // 256}.{n % 256}.0/24" for n in range(1, count + 1)]


def test_it_is_read(acme, on):
    done = runs.run(acme, on, step("read", "show version\nshow interface lo\nshow running-config"))
    assert done.status == "succeeded", done.said
    assert done.answer("show version").startswith("FRRouting 8") and "Interface lo is up" in done.answer(
        "show interface lo"
    )
    assert (
        done.answer("show running-config").rstrip().endswith("\nend")
        and "edge-rt1" not in done.answer("show version").splitlines()[-1]
    )


def test_it_is_changed_and_saved_and_the_difference_shows_it(acme, on, router):
    name = f"ADDED-{on.platform}"
    lines = f"ip prefix-list {name} seq 5 permit 198.51.100.0/24\ninterface lo\n description by {on.platform}\nexit"
    done = runs.run(acme, on, step("config", lines, save=True), snapshots=True)
    assert done.status == "succeeded", done.said
    for held in (router.running, router.saved):
        assert f"ip prefix-list {name} seq 5 permit 198.51.100.0/24" in held and f"description by {on.platform}" in held
    changed = snapshots.changes(done.row.snapshot_before, done.row.snapshot_after, on.platform)
    added = [line for kind, line in changed if kind == "add"]
    assert any(name in line for line in added) and any("description by" in line for line in added), changed
    assert all(name in line or "description" in line or line.startswith("+++") for line in added), added


#: Lines that FRR does not take, with its words; what they need stands before them.
REFUSED = {
    "neighbor 10.0.0.9 remot-as 65002": "Unknown command",
    "neighbor 10.0.0.9 remote-as": "Command incomplete",
    "neighbor 10.0.0.300 remote-as 1": "Create the peer-group or interface first",
    "neighbor 10.0.0.9 activate": "Specify remote-as or peer-group commands first",
    "neighbor 10.0.0.9 peer-group NOWHERE": "Configure the peer-group first",
    "router bgp 65099": "BGP is already running",
    "no router bgp 4": "Can't find BGP instance",
    "ip prefix-list X seq 5 permit 10.0.0.1/8 ge 3": "Configuration failed",
    "bgp confederation peers 65001": "not allowed",
    "no ip route 9.9.9.0/24 Null0": "non-existent route",
}


@pytest.mark.parametrize("refused", REFUSED)
def test_nothing_follows_a_refused_line(acme, on, router, refused):
    router.vtysh("configure terminal", "router bgp 65001", "no bgp router-id")
    done = runs.run(acme, on, step("config", f"router bgp 65001\n{refused}\nbgp router-id 9.9.9.9"))
    assert done.status == "failed" and refused in done.said and REFUSED[refused] in done.said, done.said
    assert "9.9.9.9" not in router.running and "bgp router-id 9.9.9.9" not in done.sent


def test_it_is_renamed_and_goes_on(acme, on, router):
    lines = f"hostname core-{on.platform.replace('_', '-')}\nip prefix-list AFTER-{on.platform} seq 5 permit any"
    done = runs.run(acme, on, step("config", lines, save=True), step("read", "show version"))
    assert done.status == "succeeded", done.said
    assert f"AFTER-{on.platform}" in router.running
    assert f"hostname core-{on.platform.replace('_', '-')}" in router.saved


def test_a_failed_save_is_none(acme, on, router):
    """Nobody may write its file: FRR says so, and the run does not say that it saved."""
    held = router.folder / "frr.conf"
    for path, mode in ((router.folder, 0o550), (held, 0o440)):
        path.chmod(mode)
    before = router.saved
    try:
        done = runs.run(acme, on, step("config", f"ip prefix-list UNSAVED-{on.platform} seq 5 permit any", save=True))
    finally:
        router.folder.chmod(0o770)
        held.chmod(0o640)
    assert "UNSAVED" in router.running and router.saved == before
    assert done.status != "succeeded" and "write mem" in done.said, done.said


def test_a_banner_of_many_lines_is_no_text_to_it_and_what_follows_does_not_arrive(acme, on, router):
    done = runs.run(acme, on, step("config", "banner motd ^Keep out\nof here^\nip prefix-list BEHIND seq 5 permit any"))
    assert done.status == "failed" and "BEHIND" not in router.running, done.said


def test_a_batch_of_many_lines_arrives_whole(acme, on, router):
    name = f"BATCH-{on.platform}"
    lines = "\n".join(f"ip prefix-list {name} seq {n} permit 10.{n % 250}.0.0/16" for n in range(1, 31))
    done = runs.run(acme, on, step("config", lines))
    assert done.status == "succeeded", done.said
    assert router.running.count(f"ip prefix-list {name} seq") == 30


def test_a_long_show_comes_whole(acme, on, router):
    name = f"LONG-{on.platform}"
    router.vtysh("configure terminal", *prefixes(name, 400))
    done = runs.run(acme, on, step("read", f"show ip prefix-list {name}\nshow memory\nshow version"))
    assert done.status == "succeeded", done.said
    assert done.answer(f"show ip prefix-list {name}").count("permit 10.") == 2 * 400  # of zebra and of bgpd
    assert done.answer("show version").startswith("FRRouting")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_pages_are_turned(acme, platform):
    need(not real.lacking(), real.lacking())
    with real.frr(pager="busybox more") as router:
        router.vtysh("configure terminal", *prefixes("PAGED", 300))
        on = runs.device(acme, router.port, platform, router.user, real.PASSWORD)
        read = step("read", "show ip prefix-list PAGED\nshow version")
        done = runs.run(acme, on, read, step("config", "ip prefix-list BEHIND seq 5 permit any"), snapshots=True)
        assert done.status.startswith("succeeded"), done.said
        assert done.answer("show ip prefix-list PAGED").count("permit 10.") == 2 * 300
        assert "--More--" not in done.answer("show ip prefix-list PAGED") and "BEHIND" in router.running


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize(
    "name",
    [
        "a.very.long.name.of.more.than.twenty.signs",
        "sw1-config",
        "x",
        "end",
        "R1.config-router",
        "R1(config)#",
        "a>b#",
    ],
)
def test_odd_names_are_followed(acme, platform, name):
    need(not real.lacking(), real.lacking())
    with real.frr(name=name) as router:
        on = runs.device(acme, router.port, platform, router.user, real.PASSWORD)
        lines = "router bgp 65001\nneighbor 10.0.0.9 remot-as 1\nbgp router-id 9.9.9.9"
        good = runs.run(acme, on, step("config", "router bgp 65001\nbgp router-id 7.7.7.7", save=True), snapshots=True)
        bad = runs.run(acme, on, step("config", lines))
        assert good.status == "succeeded" and bad.status == "failed", good.said + bad.said
        assert "7.7.7.7" in router.saved and "9.9.9.9" not in router.running
