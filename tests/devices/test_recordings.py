"""Recordings of real devices are played back to a session, and what is written of one holds no secret."""

import json
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from devices.domain.errors import CommandRejected, DeviceError
from devices.domain.secrets import Login, Secret
from devices.drivers import reader as reading
from devices.drivers import session as sessions
from devices.drivers.netmiko_session import NetmikoSession
from devices.drivers.platforms import PLATFORMS
from devices.drivers.recording import FORMAT
from devices.drivers.session import Session
from devices.models import AuditEvent
from devices.services import recordings
from tests.field import runs
from tests.field.played import RECORDINGS, Player, Terminal

FILES = sorted(RECORDINGS.glob("*.json"))
CLEAR = "Tr0ub4dor-and-3"


def played(case, monkeypatch):
    """Play a recording; return what came of each line, as it is recorded."""
    assert case["format"] == FORMAT
    clock = SimpleNamespace(now=1000.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(reading, "time", clock)
    monkeypatch.setattr(sessions, "time", clock)
    player, platform = Player(case["events"], clock), PLATFORMS[case["platform"]]
    if case["name"]:
        connection = SimpleNamespace(base_prompt=case["name"], check_enable_mode=lambda: True)
        found = NetmikoSession(connection, player, platform, lambda: None)
    else:
        found = Session(player, platform)
    found.open(Login("u", Secret("p"), Secret(case["enable"])), changes=case["changes"])
    came = []
    for one in case["expected"]:
        try:
            answer, error = found.send(one["line"], changes=case["changes"]), ""
        except CommandRejected as refused:
            answer, error = refused.answer, refused.code
        except DeviceError as failed:
            answer, error = failed.message, failed.code
        came.append({"line": one["line"], "answer": answer, "error": error})
    assert found.base == case["prompt"]
    return came


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_recorded_device_comes_out_as_it_should(path, monkeypatch):
    case = json.loads(path.read_text())
    assert case["what"], "Say what it shows."
    assert played(case, monkeypatch) == case["expected"]


def test_there_are_recordings():
    assert {json.loads(path.read_text())["platform"] for path in FILES} >= {"cisco_ios", "cisco_xe", "linux"}


class Dribble(Terminal):
    """Sends everything in pieces of three signs: a secret is never in one."""

    def recv(self, timeout):
        if not getattr(self, "left", b""):
            self.left = super().recv(timeout)
        found, self.left = self.left[:3], self.left[3:]
        return found


@pytest.fixture
def recorded(acme, monkeypatch, tmp_path):
    """Return what records a device of the inventory that answers like this; and the device."""
    device = runs.device(acme, 22, "cisco_ios", "ops", CLEAR)

    def made(says, *lines, **options):
        session = Session(Dribble("sw1#", says), PLATFORMS["cisco_ios"])
        monkeypatch.setattr(recordings, "open_session", lambda *given: session)
        target = tmp_path / "case.json"
        call_command("record_session", *lines, to=target, device=str(device.pk), **options)
        return target.read_text()

    return SimpleNamespace(made=made, device=device)


SAYS = {
    "show running-config": f"hostname sw1\nusername ops password 0 hunter2hunter\nbanner {CLEAR}\n"
    "snmp-server community s3cr3t-c0mm RO\nend",
    "show version": "% Invalid input detected at '^' marker.",
}


def test_what_is_written_holds_no_secret_and_is_played_back(recorded, monkeypatch):
    text = recorded.made(SAYS, "show running-config", "show version")
    case = json.loads(text)
    whole = "".join(piece for _, kind, piece in case["events"] if kind == "got") + json.dumps(case["expected"])
    for secret in (CLEAR, "hunter2hunter", "s3cr3t-c0mm"):
        assert secret not in text and secret not in whole
        assert whole.count("x" * len(secret)) >= 2, "blanked, of the same length"
    assert [one["error"] for one in case["expected"]] == ["", CommandRejected.code]
    assert played(case, monkeypatch) == case["expected"]
    assert AuditEvent.objects.filter(tenant=recorded.device.tenant, action="device.recorded").exists()


def test_what_may_change_a_device_of_the_inventory_is_not_recorded(recorded):
    for options in ({}, {"may_change": True}):
        with pytest.raises(CommandError, match="may change|is a job"):
            recorded.made(SAYS, "reload", **options)


def test_a_recording_that_no_longer_comes_out_is_noticed(recorded, monkeypatch):
    case = json.loads(recorded.made(SAYS, "show version"))
    case["events"] = [[at, kind, text.replace("%", "!")] for at, kind, text in case["events"]]
    assert played(case, monkeypatch) != case["expected"]
