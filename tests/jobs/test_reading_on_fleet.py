"""A template that is meant to read, and values, names or flags that would make it a change: nothing is sent unasked."""

from dataclasses import replace

import pytest

from config.errors import Conflict, Invalid
from devices.domain.secrets import Secret
from devices.drivers.platforms import PLATFORMS
from devices.models import Device
from devices.services import vault
from jobs import types
from jobs.authoring import drafts
from jobs.dispatch import approval_gate, starter
from jobs.domain.plan import CredentialChoice, Plan
from jobs.domain.planner import DeviceFacts, Planner
from jobs.models import DeviceRun, JobRun, ServiceJob, Trigger
from jobs.plan import builder
from templates_app.domain.content import RuntimeVariable, StepKind, TemplateContent, TemplateStep, VariableType
from templates_app.models import TemplateVersion
from templates_app.services import authoring
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(tmp_path, tenant, wakeups):
    with make.fleet(tmp_path, "acme") as (_, executed):
        yield tenant("acme"), executed


def template(tenant, platform, text, kind=VariableType.TEXT, **step):
    variables = (RuntimeVariable(name="x", type=kind, required=False),) if "x" in text else ()
    reading = TemplateStep(name="Look", kind=StepKind.READ, commands={platform: text}, **step)
    content = TemplateContent((reading,), variables)
    return authoring.save_template(by=None, tenant=tenant, name="Look", description="", status="ready", content=content)


def sent(executed, device):
    around = ("enable", "terminal", "set cli", "PROMPT_COMMAND=", "show running-config", "show startup-config")
    return [line for line in executed(device) if not line.startswith(around)]


HOSTILE = [
    ("cisco_ios", "show {{ x }}", "version | redirect flash:x", {}),
    ("cisco_ios", "{{ x }}", "reload", {}),
    ("cisco_ios", "{% if true %}hostname X{% endif %}", "", {}),
    ("cisco_ios", "show version{{ '\\nreload' }}", "", {}),
    (
        "cisco_ios",
        "{% for line in x %}\n{{ line }}\n{% endfor %}",
        "show version\nreload",
        {"kind": VariableType.LINES},
    ),
    ("cisco_ios", "show version", "", {"save": True}),
    ("cisco_ios", "show version", "", {"answers": (("01#", "reload"),)}),
    ("arista_eos", "show version | {{ x }}", "sh", {}),
    ("juniper_junos", "show configuration | {{ x }}", "save /tmp/x", {}),
    ("linux", "hostname {{ x }}", "pwned", {}),
    ("linux", "ip route {{ x }}", "del default", {}),
    ("linux", "cat {{ x }}", "/etc/hosts; reboot", {}),
    ("linux", "grep '{{ x }}' /etc/hosts", "a' /dev/null; reboot '", {}),
]


@pytest.mark.parametrize(("platform", "text", "value", "more"), HOSTILE)
def test_a_reading_template_that_would_change_asks_for_approval_and_sends_nothing(
    acme, person, platform, text, value, more
):
    tenant, executed = acme
    device, by = make.devices(tenant, platform)[0], person("acme-operator")
    of = template(tenant, platform, text, **more)
    job, run = make.job(by, of, [device], variables={"x": value} if value else {})
    assert run is None and not approval_gate.is_allowed(job)
    for start in (
        lambda: starter.run_now(by=by, job=job, now=job.changed_at),
        lambda: starter.run_now(by=by, job=ServiceJob.objects.get(pk=job.pk), now=job.changed_at),
    ):
        with pytest.raises(Conflict, match="needs approval"):
            start()
    assert not JobRun.objects.filter(job=job).exists() and sent(executed, device) == []
    asked = approval_gate.request(by=by, job=job, message="", now=job.changed_at)
    assert asked.approval.status == "requested"


def test_a_trigger_that_is_due_is_refused_too(acme, person):
    """Whoever makes the run: the plan is looked at where it is admitted."""
    tenant, executed = acme
    device, by = make.devices(tenant, "cisco_ios")[0], person("acme-operator")
    job, run = make.job(by, template(tenant, "cisco_ios", "show {{ x }}"), [device], variables={"x": "clock"})
    assert make.finish(run).status == "succeeded"
    ServiceJob.objects.filter(pk=job.pk).update(variables={"x": "run | redirect flash:x"})
    job = ServiceJob.objects.get(pk=job.pk)
    trigger = Trigger.objects.create(tenant=tenant, job=job, kind="now", name="Due")
    run = starter.start_now(by=by, job=job, trigger=trigger, now=job.changed_at)
    assert (run.status, run.device_runs.count()) == ("skipped", 0) and "needs approval" in run.reason
    assert "redirect" not in str(executed(device))


def test_the_same_template_with_a_harmless_value_just_reads(acme, person):
    tenant, executed = acme
    device, by = make.devices(tenant, "cisco_ios")[0], person("acme-operator")
    _, run = make.job(by, template(tenant, "cisco_ios", "show {{ x }}"), [device], variables={"x": "version"})
    assert make.finish(run).status == "succeeded" and sent(executed, device) == ["show version"]
    row = run.device_runs.get()
    assert not row.exclusive and "changing" not in row.plan_data["steps"][-1]


def test_who_runs_it_by_right_sends_it_once_and_it_is_a_change(acme, person):
    """The rules of a change hold: the device for itself, each line's intent stored, the bypass noted."""
    tenant, executed = acme
    device = make.devices(tenant, "linux")[0]
    of = template(tenant, "linux", "hostname {{ x }}")
    _, run = make.job(person("acme-admin"), of, [device], variables={"x": "new"})
    row = run.device_runs.get()
    assert (run.bypass, row.exclusive, row.plan.steps[-1].journaled) == ("by_right", True, True)
    assert row.plan.steps[-1].changing == "hostname new" == row.plan_data["steps"][-1]["changing"]
    assert make.finish(run).device_runs.get().intended == 1 and sent(executed, device) == ["hostname new"]


def test_the_approver_reads_which_line_makes_it_a_change(acme, person, browser):
    tenant, _ = acme
    device, by = make.devices(tenant, "cisco_ios")[0], person("acme-operator")
    of = template(tenant, "cisco_ios", "show {{ x }}")
    job, _ = make.job(by, of, [device], variables={"x": "run | tee flash:x"})
    page = browser("acme-operator").get(f"/jobs/{job.pk}/").content.decode()
    assert "Request Approval" in page and "show run | tee flash:x" in page and "not known to only read" in page
    approval_gate.request(by=by, job=job, message="", now=job.changed_at)
    page = browser("acme-approver-1").get(f"/jobs/{job.pk}/approval/").content.decode()
    assert "(changes the device)" in page and "not known to only read" in page


def test_a_plan_names_the_first_lines_by_which_it_changes(acme, person):
    tenant, _ = acme
    devices = make.devices(tenant, "cisco_ios", "linux")
    content = TemplateContent(
        (
            TemplateStep(name="Look", kind=StepKind.READ, commands={"*": "show version", "linux": "uname -a"}),
            TemplateStep(name="Do", kind=StepKind.EXEC, commands={"*": "clear counters", "linux": "uname -a"}),
        )
    )
    of = authoring.save_template(by=None, tenant=tenant, name="Do", description="", status="ready", content=content)
    plan = builder.plan_of(make.draft(person("acme-operator"), of, devices), person("acme-operator"))
    assert plan.changes_devices and {str(change) for change in plan.changes()} == {
        f"'clear counters' in step 'Do' on {devices[0].name}",
        f"'uname -a' in step 'Do' on {devices[1].name}",
    }
    assert len(plan.changes(1)) == 1


@pytest.mark.parametrize("sign", ["\n", "\r", "\t", "\v", "\u2028", "\u202e"])
def test_what_was_stored_before_the_rule_is_refused_where_it_is_planned(acme, person, sign):
    """Names, profiles and template texts of an older build: the device is told why, and nothing is sent."""
    tenant, executed = acme
    device, by = make.devices(tenant, "linux")[0], person("acme-admin")
    job, _ = make.job(
        by, template(tenant, "linux", "cat /etc/{{ device.name }}"), [device], triggers=(), needs_schedule=False
    )
    Device.objects.filter(pk=device.pk).update(name=f"a{sign}reboot")
    plan = builder.plan_of(job, by).devices[0]
    assert "the device's name" in plan.problem and not any(step.commands for step in plan.steps[1:-1])
    Device.objects.filter(pk=device.pk).update(name=device.name)
    data = {**job.version.data}
    data["steps"][0]["commands"] = {"linux": f"cat /etc/hosts{sign}reboot"}
    TemplateVersion.objects.filter(pk=job.version_id).update(data=data)
    plan = builder.plan_of(ServiceJob.objects.get(pk=job.pk), by)
    assert plan.devices[0].problem or (plan.changes_devices and sign in "\n\r"), "a line break makes a line of its own"
    assert sent(executed, device) == []


@pytest.mark.parametrize("secret", ["a\nreload", "a\treload", "a?reload"])
def test_a_secret_of_an_older_build_that_is_not_one_line_is_not_typed(acme, person, monkeypatch, secret):
    tenant, executed = acme
    device, by = make.devices(tenant, "cisco_ios")[0], person("acme-admin")
    of = template(tenant, "cisco_ios", "show {{ x }}", kind=VariableType.SECRET)
    monkeypatch.setattr(vault, "flaw", lambda text: "")
    job, run = make.job(by, of, [device], secret_variables={"x": Secret(secret)}, snapshots=False)
    assert run.bypass == "by_right", "a line with a secret in it is not known to only read"
    row = make.finish(run).device_runs.get()
    assert (row.status, row.reason) == ("failed", "not_one_line") and "the variable 'x'" in row.message
    assert sent(executed, device) == [] and "reload" not in row.message


def test_a_question_mark_for_a_device_that_acts_on_it_is_a_problem_of_its_plan(acme, person):
    tenant, executed = acme
    device, by = make.devices(tenant, "cisco_ios")[0], person("acme-admin")
    _, run = make.job(by, template(tenant, "cisco_ios", "show {{ x }}"), [device], variables={"x": "version ?"})
    row = run.device_runs.get()
    assert row.status == "failed" and "Cisco IOS acts while it is typed" in row.message
    assert executed(device) == []


def test_a_draft_cannot_be_submitted_with_a_line_break_in_one_lines_value(acme, person):
    tenant, _ = acme
    of = template(tenant, "cisco_ios", "show {{ x }}")
    draft = make.draft(person("acme-admin"), of, make.devices(tenant, "cisco_ios"), variables={"x": "version\nreload"})
    with pytest.raises(Invalid) as caught:
        drafts.submit_job(by=person("acme-admin"), draft=draft)
    assert "line break" in caught.value.fields["variables.x"][0]
    assert not DeviceRun.objects.filter(run__job=draft).exists()


def test_a_step_that_answers_or_saves_is_no_reading_one_even_without_a_plan():
    look = TemplateStep(name="Look", kind=StepKind.READ, commands={"*": "show version"})
    assert not TemplateContent((look,)).changes_devices
    for more in ({"save": True}, {"answers": (("a", "b"),)}, {"script": "x"}, {"kind": StepKind.EXEC}):
        assert TemplateContent((replace(look, **more),)).changes_devices, more


@pytest.mark.parametrize("built_in", types.built_in_templates(), ids=lambda one: one.key)
def test_what_the_product_reads_by_itself_is_known_to_only_read(built_in):
    """A backup, a check list and what verifies an installation never become changes, on any platform."""
    around, values = CredentialChoice("1", "lab", "job"), {"app": "Git.Git", "startup": "yes"}
    planner = Planner(built_in.content, {}, values, snapshots=True)
    for key in PLATFORMS:
        words = builder._words(key)
        facts = DeviceFacts(id="1", name="sw", address="192.0.2.1", platform=key, platform_label=key, words=words)
        plan = planner.plan(facts, around)
        assert not [step for step in plan.steps if step.changing], key
        assert Plan("1", 1, (plan,)).changes_devices is any(s.kind == "exec" and s.commands for s in plan.steps), key


def test_an_answer_that_the_device_acts_on_while_it_is_typed_is_a_problem(acme, person):
    tenant, _ = acme
    of = template(tenant, "cisco_ios", "show version", answers=(("01#", "a?b"),))
    draft = make.draft(person("acme-admin"), of, make.devices(tenant, "cisco_ios"))
    assert "acts while it is typed" in builder.plan_of(draft, person("acme-admin")).devices[0].problem
