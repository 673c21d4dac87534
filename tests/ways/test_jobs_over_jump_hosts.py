"""Jump hosts in jobs: planned, approved, locked, pinned, refused; on the simulated fleet."""

import pytest
from django.db.models import ProtectedError

from config.errors import Invalid
from devices.domain.secrets import Secret
from devices.models import Credential, Device, JumpHost, Network
from devices.services import inventory, jump_hosts
from jobs.authoring import drafts
from jobs.dispatch import approval_gate
from jobs.domain.approval_content import digest_of
from jobs.models import DeviceLock, ServiceJob
from jobs.worker import device_locks
from jobs.worker.ways import Trials
from tests import make
from tests.ways.servers import Box, served

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(tmp_path, tenant, wakeups):
    with make.fleet(tmp_path, "acme") as (faults, executed):
        yield tenant("acme"), faults, executed


@pytest.fixture
def jumps():
    with served(Box(), Box()) as found:
        yield found


def new_login(acme, name="Jump login", password="pw", **more):
    secrets = {"password": Secret(password), **more}
    return inventory.save_credential(by=None, tenant=acme, name=name, username="jumper", secrets=secrets)


def new_jump(acme, box=None, name="dc1-bastion", **more):
    credential = Credential.objects.filter(tenant=acme, name="Jump login").first() or new_login(acme)
    given = {"name": name, "host": "127.0.0.1", "port": box.port if box else 2222, "credential": credential, **more}
    return jump_hosts.save_jump_host(by=None, tenant=acme, **given)


def run_on(person, tenant, *devices):
    run = make.job(person("acme-operator"), make.template(tenant), devices)[1]
    make.finish(run)
    return run


def test_devices_of_a_network_are_reached_over_its_jump_host(acme, person, jumps):
    tenant, _, executed = acme
    first, second = jumps
    outer = new_jump(tenant, first, "outer")
    inner = new_jump(tenant, second, "inner", through=outer)
    device = make.devices(tenant, "cisco_ios")[0]
    Network.objects.filter(pk=device.network_id).update(jump_host=inner)
    run = run_on(person, tenant, device)
    row = run.device_runs.get()
    assert row.status == "succeeded", row.message
    assert "show version" in executed(device)
    assert first.forwarded == [("127.0.0.1", second.port)]
    assert second.forwarded == [(device.connect_host, device.connect_port)]
    outer.refresh_from_db(), inner.refresh_from_db(), device.refresh_from_db()
    assert (outer.host_key, inner.host_key) == (first.fingerprint, second.fingerprint)
    assert device.host_key and device.sighting.reached == "" and not DeviceLock.objects.exists()
    assert [hop.name for hop in row.plan.via] == ["outer", "inner"]


def test_a_device_wins_over_its_network_and_may_have_none(acme, person, jumps):
    tenant, _, _ = acme
    first, second = jumps
    device, other = make.devices(tenant, "cisco_ios", "arista_eos")
    Network.objects.filter(tenant=tenant).update(jump_host=new_jump(tenant, first, "of-network"))
    inventory.save_device(by=None, tenant=tenant, instance=device, jump_host=new_jump(tenant, second, "own"))
    inventory.save_device(by=None, tenant=tenant, instance=other, direct=True)
    run = run_on(person, tenant, device, other)
    assert run.status == "succeeded"
    assert not first.connections and second.connections == 1


def test_a_refused_jump_login_is_tried_once_for_all_devices(acme, person, jumps):
    tenant, _, executed = acme
    new_login(tenant, password="wrong")
    Network.objects.filter(tenant=tenant).update(jump_host=new_jump(tenant, jumps[0]))
    devices = make.devices(tenant)
    run = run_on(person, tenant, *devices)
    rows = list(run.device_runs.order_by("pk"))
    assert {row.reason for row in rows} == {"jump_login_refused"} and jumps[0].answers == ["wrong"]
    said = [row.message for row in rows]
    assert sum("was not tried again" in words for words in said) == len(devices) - 1
    assert all(words.startswith("The jump host 'dc1-bastion' refused") for words in said)
    assert not executed.logins(None) and not run.paused_at


def test_a_login_that_was_not_decided_on_leaves_the_turn_to_the_next():
    trials = Trials()
    trials.enter("k", "J", lambda: None)
    trials.tell("k", None)
    trials.enter("k", "J", lambda: None)
    trials.tell("k", True)
    trials.enter("k", "J", lambda: None)


def test_a_jump_host_that_lies_stops_before_any_password(acme, person, jumps):
    tenant, _, executed = acme
    jump = new_jump(tenant, jumps[0])
    JumpHost.objects.filter(pk=jump.pk).update(host_key="SHA256:of-before")
    device = make.devices(tenant, "cisco_ios")[0]
    inventory.save_device(by=None, tenant=tenant, instance=device, jump_host=jump)
    row = run_on(person, tenant, device).device_runs.get()
    assert row.reason == "host_key_changed" and row.message.startswith("The jump host 'dc1-bastion' shows")
    assert not jumps[0].answers and not executed.logins(device)


@pytest.mark.parametrize("what", ["moved", "deleted"])
def test_a_jump_host_that_is_not_the_planned_one_is_not_connected_to(what, acme, person, jumps):
    tenant, _, executed = acme
    jump = new_jump(tenant, jumps[0])
    device = make.devices(tenant, "cisco_ios")[0]
    inventory.save_device(by=None, tenant=tenant, instance=device, jump_host=jump)
    run = make.job(person("acme-operator"), make.template(tenant), [device])[1]
    if what == "moved":
        jump_hosts.save_jump_host(by=None, tenant=tenant, instance=jump, port=jumps[1].port)
    else:
        Device.objects.filter(pk=device.pk).update(jump_host=None)
        jump.delete()
    make.finish(run)
    row = run.device_runs.get()
    assert row.reason == "jump_host_gone" and "Run it again" in row.message
    assert not jumps[0].connections and not jumps[1].connections and not executed.logins(device)


def test_the_way_is_planned_approved_and_shown(acme, person, browser, jumps):
    tenant, _, _ = acme
    jump = new_jump(tenant, jumps[0])
    device = make.devices(tenant, "cisco_ios")[0]
    inventory.save_device(by=None, tenant=tenant, instance=device, jump_host=jump)
    operator = person("acme-operator")
    draft = make.draft(operator, make.template(tenant, "Set NTP server"), [device])
    job = drafts.request_job(by=operator, draft=draft, message="")
    page = " ".join(browser("acme-approver-1").get(f"/jobs/{job.pk}/approval/").content.decode().split())
    assert f"over dc1-bastion (127.0.0.1:{jumps[0].port}) with Jump login" in page
    assert "Over jump hosts" in page

    def moved():
        found = ServiceJob.objects.get(pk=job.pk)
        return digest_of(approval_gate.present(found, found.approval)) != found.approval.digest

    assert not moved()
    credential = jump.credential
    changes = {
        "the secret of its login": lambda: inventory.save_credential(
            by=None, tenant=tenant, instance=credential, secrets={"password": Secret("another-one")}
        ),
        "another login": lambda: JumpHost.objects.filter(pk=jump.pk).update(
            credential=new_login(tenant, "Other login")
        ),
        "its address": lambda: JumpHost.objects.filter(pk=jump.pk).update(host="127.0.0.2"),
        "its port": lambda: JumpHost.objects.filter(pk=jump.pk).update(port=1),
        "its name": lambda: JumpHost.objects.filter(pk=jump.pk).update(name="dc1"),
        "one before it": lambda: JumpHost.objects.filter(pk=jump.pk).update(through=new_jump(tenant, name="x")),
        "none": lambda: Device.objects.filter(pk=device.pk).update(direct=True),
        "a console": lambda: Device.objects.filter(pk=device.pk).update(console=True),
    }
    from django.db import transaction

    for words, change in changes.items():
        point = transaction.savepoint()
        change()
        assert moved(), words
        transaction.savepoint_rollback(point)


def test_one_address_behind_two_jump_hosts_is_two_boxes(acme, person):
    tenant, _, _ = acme
    one, other, third = make.devices(tenant)[:3]
    for device, jump in ((one, new_jump(tenant, name="a")), (other, new_jump(tenant, name="b", host="127.0.0.2"))):
        Device.objects.filter(pk=device.pk).update(connect_host="10.0.0.1", connect_port=22, jump_host=jump)
    same = new_jump(tenant, name="a again")
    Device.objects.filter(pk=third.pk).update(connect_host="10.0.0.1", connect_port=22, jump_host=same)
    run = make.job(person("acme-operator"), make.template(tenant), [one, other, third])[1]
    keys = {row.device_id: device_locks.keys_of(row, "here") for row in run.device_runs.all()}
    assert not keys[one.pk] & keys[other.pk], "another jump host, another box"
    assert keys[one.pk] & keys[third.pk], "the same jump host by another record"
    direct = run.device_runs.get(device=one)
    direct.plan_data = {**direct.plan_data, "via": []}
    assert not keys[one.pk] & device_locks.keys_of(direct, "here")


class TestChains:
    def test_a_circle_is_refused(self, tenant):
        acme = tenant("acme")
        a = new_jump(acme, name="a")
        b = new_jump(acme, name="b", through=a)
        c = new_jump(acme, name="c", through=b)
        for through in (a, b, c):
            with pytest.raises(Invalid, match="through itself") as found:
                jump_hosts.save_jump_host(by=None, tenant=acme, instance=JumpHost.objects.get(pk=a.pk), through=through)
            assert set(found.value.fields) == {"through"}

    def test_four_are_a_way_and_a_fifth_is_not_wherever_it_is_put(self, tenant):
        acme = tenant("acme")
        last, first = None, None
        for number in range(4):
            last = new_jump(acme, name=f"hop{number}", through=last)
            first = first or last
        with pytest.raises(Invalid, match="More than 4"):
            new_jump(acme, name="behind", through=last)
        before = new_jump(acme, name="before")
        with pytest.raises(Invalid, match="More than 4"):
            jump_hosts.save_jump_host(by=None, tenant=acme, instance=first, through=before)

    def test_a_chain_of_twenty_that_the_database_holds_is_no_way(self, acme, person):
        tenant, _, executed = acme
        last = None
        for number in range(20):
            last = JumpHost.objects.create(
                tenant=tenant,
                name=f"n{number}",
                host="127.0.0.1",
                credential=Credential.objects.filter(tenant=tenant).first(),
                through=last,
            )
        device = make.devices(tenant, "cisco_ios")[0]
        Device.objects.filter(pk=device.pk).update(jump_host=last)
        row = run_on(person, tenant, device).device_runs.get()
        assert row.reason == "not_runnable" and "More than 4 jump hosts" in row.message
        assert not executed.logins(device)

    def test_a_circle_that_the_database_holds_is_no_way(self, acme, person):
        tenant, _, _ = acme
        a = new_jump(tenant, name="a")
        JumpHost.objects.filter(pk=a.pk).update(through=new_jump(tenant, name="b", through=a))
        device = make.devices(tenant, "cisco_ios")[0]
        Device.objects.filter(pk=device.pk).update(jump_host=a)
        assert "More than 4" in run_on(person, tenant, device).device_runs.get().message


def test_one_that_is_used_cannot_be_deleted_nor_can_its_credential(tenant):
    acme = tenant("acme")
    jump = new_jump(acme)
    behind = new_jump(acme, name="behind", through=jump)
    Network.objects.filter(tenant=acme).update(jump_host=behind)
    for row in (jump, behind, jump.credential):
        with pytest.raises(ProtectedError):
            row.delete()


def test_who_is_reached_elsewhere_is_another_machine(tenant):
    acme = tenant("acme")
    jump = new_jump(acme)
    JumpHost.objects.filter(pk=jump.pk).update(host_key="SHA256:x")
    jump.refresh_from_db()
    assert jump_hosts.save_jump_host(by=None, tenant=acme, instance=jump, name="renamed").host_key == "SHA256:x"
    assert jump_hosts.save_jump_host(by=None, tenant=acme, instance=jump, port=2022).host_key == ""


class TestFaces:
    def test_the_form_and_its_pages(self, tenant, browser):
        acme = tenant("acme")
        credential = new_login(acme)
        page = browser("acme-admin")
        form = {"tenant": acme.pk, "name": "web", "host": "[2001:DB8::1]", "port": 22, "credential": credential.pk}
        assert page.post("/edit/jump-hosts/new/", form).status_code == 302
        jump = JumpHost.objects.get(name="web")
        assert jump.host == "2001:db8::1"
        for url in ("/jump-hosts/", f"/jump-hosts/{jump.pk}/"):
            assert "[2001:db8::1]:22" in page.get(url).content.decode()
        said = page.post(f"/edit/jump-hosts/{jump.pk}/", {**form, "through": jump.pk})
        assert "would be reached through itself" in said.content.decode()
        JumpHost.objects.filter(pk=jump.pk).update(host_key="SHA256:x")
        page.post(f"/jump-hosts/{jump.pk}/forget-key/")
        assert JumpHost.objects.get(pk=jump.pk).host_key == ""
        assert page.get("/audit/").content.decode().count("jump_host.") >= 2

    def test_only_administrators_write_and_forget(self, tenant, browser, api):
        acme = tenant("acme")
        jump = new_jump(acme)
        page = browser("acme-operator")
        assert page.get(f"/edit/jump-hosts/{jump.pk}/").status_code == 403
        assert page.post(f"/jump-hosts/{jump.pk}/forget-key/").status_code == 403
        answer = api("acme-operator").patch(f"/api/v1/jump-hosts/{jump.pk}/", {"port": 9}, format="json")
        assert answer.status_code == 403

    def test_the_api(self, tenant, api):
        acme = tenant("acme")
        client, credential = api("acme-admin"), new_login(acme)
        body = {"tenant": acme.pk, "name": "api", "host": "127.0.0.1", "credential": str(credential.pk)}
        made = client.post("/api/v1/jump-hosts/", body, format="json")
        assert made.status_code == 201 and made.json()["port"] == 22
        pk = made.json()["id"]
        device = make.devices(acme, "linux")[0]
        url = f"/api/v1/devices/{device.pk}/"
        assert client.patch(url, {"jump_host": pk}, format="json").json()["jump_host"] == pk
        refused = client.patch(url, {"direct": True}, format="json")
        assert refused.status_code == 400 and "without a jump host" in refused.content.decode()
        assert client.patch(url, {"direct": True, "jump_host": None}, format="json").status_code == 200
        network = f"/api/v1/networks/{device.network_id}/"
        assert client.patch(network, {"jump_host": pk}, format="json").json()["jump_host"] == pk

    @pytest.mark.parametrize("where", ["device", "network", "jump host", "credential of a jump host"])
    def test_anothers_jump_host_is_as_unknown_as_none(self, where, tenant, api, browser):
        acme, globex = tenant("acme"), tenant("globex")
        foreign = new_jump(globex)
        own = new_jump(acme, name="own")
        device = make.devices(acme, "linux")[0]
        url, name, value = {
            "device": (f"devices/{device.pk}", "jump_host", foreign.pk),
            "network": (f"networks/{device.network_id}", "jump_host", foreign.pk),
            "jump host": (f"jump-hosts/{own.pk}", "through", foreign.pk),
            "credential of a jump host": (f"jump-hosts/{own.pk}", "credential", foreign.credential.pk),
        }[where]
        answers = [
            api("acme-admin").patch(f"/api/v1/{url}/", {name: str(one)}, format="json")
            for one in (value, "00000000-0000-0000-0000-000000000000")
        ]
        texts = [a.content.decode().replace(str(value), "ID") for a in answers]
        assert [a.status_code for a in answers] == [400, 400]
        assert texts[0] == texts[1].replace("00000000-0000-0000-0000-000000000000", "ID")
        # Who administers both does not mix them either.
        mixed = api("msp-admin").patch(f"/api/v1/{url}/", {name: str(value)}, format="json")
        assert mixed.status_code == 400
        form = browser("msp-admin").get(f"/edit/{url}/").content.decode()
        assert str(foreign.pk) not in form

    def test_a_file_goes_out_and_comes_back(self, tenant, api):
        acme = tenant("acme")
        jump = new_jump(acme)
        one, other, third = make.devices(acme)[:3]
        inventory.save_device(by=None, tenant=acme, instance=one, jump_host=jump, console=True)
        inventory.save_device(by=None, tenant=acme, instance=other, direct=True)
        client = api("acme-admin")
        text = b"".join(client.get("/api/v1/devices/export/").streaming_content).decode()
        Device.objects.filter(tenant=acme).update(jump_host=None, direct=False, console=False)
        sent = client.post("/api/v1/devices/import/", {"tenant": acme.pk, "csv": text}, format="json")
        assert sent.status_code == 200, sent.content
        for device in (one, other, third):
            device.refresh_from_db()
        assert (one.jump_host, one.direct, one.console) == (jump, False, True)
        assert (other.jump_host, other.direct, third.direct, third.jump_host) == (None, True, False, None)
        wrong = f"name,address,platform,network,jump_host\nx,192.0.2.9,linux,{one.network.name},nobody\n"
        refused = client.post("/api/v1/devices/import/", {"tenant": acme.pk, "csv": wrong}, format="json")
        assert "There is no jump host 'nobody'" in refused.content.decode()
