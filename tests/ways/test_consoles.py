"""A serial line behind a console server: nothing comes until Enter, and then whatever it was left in."""

import time

import pytest

from devices.domain.errors import LoginRefused, PromptTimeout
from devices.domain.secrets import Login, Secret
from devices.domain.targets import Reach
from devices.drivers.console import ConsoleSession
from devices.drivers.conversation import open_session
from devices.drivers.handshake import Endpoint
from devices.drivers.platforms import PLATFORMS
from devices.services import inventory
from tests import make
from tests.ways.servers import Box, served

HERE = Reach(allowed=("127.0.0.0/8",))


class Line(Box):
    """A router on a serial line; its state outlives connections."""

    user, secret = "ops", "pw"

    def __init__(self, state="login", asks_name=True, name="rtr-a"):
        super().__init__()
        self.state, self.asks_name, self.name, self.given = state, asks_name, name, ""
        self.config, self.saved, self.passwords = [], [], []

    def prompt_of(self):
        return {
            "login": "Username: " if self.asks_name else "Password: ",
            "password": "Password: ",
            "user": f"{self.name}>",
            "exec": f"{self.name}#",
            "config": f"{self.name}(config)#",
            "if": f"{self.name}(config-if)#",
            "pager": " --More-- ",
            "idle": "",
            "uncommitted": "Uncommitted changes found, commit them before exiting(yes/no/cancel)? [cancel]:",
        }[self.state]

    def take(self, line):
        """Return what is said to a line."""
        self.lines.append((self.state, line))
        if self.state == "idle":
            self.state = "login"
            return ""
        if self.state == "login" and self.asks_name:
            self.given, self.state = line, "password" if line else "login"
            return ""
        if self.state in ("password", "login"):
            self.passwords.append(line)
            if self.state == "password" and not line and self.passwords.count("") == 1:
                return ""  # it asks once more for the same name
            right = line == self.secret and (not self.asks_name or self.given == self.user)
            self.state = "exec" if right else "login"
            return "" if right or not line else "% Login invalid\r\n\r\n"
        if self.state == "uncommitted":
            self.state = "exec"
            self.saved += self.config if line == "yes" else []
            return ""
        if line == "configure terminal":
            self.state = "config"
        elif line == "end":
            self.state = "exec"
        elif line == "exit" and self.state == "exec":
            self.state = "idle"
            return f"\r\n{self.name} con0 is now available\r\n\r\nPress RETURN to get started.\r\n"
        elif line == "exit":
            self.state = "config" if self.state == "if" else "exec"
        elif self.state in ("config", "if") and line:
            self.config.append(line)
        elif line == "show version":
            return "Cisco IOS Software, Version 15.2\r\n"
        elif line.startswith("show running"):
            return f"hostname {self.name}\r\n" + "".join(f"{one}\r\n" for one in self.config) + "end\r\n"
        elif line == "write memory":
            self.saved = list(self.config)
            return "[OK]\r\n"
        return ""

    async def shell(self, process):
        out, line = process.stdout, ""
        while char := await process.stdin.read(1):
            if self.state == "pager":
                self.lines.append(("pager", char))
                self.state = "exec" if char == "q" else "pager"
                out.write("\r\n" + self.prompt_of())
            elif char in "\r\n":
                said = self.take(line)
                line = ""
                out.write(f"\r\n{said}{self.prompt_of()}")
            else:
                line += char
                if self.state != "password":
                    out.write(char)


def shell(box, process):
    return box.shell(process)


def opened(line, password="pw"):
    login = Login("ops", Secret(password))
    where = Endpoint(host="127.0.0.1", port=line.port, reach=HERE, console=True)
    session = open_session(where, Login("ops", Secret("pw")), [].append, PLATFORMS["cisco_ios"])
    try:
        session.open(login)
    except BaseException:
        session.close()
        raise
    return session


STATES = ["login", "idle", "password", "exec", "config", "if", "pager", "uncommitted"]


@pytest.mark.parametrize("state", STATES)
def test_whatever_the_line_was_left_in_a_session_begins_and_ends(state):
    line = Line(state)
    with served(line, shell=shell):
        session = opened(line)
        assert isinstance(session, ConsoleSession) and "15.2" in session.send("show version")
        session.log_out()
        session.close()
        deadline = time.monotonic() + 3
        while line.state != "idle" and time.monotonic() < deadline:
            time.sleep(0.05)
    assert line.state == "idle", "logged out"
    assert not line.saved, "nothing of what somebody had begun was kept"
    if state in ("login", "idle"):
        assert line.passwords == ["pw"]
    if state == "password":
        assert line.passwords == ["", "", "pw"], "the password is not given for a name that somebody else typed"
    if state in ("config", "if"):
        assert (state, "end") in line.lines


def test_a_line_that_asks_for_no_name():
    line = Line(asks_name=False)
    with served(line, shell=shell):
        session = opened(line)
        session.close()
    assert line.passwords == ["", "", "pw"] or line.passwords == ["", "pw"]


def test_a_refused_login_is_tried_once():
    line = Line()
    with served(line, shell=shell), pytest.raises(LoginRefused, match="on its console line"):
        opened(line, "wrong")
    assert line.passwords == ["wrong"]


def test_a_line_that_never_answers(monkeypatch):
    monkeypatch.setattr("devices.drivers.console.MOST_ROUNDS", 2)
    monkeypatch.setattr("devices.drivers.console.SILENCE", 0.2)
    line = Line()

    async def silent(box, process):
        await process.stdin.read()

    with served(line, shell=silent), pytest.raises(PromptTimeout, match="came to no prompt"):
        opened(line)


def test_what_is_not_at_a_prompt_is_left_alone():
    line = Line("exec")
    with served(line, shell=shell):
        session = opened(line)
        session._is_at_prompt = False
        session.log_out()
        session.close()
        time.sleep(0.3)
    assert ("exec", "exit") not in line.lines


@pytest.mark.django_db
def test_a_change_on_a_line_in_a_job(tenant, person, wakeups):
    acme, line = tenant("acme"), Line("config")
    line.config = ["hostname somebody-elses"]
    device = make.devices(acme, "cisco_ios")[0]
    with served(line, shell=shell):
        inventory.save_device(
            by=None,
            tenant=acme,
            instance=device,
            connect_host="127.0.0.1",
            connect_port=line.port,
            console=True,
            credential=inventory.save_credential(
                by=None, tenant=acme, name="Console", username="ops", secrets={"password": Secret("pw")}
            ),
        )
        change = make.template(acme, "Set NTP server")
        variables = {"ntp_server": "198.51.100.7"}
        run = make.job(person("acme-admin"), change, [device], variables=variables)[1]
        row = make.finish(run).device_runs.get()
        time.sleep(0.3)
    assert row.status == "succeeded", row.message
    assert "ntp server 198.51.100.7" in line.config and line.state == "idle"
    assert row.plan_data["console"] is True


@pytest.mark.django_db
def test_a_platform_without_a_line_says_so(tenant, person, wakeups):
    acme = tenant("acme")
    device = make.devices(acme, "linux")[0]
    inventory.save_device(by=None, tenant=acme, instance=device, platform="windows", console=True)
    template = make.new_template(acme, {"windows": "hostname"}, name="Any")
    run = make.job(person("acme-operator"), template, [device])[1]
    assert "console port is not known" in run.device_runs.get().message
