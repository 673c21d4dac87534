"""Every platform of `tests/field/documented/` against a terminal that says what its manual says that it says."""

from types import SimpleNamespace

import pytest

from devices.domain.errors import CommandRejected, NotConfirmed
from devices.domain.secrets import Login, Secret
from devices.drivers.commands import CommandSession
from devices.drivers.netmiko_session import NetmikoSession
from devices.drivers.output import Timing
from devices.drivers.platforms import PLATFORMS
from devices.drivers.session import Session
from tests.field.played import ROWS, Terminal, documented

LOGIN = Login("u", Secret("p"), Secret(""))
CASES = documented()
NETMIKO = [key for key in CASES if PLATFORMS[key].netmiko]
ENTER = "enter-configuration"


def messages(kind):
    """Return a test's parameters: key and message, of all platforms."""
    return [
        pytest.param(key, one, id=f"{key}-{one['line']}-{number}")
        for key, case in CASES.items()
        for number, one in enumerate(case.get(kind, ()))
    ]


def opened(key, says, *, config=False, ends=None, **more):
    """Return a session on a terminal of the platform, in configuration mode where asked, and the terminal."""
    case, platform = CASES[key], PLATFORMS[key]
    enter = platform.config_enter[0] if platform.config_enter else ENTER
    modes = {enter: case["config"]} if config else {}
    terminal = Terminal(case["exec"], says, modes={**modes, **(ends or {})}, **more)
    if platform.netmiko:
        connection = SimpleNamespace(base_prompt=case["name"], check_enable_mode=lambda: True)
        found = NetmikoSession(connection, terminal, platform, lambda: None)
        found.timing = found._reader.timing = Timing(quiet=0.0)
    else:
        found = Session(terminal, platform, Timing(quiet=0.0))
    found.open(LOGIN)
    if config:
        found.send(enter, changes=True)
    terminal.lines.clear()
    return found, terminal


def said(key, one):
    """Say one message to a session of its platform; return the answer, and the session."""
    if not PLATFORMS[key].shell:
        found = CommandSession(Channel(one))
        return found.send(one["line"]), found
    config = bool(one.get("config"))
    ends = {line: "interlock:4711:0$ " for line in PLATFORMS[key].preparation if "PS1" in line}
    if "status" in one:
        ends[one["line"]] = f"interlock:4711:{one['status']}$ "
    found, _ = opened(key, {one["line"]: one["says"]}, config=config, ends=ends)
    return found.send(one["line"], changes=True, timeout=2), found


class Channel:
    """A transport whose commands each say one thing and end with one status."""

    def __init__(self, one):
        self.one, self.left = one, [one["says"].encode()] if one["says"] else []

    def execute(self, line, given):
        return self

    def recv(self, timeout):
        return self.left.pop() if self.left else b""

    def status(self):
        return self.one["status"]

    def close(self):
        pass


@pytest.mark.parametrize("key,one", messages("refusals"))
def test_a_documented_refusal_is_one_and_nothing_follows_it(key, one):
    with pytest.raises(CommandRejected) as caught:
        said(key, one)
    status = [f"exit status {one['status']}"] if "status" in one else []
    assert caught.value.line == one["line"]
    assert caught.value.answer.split() == "\n".join([one["says"], *status]).split()


@pytest.mark.parametrize("key,one", messages("notices"))
def test_a_documented_notice_is_no_refusal(key, one):
    answer, _ = said(key, one)
    assert answer.strip() == one["says"].strip()


@pytest.mark.parametrize("key", [key for key in CASES if CASES[key]["long"]["pager"]])
def test_a_long_answer_comes_whole_page_by_page(key):
    long = CASES[key]["long"]
    rows = [f"row {n} of a long answer: error, invalid, denied" for n in range(5 * ROWS)]
    end = ["end"] if PLATFORMS[key].config_end and long["line"] == PLATFORMS[key].show_running else []
    found, terminal = opened(key, {long["line"]: "\n".join(rows + end)}, pager=long["pager"])
    assert found.send(long["line"], timeout=2).split("\n")[:-1] == rows + end
    assert terminal.pages >= 4 and [line for line in terminal.lines if "end-of-answer" not in line] == [long["line"]]


@pytest.mark.parametrize("key", [key for key in CASES if "save" in CASES[key]])
def test_a_save_is_one_when_the_device_says_so(key):
    save = CASES[key]["save"]
    assert save["line"] in PLATFORMS[key].save
    asks = {save["line"]: [question for question, _ in save.get("asks", ())]}
    found, terminal = opened(key, {save["line"]: save["says"]}, asks=asks)
    found.send(save["line"], changes=True, timeout=2)
    assert terminal.given == [answer for _, answer in save.get("asks", ())]


@pytest.mark.parametrize("key", [key for key in CASES if "fails" in CASES[key].get("save", ())])
def test_a_save_that_fails_is_none(key):
    save = CASES[key]["save"]
    asks = {save["line"]: [question for question, _ in save.get("asks", ())]}
    found, _ = opened(key, {save["line"]: save["fails"]}, asks=asks)
    with pytest.raises((CommandRejected, NotConfirmed)):
        found.send(save["line"], changes=True, timeout=2)


@pytest.mark.parametrize("key", NETMIKO)
def test_a_line_in_its_modes_is_taken_without_a_word(key):
    for config in {False, "config" in CASES[key]}:
        found, terminal = opened(key, {}, config=config)
        for line in ("one", "two", "three"):
            assert found.send(line, changes=True, timeout=2) == ""
        assert terminal.lines == ["one", "two", "three"]


@pytest.mark.parametrize("key", CASES)
def test_every_file_has_its_parts_and_names_its_documents(key):
    case = CASES[key]
    assert case["platform"] == key and case["sources"] and "long" in case
    assert len(case["refusals"]) >= 4 and case["notices"]
    assert sum(not one.get("made_up") for one in case["refusals"]) >= 2, "facts, beside messages in their manner"


def test_twenty_platforms_beside_our_own_are_documented():
    assert len(NETMIKO) >= 20
    assert {key for key, row in PLATFORMS.items() if not row.netmiko} <= set(CASES), "each of our own has its file"
