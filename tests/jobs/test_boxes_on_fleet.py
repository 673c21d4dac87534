"""One box, one change at a time; boxes that are not one do not wait for each other. Over real SSH, unknown before."""

from datetime import timedelta

import pytest
from django.utils import timezone

from devices.domain.boxes import Seen
from devices.models import Device, Sighting
from devices.services import workers
from jobs.models import DeviceLock, DeviceRun, LinePlace
from jobs.worker import claims, completion, device_locks, executor, recovery
from jobs.worker.journal import Journal
from templates_app.models import ServiceTemplate
from tests import make
from tests.jobs.by_hand import statuses

pytestmark = pytest.mark.django_db
SECOND = "127.20.250.1"


def claim(run):
    found = claims.claim(worker=make.worker(), now=timezone.now(), limit=9, only=run.pk)
    return found[0] if found else None


def end(*outcomes):
    executor.store(list(outcomes))
    completion.complete({outcome.journal.device_run.run_id for outcome in outcomes})


class Meanwhile(Journal):
    """Does something else in the midst of a conversation: right before the last line that changes the device."""

    def __init__(self, item, work):
        super().__init__(item.device_run, item.plan.commands, item.claimed)
        self.work = work

    def sending(self, step, index, command):
        super().sending(step, index, command)
        if step.journaled and index + 1 == len(step.commands) and self.work:
            work, self.work = self.work, None
            work()


def change(by, device, lines="ntp server 198.51.100.9"):
    """Start a change of a device that nobody waits to be asked about."""
    bodies = {"*": lines, "juniper_junos": "set system ntp server 198.51.100.9", "linux": "true"}
    name = f"Change {ServiceTemplate.objects.count()}"
    return make.job(by, make.new_template(device.tenant, bodies, "config", name), [device], snapshots=False)[1]


@pytest.fixture
def one_box(tmp_path, tenant, wakeups):
    """A box at two addresses, which nobody has contacted: a record of acme at one, of globex at the other."""
    with make.fleet(tmp_path, "acme", also=[SECOND]) as (_, executed):
        mine = Device.objects.get(connect_host="127.20.0.10")
        theirs = make.devices(tenant("globex"), mine.platform)[0]
        Device.objects.filter(pk=theirs.pk).update(connect_host=SECOND, connect_port=mine.connect_port)
        yield mine, Device.objects.get(pk=theirs.pk), executed


@pytest.fixture
def image(tmp_path, tenant, wakeups):
    """All devices of acme, made from one image: they share a host key."""
    with make.fleet(tmp_path, "acme", image="factory") as (faults, executed):
        yield make.devices(tenant("acme"), "cisco_ios", "arista_eos", "juniper_junos", "linux"), executed


def test_two_records_of_one_box_are_changed_one_after_the_other_although_nobody_knew_it(one_box, person):
    mine, theirs, executed = one_box
    first, second = change(person("acme-admin"), mine), change(person("msp-admin"), theirs)
    holder, other = claim(first), claim(second)
    assert holder and other, "nobody can know it before they connect"
    seen = []

    def meanwhile():
        before = executed(mine)
        end(executor.execute(other))
        row = second.device_runs.get()
        seen.append([command for command in executed(mine)[len(before) :] if "ntp" in command or "conf" in command])
        assert (row.status, row.tries, row.confirmed) == ("queued", 0, 0) and "another run holds" in row.message
        assert claim(second) is None and statuses(second) == ["waiting"]
        assert second.device_runs.get().waits_for == holder.device_run.pk

    end(executor.execute(holder, Meanwhile(holder, meanwhile)))
    assert seen == [[]], "nothing that changes it was sent meanwhile"
    assert statuses(first) == ["succeeded"] and statuses(second) == ["queued"]
    assert make.finish(second).status == "succeeded"
    assert not DeviceLock.objects.exists() and not LinePlace.objects.exists()


def test_once_seen_they_are_known_before_anybody_connects(one_box, person):
    mine, theirs, _ = one_box
    for by, device in ((person("acme-admin"), mine), (person("msp-admin"), theirs)):
        assert make.finish(change(by, device)).status == "succeeded"
    assert len(set(Sighting.objects.values_list("host_key", "called"))) == 1
    first, second = (change(person("msp-admin"), device, "ntp peer 198.51.100.8") for device in (mine, theirs))
    assert claim(first) and claim(second) is None


def test_a_reader_waits_for_a_change_at_the_other_address_and_two_readers_share(one_box, person):
    mine, theirs, _ = one_box
    first = change(person("acme-admin"), mine)
    reading = [make.job(person("msp-admin"), make.template(theirs.tenant), [theirs])[1] for _ in range(2)]
    item, reader = claim(first), claim(reading[0])

    def meanwhile():
        end(executor.execute(reader))
        assert statuses(reading[0]) == ["queued"]

    end(executor.execute(item, Meanwhile(item, meanwhile)))
    one, two = (claim(run) for run in reading)
    end(executor.execute(one), executor.execute(two))
    assert [statuses(run) for run in reading] == [["succeeded"]] * 2


def test_a_box_that_is_renamed_meanwhile_is_still_held(one_box, person):
    mine, theirs, _ = one_box
    first = change(person("acme-admin"), mine, "hostname renamed\nntp server 198.51.100.9")
    second = change(person("msp-admin"), theirs)
    holder, other = claim(first), claim(second)

    def meanwhile():
        end(executor.execute(other))
        assert statuses(second) == ["queued"], "it is called otherwise now, and is the same box"

    end(executor.execute(holder, Meanwhile(holder, meanwhile)))
    assert statuses(first) == ["succeeded"] and mine.sighting.called == "renamed"


def test_boxes_of_one_image_do_not_wait_for_each_other(image, person):
    devices, executed = image
    runs = [change(person("acme-admin"), device) for device in devices]

    def rest(items):
        """Change each device in the midst of the change of the one before."""
        item, *further = items
        end(executor.execute(item, Meanwhile(item, (lambda: rest(further)) if further else None)))

    for _ in range(2):  # at the first contact, and when they are known
        rest([claim(run) for run in runs])
        assert [statuses(run) for run in runs] == [["succeeded"]] * 4
        runs = [change(person("acme-admin"), device) for device in devices]
    assert len({device.host_key for device in Device.objects.filter(pk__in=[d.pk for d in devices])}) == 1
    assert not DeviceRun.objects.exclude(waiting_since=None).exists()


def test_what_cannot_be_told_apart_is_taken_for_one_box(image, person):
    """The same key and the same name, as on boxes fresh from the factory: one after the other."""
    (one, two, *_), executed = image
    for device in (one, two):
        executed.state(device).hostname = "switch"
    runs = [change(person("acme-admin"), device) for device in (one, two)]
    item, other = (claim(run) for run in runs)
    end(executor.execute(item, Meanwhile(item, lambda: end(executor.execute(other)))))
    assert [statuses(run) for run in runs] == [["succeeded"], ["queued"]]
    assert make.finish(runs[1]).status == "succeeded"


def test_the_same_private_address_behind_other_agents_is_another_box(tenant, person, wakeups, monkeypatch):
    pairs = [(tenant("acme"), "acme-admin"), (tenant("globex"), "msp-admin")]
    runs = []
    for owner, name in pairs:
        device = make.devices(owner, "linux")[0]
        Device.objects.filter(pk=device.pk).update(connect_host="", address="10.0.0.1", connect_port=22)
        runs.append(change(person(name), Device.objects.get(pk=device.pk)))
    for run, network in zip(runs, ("of acme", "of globex"), strict=True):
        monkeypatch.setattr(claims, "this_network", lambda network=network: network)
        assert claim(run)


def test_a_name_that_leads_to_an_address_is_held_by_the_address(one_box, person):
    mine, *_ = one_box
    run = change(person("acme-admin"), mine)
    named, plain = (DeviceRun(endpoint=f"{host}:22", run=run, plan_data={}) for host in ("core1.example", "10.1.1.1"))
    seen = Seen("", "core1", "10.1.1.1")
    assert not device_locks.keys_of(named, "here") & device_locks.keys_of(plain, "here")
    assert device_locks.keys_seen(named, run.device_runs.get().plan, seen, "here") & device_locks.keys_of(plain, "here")


class TestHostileTenants:
    """Somebody with a record, a box or a worker of his own wants to keep others from theirs."""

    def test_who_has_no_login_comes_after_all_who_have(self, one_box, person, tenant):
        mine, theirs, _ = one_box
        Device.objects.filter(pk=theirs.pk).update(connect_host=mine.connect_host)
        make.finish(change(person("acme-admin"), mine))
        holder = claim(change(person("acme-admin"), mine, "ntp peer 198.51.100.7")).device_run
        flood = [make.job(person("msp-admin"), make.template(theirs.tenant), [theirs])[1] for _ in range(5)]
        assert [claim(run) for run in flood] == [None] * 5
        late = change(person("acme-admin"), mine, "ntp peer 198.51.100.8")
        assert claim(late) is None
        make.end(DeviceRun.objects.filter(pk=holder.pk), "succeeded")
        device_locks.release([holder.pk])
        DeviceRun.objects.filter(status="waiting").update(status="queued", waits_for=None)
        assert [claim(run) for run in flood] == [None] * 5 and claim(late)

    def test_many_records_delay_the_first_contact_of_another_customer_by_one(self, one_box, person):
        mine, theirs, _ = one_box
        Device.objects.filter(pk=theirs.pk).update(connect_host=mine.connect_host)
        flood = [make.job(person("msp-admin"), make.template(theirs.tenant), [theirs])[1] for _ in range(6)]
        holders = [claim(run) for run in flood]
        assert [bool(item) for item in holders] == [True, True, False, False, False, False], "two readers share"
        late = change(person("acme-admin"), mine)
        assert claim(late) is None
        executor.store([executor.execute(item) for item in holders[:2]])
        DeviceRun.objects.filter(status="waiting").update(status="queued", waits_for=None)
        assert [claim(run) for run in reversed(flood[3:])] == [None] * 3, "each waits for its customer's first"
        assert claim(late) is None and late.device_runs.get().waits_for == flood[2].device_runs.get().pk
        end(executor.execute(claim(flood[2])))
        DeviceRun.objects.filter(status="waiting").update(status="queued", waits_for=None)
        assert [claim(run) for run in flood[3:]] == [None] * 3 and claim(late)

    def test_a_record_of_somebody_elses_box_holds_it_for_one_refused_login(self, one_box, person):
        mine, theirs, executed = one_box
        Device.objects.filter(pk=theirs.pk).update(connect_host=mine.connect_host)
        executed.state(mine).spec.password = "of acme alone"
        run = make.job(person("msp-admin"), make.template(theirs.tenant), [theirs])[1]
        end(executor.execute(claim(run)))
        row = run.device_runs.get()
        assert (row.status, row.reason) == ("failed", "login_refused")
        assert not DeviceLock.objects.exists() and not Sighting.objects.exists()

    def test_a_record_that_is_moved_to_somebody_elses_box_is_not_known_there(self, one_box, person):
        mine, theirs, _ = one_box
        make.finish(change(person("msp-admin"), theirs))
        Device.objects.filter(pk=theirs.pk).update(connect_host=mine.connect_host)
        row = change(person("msp-admin"), Device.objects.get(pk=theirs.pk)).device_runs.get()
        assert device_locks.sighting_of(row) is None

    def test_who_lost_its_lease_leaves_no_hold_behind(self, one_box, person):
        mine, *_ = one_box
        item = claim(change(person("acme-admin"), mine))
        recovery.interrupt([item.device_run], timezone.now())
        DeviceRun.objects.filter(pk=item.device_run.pk).update(waiting_since=None)
        outcome = executor.execute(item)
        assert outcome.result.reason == "lease_lost" and not DeviceLock.objects.exists()

    def test_a_box_that_shows_another_key_in_the_midst_of_a_run_gets_no_password_and_is_free_again(
        self, tmp_path, tenant, person, wakeups
    ):
        class Swapped(Journal):
            def step_repeated(self, step):
                super().step_repeated(step)
                self.device_run.device.host_key = "SHA256:of-another-box"

        with make.fleet(tmp_path, "acme") as (faults, executed):
            device = make.devices(tenant("acme"), "cisco_ios")[0]
            faults(**{device.name: {"reset_once": "show version"}})
            run = make.job(person("acme-operator"), make.template(device.tenant), [device])[1]
            item = claim(run)
            end(executor.execute(item, Swapped(item.device_run, item.plan.commands, item.claimed)))
            row = run.device_runs.get()
            assert (row.status, row.reason) == ("failed", "host_key_changed")
            assert len(executed.logins(device)) == 1 and not DeviceLock.objects.exists()

    def test_who_is_sent_back_again_and_again_gives_up_in_time(self, one_box, person):
        mine, *_ = one_box
        row = claim(change(person("acme-admin"), mine)).device_run
        now = timezone.now()
        row.waited_since = now - device_locks.PATIENCE - timedelta(seconds=1)
        assert device_locks.stand_back(row, now) is False
        row.waited_since = now - timedelta(minutes=1)
        assert device_locks.stand_back(row, now) is True
        row.refresh_from_db()
        assert (row.status, row.waiting_since) == ("queued", now - timedelta(minutes=1))


def test_shared_keys_are_a_finding_on_the_page_of_a_device(image, person, tenant, browser):
    """Named as far as the viewer sees them; of other customers' devices no more than that there are some."""
    (one, two, *_), executed = image
    theirs = make.devices(tenant("globex"), two.platform)[0]
    Device.objects.filter(pk=theirs.pk).update(connect_host=two.connect_host, connect_port=two.connect_port)
    page = lambda name: browser(name).get(f"/devices/{one.pk}/").content.decode()  # noqa: E731
    make.finish(change(person("acme-admin"), one))
    assert "Shared host key" not in page("acme-viewer")
    make.finish(change(person("msp-admin"), theirs))
    text = page("acme-viewer")
    assert "Shared host key" in text and "Devices of other customers show this key" in text
    assert theirs.name not in text and "Globex" not in text and "under another name" not in text
    assert "under another name" in page("msp-admin") and theirs.name in page("msp-admin")
    executed.state(two).hostname = one.sighting.called
    make.finish(change(person("acme-admin"), two))
    text = page("acme-viewer")
    assert "They count as one box" in text and two.name in text


def test_networks_of_one_process_have_one_name():
    assert workers.this_network() == workers.this_network() and len(workers.this_network()) == 12
