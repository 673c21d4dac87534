"""Addresses of IPv6: one spelling, brackets beside a port, and none that leads nowhere by itself."""

import socket

import pytest

from config.errors import Invalid
from devices.domain.endpoints import normal_host, parsed, spelled
from devices.models import Device
from devices.services import inventory
from jobs.plan.builder import endpoint_of
from tests import make
from tests.ways.servers import Box, served
from tests.ways.test_jobs_over_jump_hosts import new_login

pytestmark = pytest.mark.django_db


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("host", "port", "text"),
    [("::1", 22, "[::1]:22"), ("2001:db8::1", 2022, "[2001:db8::1]:2022"), ("192.0.2.1", 22, "192.0.2.1:22")],
)
def test_an_endpoint_is_written_and_read(host, port, text):
    assert spelled(host, port) == text and parsed(text) == (host, port)


def test_what_earlier_releases_wrote_is_read():
    assert parsed("::1:1") == ("::1", 1) and parsed("core1:22") == ("core1", 22)


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ("[2001:DB8::1]", "2001:db8::1"),
        ("2001:db8:0:0::1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("core1.example", "core1.example"),
    ],
)
def test_a_host_has_one_spelling(given, host):
    assert normal_host(given) == host


NOWHERE = ["fe80::1", "fe80::1%eth0", "[fe80::1]", "169.254.3.4", "::ffff:169.254.3.4"]


@pytest.mark.parametrize("host", [*NOWHERE, "[core1]", "2001:db8::1:99999"])
def test_a_host_that_leads_nowhere_is_refused_on_every_face(host, tenant, browser, api):
    acme = tenant("acme")
    device = make.devices(acme, "linux")[0]
    for field in ("connect_host", "address") if host in NOWHERE and "[" not in host else ("connect_host",):
        with pytest.raises(Invalid) as found:
            inventory.save_device(by=None, tenant=acme, instance=Device.objects.get(pk=device.pk), **{field: host})
        assert set(found.value.fields) == {field}
        answer = api("acme-admin").patch(f"/api/v1/devices/{device.pk}/", {field: host}, format="json")
        assert answer.status_code == 400, (field, answer.content)
        values = {"name": "n6", "address": "192.0.2.77", "platform": "linux", "network": device.network.name}
        values |= {"connect_host": "", field: host}
        csv = ",".join(values) + "\n" + ",".join(values.values()) + "\n"
        sent = api("acme-admin").post("/api/v1/devices/import/", {"tenant": acme.pk, "csv": csv}, format="json")
        assert sent.status_code == 400 and f"line 2, {field}" in sent.content.decode()
        form = {**values, "network": device.network_id, "tenant": acme.pk, "connect_port": 22, "protocol": "ssh"}
        page = browser("acme-admin").post("/edit/devices/new/", form)
        assert page.status_code == 200 and field in page.context["form"].errors
    assert not Device.objects.filter(name="n6").exists()


def test_two_spellings_are_one_address(tenant):
    acme = tenant("acme")
    one, other = make.devices(acme)[:2]
    inventory.save_device(by=None, tenant=acme, instance=one, address="2001:DB8:0:0::1")
    assert Device.objects.get(pk=one.pk).address == "2001:db8::1"
    with pytest.raises(Invalid, match="Another device of this network"):
        inventory.save_device(by=None, tenant=acme, instance=other, address="2001:db8::1", network=one.network)


def test_it_is_shown_with_brackets(tenant, browser):
    acme = tenant("acme")
    device = make.devices(acme)[0]
    inventory.save_device(by=None, tenant=acme, instance=device, address="2001:db8::9", connect_host="")
    assert (
        f"[2001:db8::9]:{device.connect_port}" in browser("acme-admin").get(f"/devices/{device.pk}/").content.decode()
    )
    assert endpoint_of(device) == f"[2001:db8::9]:{device.connect_port}"


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")
def test_a_device_is_reached_over_it(tenant, person, wakeups):
    acme = tenant("acme")
    device = make.devices(acme, "cisco_ios")[0]
    with served(Box(), host="::1") as (box,):
        values = {"connect_host": "[::1]", "connect_port": box.port}
        inventory.save_device(by=None, tenant=acme, instance=device, credential=new_login(acme), **values)
        run = make.job(person("acme-operator"), make.template(acme), [device])[1]
        row = make.finish(run).device_runs.get()
    assert row.status == "succeeded", row.message
    assert row.endpoint == f"[::1]:{box.port}" and "show version" in box.lines
    device.refresh_from_db()
    assert device.sighting.reached == "::1"
