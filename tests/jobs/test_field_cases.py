"""Devices as people reported them, over real SSH: what reached the device, what was stored, and what is said of it.

The cases are data (`tests/field/cases.py`), played by `tests/field/devices.py` in a process of its own.
"""

import json
import random
import re
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest
from django.core.exceptions import ValidationError

from config.errors import Invalid
from devices.domain import configs
from devices.domain.secrets import Secret
from devices.models import Network
from devices.services import inventory, snapshots
from jobs.results.transcripts import with_maskers
from tests import make
from tests.field import runs
from tests.field.cases import CASES

pytestmark = pytest.mark.django_db
RUN = [case for case in CASES if case.flow == "run"]
LINES = [case for case in CASES if case.flow == "line"]


def started():
    """Start the devices below the ports that the system gives to others; return the process and the first port."""
    for _ in range(10):
        base = random.randrange(12_000, 32_000, 100)
        words = [sys.executable, "-m", "tests.field", "--port-base", str(base)]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        if any(line.strip() == "ready" for line in process.stdout):
            return process, base
        process.wait(10)
    raise AssertionError("The devices of the field cases found no free ports.")


@pytest.fixture(scope="module")
def field():
    """Play every case; `base` is the first port, `received(case)` what its device was given so far."""
    process, base = started()
    heard = []

    def read():
        for line in process.stdout:
            heard.append(json.loads(line))

    def received(case):
        ends = ("ended",) if case.right.got else ("ended", "connected")
        make.wait_until(lambda: any(r["case"] == case.name and r.get("event") in ends for r in list(heard)), 5)
        return [row for row in heard if row["case"] == case.name]

    threading.Thread(target=read, daemon=True).start()
    yield SimpleNamespace(base=base, received=received)
    process.terminate()
    process.wait(10)


def device_of(case, acme, field):
    secrets = {"password": Secret(case.password), "enable_password": Secret(case.enable)}
    credential = inventory.save_credential(
        by=None, tenant=acme, name=f"field {case.name}", username=case.user, secrets=secrets
    )
    return inventory.save_device(
        by=None,
        tenant=acme,
        name=f"field-{case.name}",
        address=f"10.201.0.{CASES.index(case) + 1}",
        connect_host="127.0.0.1",
        connect_port=field.base + CASES.index(case),
        platform=case.platform,
        network=Network.objects.filter(tenant=acme).first(),
        credential=credential,
    )


def template_of(case, acme):
    return runs.template(acme, f"Field {case.name}", case.platform, case.steps)


def told(row):
    return "\n".join([row.message, *(step.message for step in row.steps.all())])


def stored(snapshot):
    return snapshot.unsealed if snapshot else ""


def matches(patterns, text, where):
    for pattern in patterns:
        assert re.search(pattern, text), f"{where} lacks /{pattern}/:\n{text}"


def lacks(patterns, text, where):
    for pattern in patterns:
        assert not re.search(pattern, text), f"{where} holds /{pattern}/:\n{text}"


def check_received(case, rows):
    right, lines = case.right, [row["line"] for row in rows if "line" in row]
    at = 0
    for line in right.got:
        assert line in lines[at:], f"the device did not get {line!r} (in this order): {lines}"
        at = lines.index(line, at) + 1
    for pattern in right.never:
        assert not [line for line in lines if re.fullmatch(pattern, line)], f"it got /{pattern}/: {lines}"
    for line, most in right.at_most.items():
        assert lines.count(line) <= most, lines
    if right.logins is not None:
        given = [text for row in rows for text in ([row["password"]] if "password" in row else row.get("answers", []))]
        assert given == list(right.logins)
    assert not right.saved or any(row.get("event") == "saved" for row in rows)


def check_told(case, row):
    right, said = case.right, told(row)
    assert re.fullmatch(right.status, row.status), f"{row.status}: {said}"
    matches(right.says, said, "what is said")
    lacks(right.says_not, said, "what is said")
    answers = {}
    for step in with_maskers(row.steps.all()):
        for sent, answer, _ in step.exchanges:
            answers[sent] = answers.get(sent, "") + answer
    if row.status == "succeeded":
        for line, pattern in right.answers.items():
            matches([pattern], answers.get(configs.mask(line), ""), f"the answer to '{line}'")
    for line, pattern in right.answers_not.items():
        lacks([pattern], answers.get(line, ""), f"the answer to '{line}'")


def check_stored(case, row):
    right, before, after = case.right, row.snapshot_before, row.snapshot_after
    matches(right.before, stored(before), "the configuration before")
    matches(right.after, stored(after), "the configuration after")
    for snapshot in (before, after, row.startup_before, row.startup_after):
        lacks(right.stored_not, stored(snapshot), "a stored configuration")
    shown = []
    for old, new in ((before, after), (row.startup_before, row.startup_after)):
        if old and new:
            signs = {"add": "+", "del": "-"}
            shown += [f"{signs.get(kind, ' ')}{line}" for kind, line in snapshots.changes(old, new, row.platform)]
    text = "\n".join(shown)
    matches([f"(?m){pattern}" for pattern in right.diff], text, "the difference")
    lacks(right.diff_not, text, "the difference")


@pytest.mark.parametrize("case", RUN, ids=lambda case: case.name)
def test_a_reported_device_comes_out_right(case, acme, field):
    device = device_of(case, acme, field)
    _, run = make.job(make.user("acme-admin"), template_of(case, acme), [device], snapshots=case.snapshots)
    row = make.finish(run).device_runs.get()
    check_told(case, row)
    check_received(case, field.received(case))
    check_stored(case, row)


@pytest.mark.parametrize("case", LINES, ids=lambda case: case.name)
def test_a_line_on_which_a_terminal_acts_is_refused(case, acme, field):
    device = device_of(case, acme, field)
    try:
        _, run = make.job(make.user("acme-admin"), template_of(case, acme), [device])
    except (ValidationError, Invalid) as refused:
        assert re.search(r"TAB|\?|Ctrl-Z|U\+|character|SUB", str(refused)), refused
        return
    row = make.finish(run).device_runs.get()
    assert not row.steps.exists() or row.status != "succeeded", told(row)
    check_received(case, field.received(case))
