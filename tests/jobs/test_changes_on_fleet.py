"""Changes on simulated devices that confirm themselves, restart, break off, are not saved, or are resumed."""

import time

import pytest

from config.errors import Conflict
from jobs import control
from jobs.models import JobRun, ServiceJob
from templates_app.domain.content import StepKind, TemplateContent, TemplateStep
from templates_app.services import authoring
from tests import make

pytestmark = pytest.mark.django_db
NTP = {
    "cisco_ios": "ntp server 198.51.100.9",
    "arista_eos": "ntp server 198.51.100.9",
    "juniper_junos": "set system ntp server 198.51.100.9",
}
RELOAD = {"cisco_ios": "reload", "arista_eos": "reload"}


@pytest.fixture
def acme(tmp_path, tenant, wakeups, settings):
    settings.RESTART_PAUSE, settings.LOOK_AGAIN_SECONDS = 0.3, 3.0
    with make.fleet(tmp_path, "acme") as (faults, executed):
        yield tenant("acme"), faults, executed


def steps(tenant, *found, name="Made for a test"):
    return authoring.save_template(
        by=None, tenant=tenant, name=name, description="", status="ready", content=TemplateContent(tuple(found))
    )


def run_job(person, template, devices, **changes):
    _, run = make.job(person("acme-admin"), template, devices, **changes)
    return make.finish(run)


def sent(executed, device):
    skipped = ("enable", "terminal", "set cli", "show running", "show startup", "show configuration")
    return [line for line in executed(device) if not line.startswith(skipped)]


def again(person, run, which):
    by, reason = person("acme-admin"), "It was the cable."
    return make.finish(control.bypass_again(by=by, run=run, which=which, reason=reason, now=run.ended_at))


@pytest.mark.parametrize(
    "platform,begins,ends",
    [
        ("cisco_ios", ["configure terminal revert timer 1"], ["end", "configure confirm", "write memory"]),
        (
            "arista_eos",
            ["configure session interlock"],
            ["commit timer 00:01:00", "configure session interlock commit", "write memory"],
        ),
        (
            "juniper_junos",
            ["configure exclusive"],
            ["commit confirmed 1", "exit", "configure exclusive", "commit", "exit"],
        ),
    ],
)
def test_a_guarded_change_is_confirmed_over_a_new_connection(acme, person, platform, begins, ends):
    tenant, faults, executed = acme
    device = make.devices(tenant, platform)[0]
    faults(**{device.name: {"minute": 1.0}})
    guarded = steps(tenant, TemplateStep(name="NTP", kind=StepKind.CONFIG, commands=NTP, save=True, guard=1))
    before = executed.state(device).sessions
    run = run_job(person, guarded, [device], snapshots=False)
    assert run.status == "succeeded", run.device_runs.get().message
    assert sent(executed, device) == [*begins, NTP[platform], *ends]
    assert executed.state(device).sessions == before + 2, "the confirmation has a connection of its own"
    time.sleep(1.3)
    assert any(NTP[platform] in line for line in executed.state(device).running), "it stays"


@pytest.mark.parametrize("platform,asked", [("cisco_ios", "configure confirm"), ("juniper_junos", "^commit$")])
def test_a_guarded_change_that_nobody_can_confirm_is_taken_back(acme, person, platform, asked):
    tenant, faults, executed = acme
    device = make.devices(tenant, platform)[0]
    faults(**{device.name: {"minute": 2.0, "hang": asked}})
    guarded = steps(tenant, TemplateStep(name="NTP", kind=StepKind.CONFIG, commands=NTP, guard=1, timeout=1))
    before = list(executed.state(device).running)
    run = run_job(person, guarded, [device], snapshots=False)
    row = run.device_runs.get()
    assert row.status != "succeeded" and "takes it back by itself within 1 minutes" in row.message, row.message
    make.wait_until(lambda: executed.state(device).running == before, seconds=10)


def test_a_platform_that_cannot_take_a_change_back_is_refused_before_anything_is_sent(acme, person):
    tenant, _, executed = acme
    device = make.devices(tenant, "linux")[0]
    guarded = steps(tenant, TemplateStep(name="Guarded", kind=StepKind.CONFIG, commands={"linux": "true"}, guard=5))
    run = run_job(person, guarded, [device])
    assert run.status == "failed" and "cannot take a change back" in run.device_runs.get().message
    assert executed(device) == []


def test_a_device_restarts_and_the_next_step_waits_for_it(acme, person):
    tenant, _, executed = acme
    device = make.devices(tenant, "cisco_ios")[0]
    restart = TemplateStep(
        name="Restart", kind=StepKind.EXEC, commands=RELOAD, answers=(("[confirm]", ""),), restarts=True
    )
    template = steps(
        tenant, restart, TemplateStep(name="Version", kind=StepKind.READ, commands={"cisco_ios": "show version"})
    )
    began = time.monotonic()
    run = run_job(person, template, [device], snapshots=True)
    row = run.device_runs.get()
    assert (run.status, row.message) == ("succeeded", ""), row.message
    assert sent(executed, device) == ["reload", "show version"] and time.monotonic() - began > 2.5
    assert (row.intended, row.confirmed) == (len(row.plan.commands),) * 2
    restarted = row.steps.get(name="Restart")
    assert restarted.status == "succeeded" and "ended, as the step expects" in make.shown(restarted).output
    assert row.snapshot_after.unsealed and row.startup_after.unsealed


def test_a_device_that_does_not_come_back_fails(acme, person, settings):
    settings.RESTART_MINUTES = 0.01
    tenant, faults, executed = acme
    device = make.devices(tenant, "cisco_ios")[0]
    faults(**{device.name: {"reboot": "reload", "down": 30}})
    template = steps(tenant, TemplateStep(name="Restart", kind=StepKind.EXEC, commands=RELOAD, restarts=True))
    row = run_job(person, template, [device], snapshots=False).device_runs.get()
    assert (row.status, row.reason) == ("failed", "not_back") and "did not come back within 0.01 minutes" in row.message
    assert sent(executed, device) == ["reload"]


def test_a_device_that_does_not_restart_is_said(acme, person):
    tenant, _, executed = acme
    device = make.devices(tenant, "cisco_ios")[0]
    template = steps(
        tenant,
        TemplateStep(name="Restart", kind=StepKind.EXEC, commands={"*": "write memory"}, timeout=1, restarts=True),
    )
    row = run_job(person, template, [device], snapshots=False).device_runs.get()
    assert (row.status, row.reason) == ("failed", "not_restarted") and "still open" in row.message


def test_after_a_break_within_a_change_the_device_is_read_and_nothing_else_is_sent(acme, person):
    tenant, faults, executed = acme
    device = make.devices(tenant, "cisco_ios")[0]
    faults(**{device.name: {"reset_once": "logging host"}})
    lines = "ntp server 198.51.100.9\nno ntp server 203.0.113.1\nlogging host 198.51.100.7\nip domain name example"
    template = steps(tenant, TemplateStep(name="Change", kind=StepKind.CONFIG, commands={"*": lines}))
    row = run_job(person, template, [device], snapshots=False).device_runs.get()
    assert (row.status, row.reason) == ("interrupted", "session_lost")
    assert "Read afterwards: all lines sent so far (3) are in the running configuration." in row.message
    assert "ntp server 198.51.100.9" in row.snapshot_after.unsealed
    assert sent(executed, device) == ["configure terminal", *lines.splitlines()[:3]]


def test_the_lines_of_a_guard_are_not_looked_for_after_a_break(acme, person):
    tenant, faults, _ = acme
    device = make.devices(tenant, "cisco_ios")[0]
    faults(**{device.name: {"reset_once": "ntp server"}})
    guarded = steps(tenant, TemplateStep(name="NTP", kind=StepKind.CONFIG, commands=NTP, guard=5))
    row = run_job(person, guarded, [device], snapshots=False).device_runs.get()
    assert "all lines sent so far (1) are in the running configuration" in row.message
    assert "takes it back by itself within 5 minutes" in row.message


def test_what_is_not_there_after_a_break_is_named(acme, person):
    tenant, faults, executed = acme
    device = make.devices(tenant, "juniper_junos")[0]
    faults(**{device.name: {"reset_once": "logging|syslog"}})
    lines = "set system ntp server 198.51.100.9\nset system syslog host 198.51.100.7 any any"
    template = steps(tenant, TemplateStep(name="Change", kind=StepKind.CONFIG, commands={"juniper_junos": lines}))
    row = run_job(person, template, [device], snapshots=False).device_runs.get()
    first = lines.splitlines()[0]
    assert f"of the lines sent so far (2), 0 are in the running configuration; not there: '{first}'" in row.message


def test_a_change_that_is_not_saved_is_said(acme, person):
    tenant, _, executed = acme
    device = make.devices(tenant, "cisco_ios")[0]
    template = steps(tenant, TemplateStep(name="Change", kind=StepKind.CONFIG, commands=NTP))
    row = run_job(person, template, [device], snapshots=True).device_runs.get()
    assert row.status == "succeeded" and "not in the startup configuration" in row.message
    assert (row.startup_before.kind, row.startup_before.unsealed) == ("startup", row.startup_after.unsealed)
    saving = steps(
        tenant,
        TemplateStep(name="Change", kind=StepKind.CONFIG, commands={"*": "ntp server 198.51.100.8"}, save=True),
        name="Saves",
    )
    row = run_job(person, saving, [device], snapshots=True).device_runs.get()
    assert (row.status, row.message) == ("succeeded", "")
    assert "198.51.100.8" in row.startup_after.unsealed and "198.51.100.8" not in row.startup_before.unsealed


def two_steps(tenant, resumable=True):
    second = TemplateStep(
        name="Second", kind=StepKind.CONFIG, commands={"*": "logging host {{ host }}"}, resumable=resumable
    )
    from templates_app.domain.content import RuntimeVariable

    content = TemplateContent(
        (TemplateStep(name="First", kind=StepKind.CONFIG, commands=NTP), second),
        (RuntimeVariable(name="host"),),
        ("cisco_ios", "arista_eos"),
    )
    return authoring.save_template(
        by=None, tenant=tenant, name="Two steps", description="", status="ready", content=content
    )


def test_a_run_is_resumed_at_the_step_that_failed(acme, person):
    tenant, faults, executed = acme
    bad, good = make.devices(tenant, "cisco_ios", "arista_eos")
    faults(**{bad.name: {"reject": "logging host"}})
    run = run_job(person, two_steps(tenant), [bad, good], variables={"host": "198.51.100.7"}, snapshots=True)
    assert run.status == "partial" and control.places_to_resume(run) == {str(bad.pk): 3}
    faults()
    done = len(sent(executed, bad))
    resumed = again(person, run, "resume")
    assert (resumed.status, resumed.parent, resumed.device_count) == ("succeeded", run, 1)
    assert sent(executed, bad)[done:] == ["configure terminal", "logging host 198.51.100.7", "end"]
    row = resumed.device_runs.get()
    assert row.steps.get(name="First").message == f"Done in run {run.pk}."
    assert "logging host 198.51.100.7" in row.snapshot_after.unsealed


def test_a_run_is_resumed_only_where_the_template_says_so(acme, person):
    tenant, faults, _ = acme
    device = make.devices(tenant, "cisco_ios")[0]
    faults(**{device.name: {"reject": "logging host"}})
    run = run_job(person, two_steps(tenant, resumable=False), [device], variables={"host": "198.51.100.7"})
    with pytest.raises(Conflict, match="marked as resumable"):
        again(person, run, "resume")


def test_a_first_step_is_no_place_to_resume_at(acme, person):
    tenant, faults, _ = acme
    device = make.devices(tenant, "cisco_ios")[0]
    faults(**{device.name: {"reject": "ntp"}})
    template = steps(tenant, TemplateStep(name="NTP", kind=StepKind.CONFIG, commands=NTP, resumable=True))
    assert control.places_to_resume(run_job(person, template, [device])) == {}


def test_a_changed_plan_is_not_resumed(acme, person):
    tenant, faults, executed = acme
    device = make.devices(tenant, "cisco_ios")[0]
    faults(**{device.name: {"reject": "logging host"}})
    run = run_job(person, two_steps(tenant), [device], variables={"host": "198.51.100.7"})
    faults()
    ServiceJob.objects.filter(pk=run.job_id).update(variables={"host": "198.51.100.8"})
    count, runs = len(executed(device)), JobRun.objects.count()
    with pytest.raises(Conflict, match="is not what it was in run"):
        again(person, JobRun.objects.get(pk=run.pk), "resume")
    assert (len(executed(device)), JobRun.objects.count()) == (count, runs)
