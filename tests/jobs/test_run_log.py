"""Runs on simulated devices as the server log tells them: what happened, in order, and nothing a device said."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from approvals import services as approvals
from approvals.domain import Action
from devices.channels.email import EMAIL
from devices.domain.secrets import Secret
from devices.models import Device, OutboxMessage, Worker
from devices.services import channels, delivery
from jobs import control
from jobs.dispatch import approval_gate
from jobs.domain.misfire import MisfirePolicy
from jobs.domain.spec import TriggerKind, TriggerSpec
from jobs.models import DeviceRun, StepResult
from jobs.worker import claims, completion, device_session, executor, leases, recovery
from jobs.worker.journal import Journal
from templates_app.domain.content import RuntimeVariable, StepKind, TemplateContent, TemplateStep, VariableType
from templates_app.services import authoring
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("committed")]


@pytest.fixture
def acme(tmp_path, tenant, wakeups):
    with make.fleet(tmp_path, "acme") as (faults, _):
        yield tenant("acme"), faults


@pytest.fixture(autouse=True)
def each_begin(caplog):
    """The lines that only somebody who looks for a fault wants are written, too."""
    caplog.set_level("DEBUG", "jobs.worker.claims")


def test_a_device_that_begins_is_a_line_for_those_who_look_for_a_fault_only(acme, person, log_lines, caplog):
    """A line for each of a thousand devices would be half a percent of the work."""
    caplog.set_level("INFO", "jobs.worker.claims")
    _, run = make.job(person("acme-operator"), make.template(acme[0]), make.devices(acme[0], "linux"))
    make.finish(run)
    assert of(log_lines, "device_run.ended", run=run.pk) and not of(log_lines, "device_run.started")


def story(lines, run):
    """What the log says of a run: each action with the device's name, if it is about one."""
    return [(line["action"], line.get("device")) for line in lines if line.get("run") == run.pk]


def of(lines, action, **fields):
    return [line for line in lines if line["action"] == action and fields.items() <= line.items()]


def test_a_run_can_be_followed_by_its_id(acme, person, log_lines):
    tenant, faults = acme
    devices = make.devices(tenant, "arista_eos", "cisco_ios", "linux", "juniper_junos")
    good, wrong, gone, other = (device.name for device in devices)
    faults(**{good: {"reset_once": "show version"}, wrong: {"password": "something else"}})
    Device.objects.filter(name=gone).update(connect_port=9)
    _, run = make.job(person("acme-operator"), make.template(tenant), devices, snapshots=False)
    make.job(person("acme-operator"), make.template(tenant), devices[:1])
    make.finish(run)
    told = story(log_lines, run)
    assert told[:2] == [("run.planned", None), ("run.started", None)] and told[-1] == ("run.completed", None)
    again = [("device_run.started", gone), ("device_run.retried", gone)]
    expected = {
        good: [("device_run.started", good), ("credential.proven", good), ("connection.lost", good)],
        wrong: [("device_run.started", wrong)],
        gone: [*again, *again, again[0]],
        other: [("device_run.started", other)],
    }
    for name in (good, wrong, other):
        expected[name].append(("host_key.pinned", name))
    for name, lines in expected.items():
        assert [pair for pair in told if pair[1] == name] == [*lines, ("device_run.ended", name)]
    (ended,) = of(log_lines, "device_run.ended", device=wrong)
    assert (ended["tenant"], ended["status"], ended["reason"]) == ("acme", "failed", "login_refused")
    assert ended["device_run"] == run.device_runs.get(device_name=wrong).pk
    assert ended["seconds"] > 0 and (ended["commands"], ended["planned"]) == (0, 1)
    (over,) = of(log_lines, "run.completed", run=run.pk)
    assert over["status"] == "partial" and f"unreachable: {gone}" in over["reason"] and over["seconds"] > 0
    (planned,) = of(log_lines, "run.planned", run=run.pk)
    assert (planned["by"], planned["devices"], planned["job"]) == ("acme-operator", 4, str(run.job_id))


def test_people_who_stop_a_run_are_named(acme, person, log_lines):
    tenant, _ = acme
    devices = make.devices(tenant, "cisco_ios", "linux")
    _, run = make.job(person("acme-operator"), make.template(tenant), devices, max_parallel=1)
    (claimed,) = claims.claim(worker=make.worker(), now=timezone.now(), limit=1, only=run.pk)
    control.cancel_run(by=person("acme-admin"), run=run, now=timezone.now())
    journal = Journal(claimed.device_run, claimed.plan.commands)
    leases.notice_cancels({claimed.device_run.pk: journal})
    executor.store([executor.execute(claimed, journal)])
    completion.complete([run.pk])
    actions = [action for action, _ in story(log_lines, run)]
    assert actions == [
        "run.planned",
        "run.started",
        "device_run.started",
        "run.unbegun_ended",
        "run.cancelled",
        "device_run.ended",
        "run.completed",
    ]
    assert of(log_lines, "run.cancelled", by="acme-admin", tenant="acme", run=run.pk)
    assert of(log_lines, "device_run.ended", status="cancelled") and of(log_lines, "run.completed", status="cancelled")


def test_a_run_that_does_not_run_says_why(acme, person, log_lines):
    tenant, _ = acme
    device = make.devices(tenant, "linux")
    job, first = make.job(person("acme-operator"), make.template(tenant), device, overlap="queue")
    again = control.starter.run_now(by=person("acme-operator"), job=job, now=timezone.now())
    assert story(log_lines, again) == [("run.waiting", None)]
    make.finish(first)
    assert story(log_lines, again)[-1] == ("run.released", None)
    type(job).objects.filter(pk=job.pk).update(enabled=False)
    control.starter.start_queued()
    assert of(log_lines, "run.skipped", run=again.pk, reason="The job is switched off (Job Status).")


def test_an_approval_is_told_with_who_decided(acme, person, log_lines):
    tenant, _ = acme
    device = make.devices(tenant, "linux")
    values = {"ntp_server": "198.51.100.7"}
    job, _ = make.job(person("acme-operator"), make.template(tenant, "Set NTP server"), device, variables=values)
    approval_gate.request(by=person("acme-operator"), job=job, message="Please.", now=timezone.now())
    asked = job.approval
    given = {"action": Action.APPROVE, "message": "I read it.", "digest": asked.digest, "late": "now"}
    asked = approvals.decide(by=person("acme-approver-1"), request=asked, now=timezone.now(), **given)
    assert of(log_lines, "approval.requested", by="acme-operator", about=f"/jobs/{job.pk}/", tenant="acme")
    assert of(log_lines, "approval.approved", by="acme-approver-1", approval=asked.pk)
    approvals.close(by=None, request=asked, message="x", now=timezone.now(), action=Action.VOID)
    assert of(log_lines, "approval.voided", by="system", approval=asked.pk)
    assert "I read it." not in str(log_lines) and "Please." not in str(log_lines)


def test_who_loses_a_device_run_and_who_ends_it_say_so(acme, person, log_lines):
    tenant, _ = acme
    device = make.devices(tenant, "cisco_ios")
    _, run = make.job(person("acme-operator"), make.template(tenant), device)
    (claimed,) = claims.claim(worker=make.worker(), now=timezone.now(), limit=1, only=run.pk)
    journal = Journal(claimed.device_run, claimed.plan.commands)
    leases.lose(journal)
    Worker.objects.update(pid=999_999_999)  # its process is gone
    recovery.Reaper().look(now=timezone.now() + timedelta(minutes=5))
    executor.store([executor.execute(claimed, journal)])
    actions = [action for action, _ in story(log_lines, run)]
    assert actions[3:] == ["lease.lost", "device_run.interrupted", "run.completed", "device_run.lost"]


def test_messages_about_a_run_lead_back_to_it(acme, person, log_lines, monkeypatch):
    tenant, _ = acme
    admin = person("acme-admin")
    type(admin).objects.filter(pk=admin.pk).update(email="acme-admin@acme.example")
    save = {"host": "127.0.0.1", "port": 9, "security": "none", "sender": "interlock@acme.example"}
    channels.save_channel(by=admin, tenant=tenant, channel=EMAIL, secrets={"password": None}, **save)
    _, run = make.job(admin, make.template(tenant), make.devices(tenant, "linux"), notify_users=(admin.pk,))
    delivery.deliver(now=timezone.now())
    assert of(log_lines, "message.postponed", about=f"run:{run.pk}:executed", channel="mail", tries=1, tenant="acme")
    monkeypatch.setattr(channels, "sending", lambda message, words: channels.Sending(("mail", 1), lambda: None))
    OutboxMessage.objects.update(next_at=timezone.now())
    delivery.deliver(now=timezone.now())
    assert of(log_lines, "message.delivered", about=f"run:{run.pk}:executed")
    assert "acme-admin@acme.example" not in str(of(log_lines, "message.delivered"))


def test_no_line_holds_what_a_device_said_or_what_it_is_told_in_secret(acme, person, log_lines, caplog):
    tenant, faults = acme
    caplog.set_level("DEBUG")
    devices = make.devices(tenant, "cisco_ios", "linux", "arista_eos")
    content = TemplateContent(
        (
            TemplateStep(
                name="Say",
                kind=StepKind.EXEC,
                commands={"linux": "echo {{ phrase }}", "cisco_ios": "show running-config"},
            ),
            TemplateStep(name="Break", kind=StepKind.EXEC, commands={"*": "show version"}),
        ),
        (RuntimeVariable(name="phrase", type=VariableType.SECRET),),
    )
    faults(**{devices[2].name: {"reject": "show version"}})
    save = {"by": None, "tenant": tenant, "description": "", "status": "ready", "content": content}
    template = authoring.save_template(name="Secret", **save)
    phrase = {"phrase": Secret("correct-horse")}
    _, run = make.job(person("acme-admin"), template, devices, snapshots=True, secret_variables=phrase)
    make.finish(run)
    heard = {line.strip() for step in StepResult.objects.all() for line in make.shown(step).output.splitlines()}
    rejected = DeviceRun.objects.get(run=run, device=devices[2]).message
    wanted = [line for line in (*heard, *rejected.splitlines()) if len(line) > 12]
    assert len(wanted) > 40 and of(log_lines, "device_run.ended", run=run.pk)
    text = str(log_lines) + caplog.text
    assert [line for line in wanted if line in text] == []
    assert not [word for word in ("correct-horse", "demo-login", "demo-enable", "public-ro") if word in text]


def test_a_defect_in_a_conversation_is_told_without_its_words(acme, person, log_lines, monkeypatch):
    tenant, _ = acme

    answer = "snmp-server community public-ro RO"

    def broken(*given):
        raise ValueError(answer)

    monkeypatch.setattr(device_session, "run_steps", broken)
    _, run = make.job(person("acme-operator"), make.template(tenant), make.devices(tenant, "linux"))
    assert make.finish(run).status == "errored"
    (line,) = of(log_lines, "device_run.errored", run=run.pk, tenant="acme")
    assert "in broken" in line["error"] and "ValueError" in line["error"] and "public-ro" not in str(log_lines)


def test_the_tick_says_how_many_runs_it_made_and_how_many_of_them_do_not_run(acme, person, log_lines):
    tenant, _ = acme
    rule = {"kind": "daily", "time_zone": "UTC", "start_at": "2027-03-26T02:30:00"}
    nightly = (
        TriggerSpec(kind=TriggerKind.DAILY, name="Nightly", rule=rule, missed=MisfirePolicy.SKIP, grace_minutes=5),
    )
    make.job(person("acme-operator"), make.template(tenant), make.devices(tenant, "linux"), triggers=nightly)
    make.tick(datetime(2027, 3, 28, 2, 31, tzinfo=UTC))
    (line,) = of(log_lines, "tick.dispatched")
    assert (line["runs"], line["skipped"]) == (3, 2), "two nights were missed"
