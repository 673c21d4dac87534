"""Runs on simulated devices over real SSH: what is sent, what is kept, and how each failure reads."""

import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from devices.channels.email import EMAIL
from devices.channels.webhook import WEBHOOK
from devices.models import Device, OutboxMessage, Worker
from devices.services import channels
from jobs import control
from jobs.domain.step_runner import Cancelled
from jobs.models import DeviceRun, JobRun
from jobs.worker import claims, completion, executor, leases, recovery
from jobs.worker.journal import Journal
from templates_app.domain.content import StepKind
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(tmp_path, tenant, wakeups):
    with make.fleet(tmp_path, "acme") as (faults, executed):
        yield tenant("acme"), faults, executed


finish = make.finish


def claim(run, limit=1):
    return claims.claim(worker=make.worker(), now=timezone.now(), limit=limit, only=run.pk)


def execute(item):
    executor.store([executor.execute(item)])
    completion.complete([item.device_run.run_id])


def lines(executed, device):
    """What a device executed, without the `enable` of those that start in user mode."""
    return [command for command in executed(device) if command != "enable"]


def by_name(run):
    return {row.device_name: row for row in run.device_runs.all()}


def test_a_reading_job_on_every_platform_sends_exactly_its_plan(acme, person):
    tenant, _, executed = acme
    devices = make.devices(tenant, "cisco_ios", "arista_eos", "juniper_junos", "linux")
    _, run = make.job(
        person("acme-operator"), make.template(tenant, "Compliance Check – Routers"), devices, snapshots=True
    )
    assert finish(run).status == "succeeded", [row.message for row in run.device_runs.all()]
    for device in devices:
        row = run.device_runs.get(device=device)
        assert lines(executed, device) == [*row.plan.preparation, *row.plan.commands]
        assert row.confirmed == len(row.plan.commands)
        assert all(make.shown(step).output.strip() for step in row.steps.all())
        assert row.snapshot_before.unsealed == row.snapshot_after.unsealed
        assert row.snapshot_after.same_as == row.snapshot_before and not row.snapshot_after.content_sealed, (
            "stored once"
        )


def test_a_configuration_job_changes_every_platform_and_shows_the_difference(acme, person, browser, api):
    tenant, _, executed = acme
    devices = make.devices(tenant, "cisco_ios", "arista_eos", "juniper_junos", "linux")
    _, run = make.job(
        person("acme-admin"), make.template(tenant, "Set NTP server"), devices, variables={"ntp_server": "198.51.100.7"}
    )
    assert finish(run).status == "succeeded"
    assert (run.bypass, run.approval_note) == ("by_right", "bypassed: ran without approval by right")
    for device in devices:
        row = run.device_runs.get(device=device)
        assert lines(executed, device) == [*row.plan.preparation, *row.plan.commands]
        assert "198.51.100.7" not in row.snapshot_before.unsealed
        assert "198.51.100.7" in row.snapshot_after.unsealed
    one, two = (
        browser("acme-admin").get(f"/runs/{run.pk}/devices/{row.pk}/?view={view}").content.decode()
        for view in ("one", "side")
    )
    assert "Side by side" in one and 'class="sides"' not in one
    assert "One column" in two and 'class="sides"' in two and "198.51.100.7" in two
    found = api("acme-admin").get(f"/api/v1/device-runs/{row.pk}/diff/").json()
    assert any(line.startswith("+") and "198.51.100.7" in line for line in found["unified"])


def test_recipients_read_in_their_mail_what_a_run_changed_and_no_secret(acme, person):
    tenant, _, _ = acme
    admin = person("acme-admin")
    admin.email = "acme-admin@acme.example"
    admin.save()
    save = {"host": "127.0.0.1", "port": 25, "security": "none", "sender": "interlock@acme.example"}
    channels.save_channel(by=admin, tenant=tenant, channel=EMAIL, secrets={"password": None}, **save)
    channels.save_channel(
        by=admin, tenant=tenant, channel=WEBHOOK, secrets={}, name="Hook", url="https://acme.example/"
    )
    devices = make.devices(tenant, "cisco_ios", "linux")
    steps = {"cisco_ios": "username eve secret 0 opensesame\nntp server 198.51.100.9", "linux": "true"}
    template = make.new_template(tenant, steps, StepKind.CONFIG)
    _, run = make.job(admin, template, devices, snapshots=True, notify_users=(admin.pk,))
    assert finish(run).status == "succeeded"
    mail, hook = (OutboxMessage.objects.get(event="completed", channel=channel) for channel in ("mail", "webhook"))
    assert f"{devices[0].name}:" in mail.details and "+ntp server 198.51.100.9" in mail.details
    assert "+username eve secret 0" in mail.details and "opensesame" not in mail.details
    assert devices[1].name not in mail.details and hook.details == ""


def test_nobody_reads_the_secrets_of_a_configuration_in_a_transcript(acme, person, browser):
    """The community of the simulated devices, wherever the lines that a device said are shown."""
    tenant, _, _ = acme
    device = make.devices(tenant, "cisco_ios")[0]
    template = make.new_template(tenant, {"cisco_ios": "show running-config"}, StepKind.READ)
    _, run = make.job(person("acme-operator"), template, [device], snapshots=True)
    row = finish(run).device_runs.get()
    client, shown = browser("acme-operator"), "snmp-server community *** RO"
    for path in (
        f"/runs/{run.pk}/devices/{row.pk}/",
        f"/api/v1/device-runs/{row.pk}/",
        f"/api/v1/device-runs/{row.pk}/output/",
    ):
        answer = client.get(path)
        text = (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode()
        assert answer.status_code == 200 and shown in text and "public-ro" not in text, path


def test_a_configuration_that_a_device_had_before_is_stored_once(acme, person):
    from devices.models import ConfigSnapshot

    tenant, _, _ = acme
    device = make.devices(tenant, "arista_eos")[0]
    for _ in range(2):
        _, run = make.job(person("acme-operator"), make.template(tenant), [device], snapshots=True)
        finish(run)
    rows = ConfigSnapshot.objects.filter(device=device).order_by("pk")
    assert rows.count() == 4 and [row.same_as_id for row in rows] == [None, *[rows[0].pk] * 3]
    assert len({row.unsealed for row in rows}) == 1 and rows[3].unsealed.strip()


def test_four_devices_with_four_fates_end_partial_and_say_why(acme, person):
    tenant, faults, executed = acme
    good, wrong, gone = make.devices(tenant, "arista_eos", "cisco_ios", "linux")
    picky = make.devices(tenant, "juniper_junos")[0]
    faults(**{wrong.name: {"password": "something else"}, picky.name: {"reject": "ntp server"}})
    Device.objects.filter(pk=gone.pk).update(connect_port=9)
    _, run = make.job(
        person("acme-admin"),
        make.template(tenant, "Set NTP server"),
        [good, wrong, gone, picky],
        variables={"ntp_server": "198.51.100.9"},
    )
    assert finish(run).status == "partial"
    rows = by_name(run)
    assert set(run.reason.split("; ")) == {
        f"login refused: {wrong.name}",
        f"unreachable: {gone.name}",
        f"rejected: {picky.name}",
    }
    assert rows[good.name].status == "succeeded"
    assert (rows[wrong.name].status, rows[wrong.name].reason) == ("failed", "login_refused")
    assert "refused the login of 'netops'" in rows[wrong.name].message
    assert rows[gone.name].reason == "unreachable" and "No connection" in rows[gone.name].message
    assert rows[picky.name].reason == "rejected"
    assert "set system ntp server 198.51.100.9" in rows[picky.name].message
    assert "The 2 lines after it were not sent." in rows[picky.name].message
    sent = executed(picky)
    refused = sent.index("set system ntp server 198.51.100.9")
    assert [line for line in sent[refused + 1 :] if not line.startswith("set cli ")] == [
        "show configuration | display set"
    ], "it is read then, over a new connection, and nothing is committed"
    assert executed(wrong) == [] and executed(gone) == []
    assert executed.logins(wrong) == [("netops", False)] and executed.logins(good) == [("netops", True)]


def test_a_hanging_command_ends_with_its_time_and_what_is_unknown(acme, person):
    tenant, faults, _ = acme
    device = make.devices(tenant, "arista_eos")[0]
    faults(**{device.name: {"hang": "show version"}})
    template = make.new_template(tenant, {"arista_eos": "show version"}, timeout=1)
    _, run = make.job(person("acme-operator"), template, [device], snapshots=False)
    row = finish(run).device_runs.get()
    assert row.reason == "timeout" and "within 1 s" in row.message and "unknown" in row.message


def test_a_connection_cut_in_the_middle_of_an_answer_is_a_result(acme, person):
    tenant, faults, executed = acme
    device = make.devices(tenant, "cisco_ios")[0]
    faults(**{device.name: {"reset": "show running-config", "reset_after": 5000}})
    template = make.new_template(tenant, {"cisco_ios": "show running-config\nshow version"})
    _, run = make.job(person("acme-operator"), template, [device], snapshots=False)
    row = finish(run).device_runs.get()
    assert row.reason == "session_lost" and executed(device).count("show version") == 0


def test_ten_megabytes_of_output_are_kept(acme, person):
    tenant, faults, _ = acme
    device = make.devices(tenant, "linux")[0]
    faults(**{device.name: {"big": ["uname", 10_000_000]}})
    _, run = make.job(person("acme-operator"), make.template(tenant), [device], snapshots=False)
    row = finish(run).device_runs.get()
    assert row.status == "succeeded", row.message
    assert len(make.shown(row.steps.get()).output) >= 10_000_000


def test_a_device_password_echoed_by_a_device_is_not_stored(acme, person):
    tenant, _, _ = acme
    device = make.devices(tenant, "linux")[0]
    template = make.new_template(tenant, "echo demo-login and demo-enable", kind="exec")
    _, run = make.job(person("acme-admin"), template, [device], snapshots=False)
    output = make.shown(finish(run).device_runs.get().steps.get()).output
    assert output.strip() == "*** and ***"


def test_a_secret_variable_reaches_the_device_and_nothing_else(acme, person):
    from devices.domain.secrets import Secret
    from templates_app.domain.content import RuntimeVariable, StepKind, TemplateContent, TemplateStep, VariableType
    from templates_app.services import authoring

    tenant, _, executed = acme
    device = make.devices(tenant, "linux")[0]
    content = TemplateContent(
        (TemplateStep(name="Say", kind=StepKind.EXEC, commands={"*": "echo {{ phrase }}"}),),
        (RuntimeVariable(name="phrase", type=VariableType.SECRET),),
    )
    template = authoring.save_template(
        by=None, tenant=tenant, name="Secret", description="", status="ready", content=content
    )
    job, run = make.job(
        person("acme-admin"), template, [device], snapshots=False, secret_variables={"phrase": Secret("correct-horse")}
    )
    row = finish(run).device_runs.get()
    assert "echo correct-horse" in executed(device)
    assert row.status == "succeeded" and "correct-horse" not in str(row.plan_data) + make.shown(row.steps.get()).output
    job.refresh_from_db()
    assert "correct-horse" not in str(job.variables) + str(job.sealed_variables)


def test_a_cancelled_run_sends_nothing_more(acme, person):
    tenant, _, executed = acme
    devices = make.devices(tenant, "cisco_ios", "linux")
    _, run = make.job(person("acme-operator"), make.template(tenant), devices)
    (claimed,) = claim(run)
    control.cancel_run(by=person("acme-operator"), run=run, now=timezone.now())
    journal = Journal(claimed.device_run, claimed.plan.commands)
    leases.notice_cancels({claimed.device_run.pk: journal})
    executor.store([executor.execute(claimed, journal)])
    completion.complete([run.pk])
    run.refresh_from_db()
    assert run.status == "cancelled"
    assert not [command for command in executed() if command.startswith(("show version", "uname"))]


def test_a_configuration_command_is_not_sent_after_the_cancel(acme, person):
    """The intent itself refuses: no look-up in between can miss it."""
    tenant, _, _ = acme
    device = make.devices(tenant, "cisco_ios")[0]
    _, run = make.job(person("acme-admin"), make.template(tenant, "Set NTP server"), [device])
    (claimed,) = claim(run)

    journal, step = Journal(claimed.device_run), next(s for s in claimed.plan.steps if s.journaled)
    journal.step_started(step)
    JobRun.objects.filter(pk=run.pk).update(cancel_requested_at=timezone.now())
    with pytest.raises(Cancelled):
        journal.sending(step, 0, step.commands[0])
    assert DeviceRun.objects.get(pk=claimed.device_run.pk).intended == 0


def test_a_worker_that_lost_its_lease_writes_nothing(acme, person):
    tenant, _, _ = acme
    device = make.devices(tenant, "cisco_ios")[0]
    _, run = make.job(person("acme-operator"), make.template(tenant), [device])
    (first,) = claim(run)
    Worker.objects.update(pid=999_999_999)  # its process is gone
    assert recovery.Reaper().look(now=timezone.now() + timedelta(minutes=5)) == 1
    execute(first)
    row = run.device_runs.get()
    assert row.status == "interrupted" and "The worker vanished" in row.message
    assert JobRun.objects.get(pk=run.pk).status == "interrupted"


def test_who_hangs_up_for_a_lost_lease_does_not_say_that_the_device_did(acme, person):
    tenant, faults, _ = acme
    device = make.devices(tenant, "cisco_ios")[0]
    faults(**{device.name: {"delay": 2}})
    _, run = make.job(person("acme-operator"), make.template(tenant), [device])
    (claimed,) = claim(run)
    journal = Journal(claimed.device_run, claimed.plan.commands)
    threading.Timer(0.8, leases.lose, [journal]).start()  # while the device takes its time over `enable`
    finished = executor.execute(claimed, journal)
    assert (finished.result.status, finished.result.reason) == ("interrupted", "lease_lost"), finished.result
    assert not finished.retry and "hung up" in finished.result.message


def test_two_claims_never_take_the_same_device(acme, person):
    tenant, _, _ = acme
    devices = make.devices(tenant, "cisco_ios", "linux")
    _, run = make.job(person("acme-operator"), make.template(tenant), devices)
    taken = [item.device_run.pk for n in range(4) for item in claim(run)]
    assert len(taken) == len(set(taken)) == 2


def test_no_more_devices_than_allowed_run_at_once(acme, person):
    tenant, _, _ = acme
    _, run = make.job(person("acme-operator"), make.template(tenant), make.devices(tenant), max_parallel=1)
    assert len(claim(run, limit=9)) == 1
    assert claim(run) == []


def test_a_task_can_have_its_own_devices_credential_and_profile(acme, person):
    from devices.domain.secrets import Secret
    from devices.services.inventory import save_credential
    from jobs.domain.spec import TaskSpec
    from templates_app.models import ConfigurationProfile

    tenant, _, executed = acme
    cisco, eos = make.devices(tenant, "cisco_ios", "arista_eos")
    other = save_credential(
        by=None,
        tenant=tenant,
        name="Other",
        username="netops",
        secrets={"password": Secret("demo-login"), "enable_password": Secret("demo-enable")},
    )
    profile = ConfigurationProfile.objects.get(tenant=tenant, name="Branch office")
    tasks = (TaskSpec(0, profile=profile.pk), TaskSpec(1, devices=(str(eos.pk),), credential=str(other.pk)))
    _, run = make.job(
        person("acme-admin"),
        make.template(tenant, "Set NTP server"),
        [cisco, eos],
        tasks=tasks,
        snapshots=False,
        variables={"ntp_server": ""},
    )
    assert finish(run).status == "succeeded"
    assert "ntp server 192.0.2.20" in executed(cisco) and "show version" not in executed(cisco)
    assert executed(eos).count("show version") == 1
    assert run.device_runs.get(device=eos).plan.steps[1].credential.source == "task"


def test_recipients_are_told_once_when_the_run_ends(acme, person):
    from devices.models import Notice

    tenant, _, _ = acme
    viewer = person("acme-viewer")
    _, run = make.job(
        person("acme-operator"), make.template(tenant), make.devices(tenant, "linux"), notify_users=(viewer.pk,)
    )
    finish(run)
    completion.complete([run.pk])
    assert [n.text for n in Notice.objects.filter(recipient=viewer).order_by("pk")] == [
        f"Job execution started: {run.job_name} (run {run.pk}: started)",
        f"Job execution completed: {run.job_name} (run {run.pk}: Succeeded)",
    ]


def test_a_lost_connection_while_only_reading_is_made_anew(acme, person):
    tenant, faults, executed = acme
    device = make.devices(tenant, "arista_eos")[0]
    faults(**{device.name: {"reset_once": "show version"}})
    _, run = make.job(person("acme-operator"), make.template(tenant), [device], snapshots=False)
    row = finish(run).device_runs.get()
    assert row.status == "succeeded", row.message
    assert executed(device).count("show version") == 2 and row.steps.count() == 1
    assert row.confirmed == len(row.plan.commands)


def test_a_connection_lost_in_a_change_is_interrupted_and_nothing_is_sent_again(acme, person):
    tenant, faults, executed = acme
    device = make.devices(tenant, "arista_eos")[0]
    faults(**{device.name: {"reset_once": "ntp server"}})
    _, run = make.job(
        person("acme-admin"),
        make.template(tenant, "Set NTP server"),
        [device],
        variables={"ntp_server": "198.51.100.7"},
    )
    row = finish(run).device_runs.get()
    assert (row.status, row.reason) == ("interrupted", "session_lost")
    assert (
        "'ntp server 198.51.100.7' was sent or about to be, its outcome is unknown" in row.message
        and "never sent" in row.message
    )
    assert len([line for line in executed(device) if line.startswith("ntp server")]) == 1
    assert "Read afterwards: all lines sent so far (1)" in row.message


def test_a_declared_answer_travels_from_the_template_to_the_device(acme, person):
    tenant, _, executed = acme
    device = make.devices(tenant, "cisco_ios")[0]
    answers = (("Destination filename", ""),)
    template = make.new_template(
        tenant, {"cisco_ios": "copy running-config startup-config"}, kind="exec", answers=answers
    )
    _, run = make.job(person("acme-admin"), template, [device], snapshots=False)
    row = finish(run).device_runs.get()
    assert row.status == "succeeded" and "[OK]" in make.shown(row.steps.get()).output, row.message
    assert row.plan.steps[0].answers == answers
