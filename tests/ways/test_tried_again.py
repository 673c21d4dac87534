"""Which errors may be tried again, each by name: only those before anything was sent."""

import pytest

from devices.domain import errors
from devices.domain.errors import DeviceError

#: Each class, and whether the way to a device may be tried again after it, as long as nothing was sent.
MAY = {
    "DeviceError": False,
    "Unreachable": True,
    "BoxTaken": True,
    "CodesTaken": True,
    "TargetDenied": False,
    "HostKeyChanged": False,
    "NotSpoken": False,
    "AlgorithmsRefused": False,
    "LoginRefused": False,
    "JumpLoginRefused": False,
    "ForwardingRefused": False,
    "EnableRefused": False,
    "NotOneLine": False,
    "PromptTimeout": False,
    "QuestionRepeated": False,
    "EchoMissing": False,
    "SessionLost": False,
    "NotBack": False,
    "OutputTooLarge": False,
    "CommandRejected": False,
    "NotWhole": False,
    "NotConfirmed": False,
    "LateRefusal": False,
}


def classes(base=DeviceError):
    return {base} | {found for one in base.__subclasses__() for found in classes(one)}


def test_each_error_says_whether_it_may_be_tried_again():
    found = {one.__name__: one.retryable for one in classes() if one.__module__ == errors.__name__}
    assert found == MAY
    assert len({one.code for one in classes()}) >= len(MAY) - 4, "most have a word of their own"


def made(name):
    kind = getattr(errors, name)
    more = {"NotConfirmed": {"saves": False}}.get(name, {})
    given = {
        "BoxTaken": ("x", 1),
        "CommandRejected": ("l", "a"),
        "NotWhole": ("l", "a"),
        "NotConfirmed": ("l", "a"),
        "LateRefusal": ("l", "a", "late"),
    }.get(name, ("Nothing was sent.",))
    return kind(*given, **more)


@pytest.mark.django_db
@pytest.mark.parametrize("name", MAY)
@pytest.mark.parametrize("touched", [False, True])
@pytest.mark.parametrize("over_jump_hosts", [False, True])
def test_a_device_run_is_tried_again_only_before_anything_was_sent(name, touched, over_jump_hosts, monkeypatch):
    from types import SimpleNamespace

    from jobs.worker import executor

    error = made(name)

    def run():
        raise error

    journal = SimpleNamespace(touched=touched, lost=False, words=lambda text: text)
    via = (object(),) if over_jump_hosts else ()
    item = SimpleNamespace(device_run=SimpleNamespace(pk=1), plan=SimpleNamespace(via=via))
    result, again = executor._run(SimpleNamespace(journal=journal, item=item, run=run))
    assert again == (MAY[name] and not touched)
    assert result.reason == error.code


@pytest.mark.parametrize("what", ["the jump host", "the device behind it"])
@pytest.mark.django_db
def test_what_is_not_there_is_tried_three_times_and_a_refused_login_once(what, tmp_path, tenant, person, wakeups):
    from devices.models import Device
    from tests import make
    from tests.ways.servers import Box, served
    from tests.ways.test_jobs_over_jump_hosts import new_jump

    acme = tenant("acme")
    device = make.devices(acme, "linux")[0]
    with served(Box()) as (box,):
        jump = new_jump(acme, None if what == "the jump host" else box, host="127.0.0.1")
        if what == "the jump host":
            type(jump).objects.filter(pk=jump.pk).update(port=1)
        Device.objects.filter(pk=device.pk).update(connect_host="127.0.0.1", connect_port=1, jump_host=jump)
        run = make.job(person("acme-operator"), make.template(acme), [device])[1]
        row = make.finish(run).device_runs.get()
        assert (row.reason, row.tries) == ("unreachable", 2) and "dc1-bastion" in row.message
        assert box.connections == (0 if what == "the jump host" else 3)
        box.password = "other"
        Device.objects.filter(pk=device.pk).update(connect_port=box.port)
        type(jump).objects.filter(pk=jump.pk).update(port=box.port)
        before = len(box.answers)
        run = make.job(person("acme-operator"), make.template(acme), [device])[1]
        row = make.finish(run).device_runs.get()
        assert (row.reason, row.tries, len(box.answers) - before) == ("jump_login_refused", 0, 1)
