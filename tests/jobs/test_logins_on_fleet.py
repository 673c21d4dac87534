"""Runs on simulated devices over real SSH: how a device is found, recognized and logged in to, once."""

import pytest

from devices.models import DemoAccount, Device, Tenant
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(tmp_path, tenant, wakeups):
    with make.fleet(tmp_path, "acme") as (faults, executed):
        yield tenant("acme"), faults, executed


finish = make.finish


def test_a_wrong_password_is_tried_once(acme, person):
    tenant, faults, executed = acme
    device = make.devices(tenant, "cisco_ios")[0]
    faults(**{device.name: {"password": "other"}})
    _, run = make.job(person("acme-operator"), make.template(tenant), [device])
    finish(run)
    assert finish(run).status == "failed"
    assert run.device_runs.get().token == 1 and executed.logins(device) == [("netops", False)]


def test_a_wrong_password_is_seen_by_three_devices(acme, person):
    tenant, faults, executed = acme
    devices = make.devices(tenant)
    faults(**{device.name: {"password": "other"} for device in devices})
    _, run = make.job(person("acme-operator"), make.template(tenant), devices)
    run = finish(run)
    assert run.paused_at and "3 devices refused the credential" in run.pause_reason
    assert len(executed.logins(None)) == 3 and len({row.device for row in run.device_runs.filter(status="failed")}) == 3


def test_a_refused_enable_password_is_said_and_stops_only_what_changes_something(acme, person):
    tenant, faults, executed = acme
    device = make.devices(tenant, "cisco_ios")[0]
    faults(**{device.name: {"enable": "other"}})
    _, run = make.job(person("acme-operator"), make.template(tenant), [device])
    row = finish(run).device_runs.get()
    assert row.status == "succeeded" and "without privileged mode. The device refused" in row.message
    assert executed(device).count("enable") == 1, "it is tried once"
    change = make.template(tenant, "Set NTP server")
    _, run = make.job(person("acme-admin"), change, [device], variables={"ntp_server": "198.51.100.7"})
    row = finish(run).device_runs.get()
    assert row.reason == "enable_refused" and "ntp server 198.51.100.7" not in executed(device)


def test_a_changed_host_key_stops_before_any_password(acme, person):
    tenant, _, executed = acme
    device = make.devices(tenant, "cisco_ios")[0]
    Device.objects.filter(pk=device.pk).update(host_key="SHA256:something-else")
    _, run = make.job(person("acme-operator"), make.template(tenant), [device])
    row = finish(run).device_runs.get()
    assert row.reason == "host_key_changed" and "No password was sent" in row.message
    assert executed.logins(device) == []


@pytest.mark.parametrize("telnet", [False, True])
def test_a_denied_network_is_never_connected_to(telnet, acme, person, settings):
    tenant, _, executed = acme
    device = make.devices(tenant, "cisco_ios")[0]
    DemoAccount.objects.all().delete()  # an installation, not the demo, whose devices are on this machine
    settings.DEMO, settings.ALLOWED_TARGETS, settings.DENIED_TARGETS = False, [], ["10.0.0.0/8", "127.0.0.0/8"]
    if telnet:
        Device.objects.filter(pk=device.pk).update(protocol="telnet")
        Tenant.objects.filter(pk=tenant.pk).update(allow_telnet=True)
    _, run = make.job(person("acme-operator"), make.template(tenant), [device])
    row = finish(run).device_runs.get()
    assert row.reason == "target_denied" and "does not connect to 127." in row.message
    assert executed.logins(device) == [] and row.token == 1


def test_the_first_contact_pins_the_host_key(acme, person):
    tenant, _, _ = acme
    device = make.devices(tenant, "arista_eos")[0]
    _, run = make.job(person("acme-operator"), make.template(tenant), [device])
    finish(run)
    device.refresh_from_db()
    assert device.host_key.startswith("SHA256:")


def test_a_login_by_keyboard_interactive_and_one_question_that_is_no_password(acme, person):
    tenant, faults, _ = acme
    device = make.devices(tenant, "arista_eos")[0]
    faults(**{device.name: {"keyboard": "Password: "}})
    _, run = make.job(person("acme-operator"), make.template(tenant), [device])
    assert finish(run).status == "succeeded", run.device_runs.get().message


def test_the_error_names_what_an_old_device_offers(acme, person):
    tenant, faults, _ = acme
    device = make.devices(tenant, "arista_eos")[0]
    with make.old_ssh_server() as port:
        Device.objects.filter(pk=device.pk).update(connect_host="127.0.0.1", connect_port=port)
        _, run = make.job(person("acme-operator"), make.template(tenant), [device])
        row = finish(run).device_runs.get()
        assert (
            row.reason == "algorithms_refused"
            and "diffie-hellman-group1-sha1" in row.message
            and "legacy SSH" in row.message
        )
        Device.objects.filter(pk=device.pk).update(legacy_ssh=True)
        _, run = make.job(person("acme-operator"), make.template(tenant), [device])
        assert finish(run).device_runs.get().reason != "algorithms_refused", "with the switch the two agree"


def test_an_ipv6_address_is_reached(acme, person):
    tenant, _, _ = acme
    device = make.devices(tenant, "linux")[0]
    Device.objects.filter(pk=device.pk).update(connect_host="::1", connect_port=1)
    _, run = make.job(person("acme-operator"), make.template(tenant), [device])
    row = finish(run).device_runs.get()
    assert row.endpoint == "[::1]:1" and "No connection to ::1 port 1" in row.message
