"""Netmiko's device types, and Telnet: the same session, plan, journal and rejections as on the platforms of our own."""

import time
from types import SimpleNamespace

import pytest
from netmiko import cisco_base_connection
from netmiko.ssh_dispatcher import CLASS_MAPPER_BASE, telnet_platforms

from devices.drivers.platforms import PLATFORMS
from devices.models import AuditEvent, Device, Tenant
from devices.services import tenants
from templates_app.domain.content import StepKind, TemplateContent, TemplateStep
from templates_app.services import authoring
from tests import make


def test_the_table_is_netmikos():
    others = {key: row for key, row in PLATFORMS.items() if row.netmiko}
    own = {key: row for key, row in PLATFORMS.items() if not row.netmiko}
    assert set(others) == set(CLASS_MAPPER_BASE) - set(own), "Netmiko has other device types now; make the table anew"
    assert {key for key, row in others.items() if row.telnet} == {
        name.removesuffix("_telnet") for name in telnet_platforms if name.removesuffix("_telnet") in others
    }
    assert all(f"{key}_telnet" in telnet_platforms for key, row in own.items() if row.telnet)
    assert len({row.label for row in PLATFORMS.values()}) == len(PLATFORMS)


@pytest.fixture
def acme(db, tmp_path, tenant, wakeups):
    with make.fleet(tmp_path, "acme", with_telnet=True) as (faults, executed):
        yield tenant("acme"), faults, executed


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    """Netmiko pauses between reads of a Telnet login, for devices that are slower than the fleet: a fifth will do."""
    clock = SimpleNamespace(**{**vars(time), "sleep": lambda seconds: time.sleep(seconds / 5)})
    monkeypatch.setattr(cisco_base_connection, "time", clock)


def template(tenant, platform, *lines, kind="read", **step):
    content = TemplateContent(
        (TemplateStep(name="Step", kind=StepKind(kind), commands={platform: "\n".join(lines)}, **step),),
        (),
        (platform,),
    )
    return authoring.save_template(
        by=None, tenant=tenant, name="Made for a test", description="", status="ready", content=content
    )


def become(device, platform, **changes):
    Device.objects.filter(pk=device.pk).update(platform=platform, **changes)
    device.refresh_from_db()
    return device


def run_on(person, device, of, **changes):
    _, run = make.job(person("acme-admin"), of, [device], **changes)
    return make.finish(run).device_runs.get()


def telnet(device, allow=True):
    Tenant.objects.filter(pk=device.tenant_id).update(allow_telnet=allow)
    return become(device, device.platform, protocol="telnet", connect_port=device.connect_port + 1)


@pytest.mark.parametrize(
    "plays,platform", [("arista_eos", "cisco_nxos"), ("cisco_ios", "cisco_xe"), ("arista_eos", "dell_os10")]
)
def test_a_netmiko_platform_is_changed_and_its_configuration_kept(acme, person, plays, platform):
    tenant, _, executed = acme
    device = become(make.devices(tenant, plays)[0], platform)
    row = run_on(
        person,
        device,
        template(tenant, platform, "ntp server 198.51.100.9", "hostname renamed", kind="config"),
        snapshots=True,
    )
    assert row.status == "succeeded", row.message
    assert [*row.plan.steps[1].commands] == ["configure terminal", "ntp server 198.51.100.9", "hostname renamed", "end"]
    sent = [line for line in executed(device) if line in row.plan.commands]
    assert sent == list(row.plan.commands)
    assert "+ntp server 198.51.100.9" in "".join(
        f"+{line}"
        for line in set(row.snapshot_after.unsealed.splitlines()) - set(row.snapshot_before.unsealed.splitlines())
    )
    assert row.confirmed == row.intended == len(row.plan.commands)


def test_a_rejection_ends_it_as_on_any_platform(acme, person):
    tenant, faults, executed = acme
    device = become(make.devices(tenant, "arista_eos")[0], "cisco_nxos")
    faults(**{device.name: {"reject": "ntp server"}})
    row = run_on(
        person,
        device,
        template(tenant, "cisco_nxos", "ntp server 198.51.100.9", "logging host 198.51.100.7", kind="config"),
        snapshots=False,
    )
    assert (row.status, row.reason) == ("failed", "rejected") and "ntp server 198.51.100.9" in row.message
    assert "logging host 198.51.100.7" not in executed(device)


def test_a_hanging_command_ends_by_its_deadline_and_a_cut_is_interrupted(acme, person):
    tenant, faults, executed = acme
    device = become(make.devices(tenant, "arista_eos")[0], "cisco_nxos")
    faults(**{device.name: {"hang": "show version"}})
    row = run_on(person, device, template(tenant, "cisco_nxos", "show version", timeout=1), snapshots=False)
    assert (row.status, row.reason) == ("failed", "timeout")
    faults(**{device.name: {"reset_once": "ntp server"}})
    again = authoring.save_template(
        by=None,
        tenant=tenant,
        name="Another",
        description="",
        status="ready",
        content=TemplateContent(
            (TemplateStep(name="Step", kind=StepKind.CONFIG, commands={"cisco_nxos": "ntp server 198.51.100.9"}),)
        ),
    )
    row = run_on(person, device, again, snapshots=False)
    assert (row.status, row.reason) == ("interrupted", "session_lost") and "Read afterwards" in row.message
    assert executed(device).count("ntp server 198.51.100.9") == 1


def test_a_changed_host_key_stops_netmiko_too(acme, person):
    tenant, _, executed = acme
    device = become(make.devices(tenant, "arista_eos")[0], "cisco_nxos", host_key="SHA256:other")
    row = run_on(person, device, template(tenant, "cisco_nxos", "show version"), snapshots=False)
    assert row.reason == "host_key_changed" and executed(device) == []


def test_a_refused_enable_password_is_said_of_what_only_reads(acme, person, settings):
    settings.LOGIN_SECONDS = 4
    tenant, faults, executed = acme
    device = become(make.devices(tenant, "cisco_ios")[0], "cisco_xe")
    faults(**{device.name: {"enable": "other"}})
    row = run_on(person, device, template(tenant, "cisco_xe", "show version"), snapshots=False)
    assert row.status == "succeeded" and "did not enter privileged mode" in row.message, (row.reason, row.message)


class TestTelnet:
    def test_it_is_off_until_the_customer_allows_it(self, acme, person):
        tenant, _, executed = acme
        device = telnet(make.devices(tenant, "cisco_ios")[0], allow=False)
        row = run_on(person, device, make.template(tenant), snapshots=False)
        assert (row.status, row.reason) == ("failed", "not_runnable") and "Telnet is off for Acme" in row.message
        assert executed(device) == []

    @pytest.mark.parametrize("platform", ["cisco_ios", "arista_eos"])
    def test_our_own_platforms_are_driven_as_over_ssh(self, acme, person, platform):
        tenant, _, executed = acme
        device = telnet(make.devices(tenant, platform)[0])
        row = run_on(person, device, make.template(tenant), snapshots=True)
        assert row.status == "succeeded", row.message
        assert row.plan.telnet and row.plan.as_json()["telnet"] is True
        sent = [line for line in executed(device) if line != "enable"]
        assert sent == [*row.plan.preparation, *row.plan.commands]
        assert all(make.shown(step).output.strip() for step in row.steps.all())

    def test_netmikos_platforms_too(self, acme, person):
        tenant, _, executed = acme
        device = telnet(become(make.devices(tenant, "arista_eos")[0], "cisco_nxos"))
        row = run_on(person, device, template(tenant, "cisco_nxos", "show version"), snapshots=True)
        assert row.status == "succeeded", row.message
        assert "EOS" in row.snapshot_after.unsealed

    def test_a_wrong_password_is_given_once(self, acme, person):
        tenant, faults, executed = acme
        device = telnet(make.devices(tenant, "cisco_ios")[0])
        faults(**{device.name: {"password": "other"}})
        row = run_on(person, device, make.template(tenant), snapshots=False)
        assert row.reason == "login_refused", (row.reason, row.message)
        assert executed.logins(device) == [("netops", False)]

    def test_nobody_answers(self, acme, person):
        tenant, _, _ = acme
        device = telnet(make.devices(tenant, "cisco_ios")[0])
        Device.objects.filter(pk=device.pk).update(connect_port=9)
        row = run_on(person, device, make.template(tenant), snapshots=False)
        assert row.reason == "unreachable" and "Nothing was sent" in row.message

    def test_a_platform_without_a_known_telnet_login_is_said(self, acme, person):
        tenant, _, _ = acme
        device = telnet(make.devices(tenant, "linux")[0])
        row = run_on(person, device, make.template(tenant, "Compliance Check – Routers"), snapshots=False)
        assert row.reason == "not_runnable" and "Telnet login of Linux is not known" in row.message


def test_a_customer_is_set_to_allow_telnet_by_its_administrator_only(db, tenant, person, browser, api):
    acme = tenant("acme")
    url = f"/tenants/{acme.pk}/"
    assert browser("acme-operator").get(url).status_code == 404
    page = browser("acme-admin").get(url).content.decode()
    assert "clear text" in page
    values = {"name": "Acme", "time_zone": "UTC", "max_parallel": "7", "allow_telnet": "on"}
    assert browser("acme-admin").post(url, values).status_code == 302
    acme.refresh_from_db()
    assert (acme.allow_telnet, acme.max_parallel) == (True, 7)
    event = AuditEvent.objects.filter(action="tenant.changed").get()
    assert event.details["allow_telnet"] is True
    api_url = f"/api/v1/tenants/{acme.pk}/"
    assert api("acme-admin").patch(api_url, {"allow_telnet": False}).json()["allow_telnet"] is False
    assert api("acme-operator").patch(api_url, {"allow_telnet": True}).status_code == 403
    assert api("globex-operator").patch(api_url, {"allow_telnet": True}).status_code == 404


def test_an_unknown_setting_stays(db, tenant, person):
    from config.errors import Invalid

    with pytest.raises(Invalid):
        tenants.change_tenant(by=person("acme-admin"), tenant=tenant("acme"), key="other")


def test_the_editor_shows_fields_of_other_platforms_when_they_are_chosen(db, browser, tenant):
    client = browser("acme-admin")
    data = {
        "tenant": tenant("acme").pk,
        "name": "Nexus",
        "status": "ready",
        "v-TOTAL_FORMS": 0,
        "v-INITIAL_FORMS": 0,
        "s-TOTAL_FORMS": 1,
        "s-INITIAL_FORMS": 0,
        "s-0-name": "First",
        "s-0-kind": "read",
        "s-0-timeout": 30,
        "others": ["cisco_nxos"],
    }
    page = client.post("/templates/new/", {**data, "show_fields": "1"}).content.decode()
    assert 'name="s-0-body_cisco_nxos"' in page and 's-0-body_cisco_xr"' not in page
    answer = client.post("/templates/new/", {**data, "s-0-body_cisco_nxos": "show version"})
    assert answer.status_code == 302, answer.content.decode()
    assert make.template(tenant("acme"), "Nexus").current.content.platforms == ("cisco_nxos",)
    assert (
        'name="s-0-body_cisco_nxos"'
        in client.get(f"/templates/{make.template(tenant('acme'), 'Nexus').pk}/edit/").content.decode()
    )
