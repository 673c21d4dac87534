"""Backups that a device's configuration-change trap begins; the traps are net-snmp's."""

import asyncio
import queue
import shutil
import subprocess
import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from devices.domain.secrets import Secret
from devices.drivers import trap_receiver
from devices.models import Device
from jobs.dispatch import starter, trap_backups
from jobs.domain.spec import TriggerKind
from jobs.models import JobRun, ServiceJob, Trigger
from tests import make, servers
from tests.jobs.test_opsramp import FIRST, SECOND, URL, changed

pytestmark = pytest.mark.django_db
CONFIG_EVENT = "1.3.6.1.4.1.9.9.43.2.0.1"


@pytest.fixture
def backup(api, wakeups):
    body = changed("networkconfigbackup", "jobQueued", False)
    answer = api("client13-admin").post(URL, body, format="json")
    return ServiceJob.objects.get(pk=answer.json()["id"])


@pytest.fixture
def received():
    """What the receiver was told, and how to send it a trap from an address."""
    if not shutil.which("snmptrap"):
        pytest.skip("net-snmp's snmptrap is not installed")
    told, port, ready = queue.Queue(), servers.free_port(), threading.Event()
    user = trap_receiver.User("watch", "8000000001020304", Secret("auth-key-1234"), Secret("priv-key-1234"))
    loop = asyncio.new_event_loop()
    community = Secret("traps")
    task = trap_receiver._receive("0.0.0.0", port, community, user, lambda *what: told.put(what), ready.set)
    threading.Thread(target=lambda: loop.run_until_complete(task), daemon=True).start()
    assert ready.wait(10)

    def send(address, *words, oid=CONFIG_EVENT):
        words = words or ("-v", "2c", "-c", "traps")
        subprocess.run(
            ["snmptrap", *words, f"--clientaddr={address}", f"127.0.0.1:{port}", "", oid], check=True, timeout=20
        )

    return told, send


def test_traps_are_told_with_their_source_and_strangers_are_not(received):
    told, send = received
    send("127.22.0.14")
    assert told.get(timeout=5) == ("127.22.0.14", CONFIG_EVENT)
    v3 = (
        "-v",
        "3",
        "-e",
        "0x8000000001020304",
        "-u",
        "watch",
        "-l",
        "authPriv",
        "-a",
        "SHA-256",
        "-A",
        "auth-key-1234",
        "-x",
        "AES",
        "-X",
    )
    send("127.22.0.14", *v3, "priv-key-1234")
    assert told.get(timeout=5) == ("127.22.0.14", CONFIG_EVENT)
    send("127.22.0.14", "-v", "2c", "-c", "guess")
    send("127.22.0.14", *v3, "priv-key-9999")
    with pytest.raises(queue.Empty):
        told.get(timeout=1.5)


def test_a_trap_backs_up_its_device_alone_and_several_for_one_change_do_it_once(backup):
    first, now = Device.objects.get(pk=FIRST), timezone.now()
    (run,) = trap_backups.configuration_changed(address=first.connect_host, now=now)
    assert [str(row.device_id) for row in run.device_runs.all()] == [FIRST] and run.job == backup
    assert run.trigger.name == "Configuration-change trap" and run.executed_by.username == "client13-admin"
    assert not trap_backups.configuration_changed(address=first.address, now=now + timedelta(seconds=2))
    make.end(JobRun.objects.all())
    assert not trap_backups.configuration_changed(address=first.address, now=now + timedelta(seconds=29))
    assert len(trap_backups.configuration_changed(address=first.address, now=now + timedelta(seconds=31))) == 1


def test_only_jobs_that_want_it_and_only_for_their_devices(backup, tenant, api):
    now = timezone.now()
    other = Device.objects.filter(tenant__key="client_13").exclude(pk__in=[FIRST, SECOND]).first()
    assert not trap_backups.configuration_changed(address=other.address, now=now)
    assert not trap_backups.configuration_changed(address="203.0.113.9", now=now)
    stranger = Device.objects.filter(tenant__key="acme").first()
    assert not trap_backups.configuration_changed(address=stranger.address, now=now)
    ServiceJob.objects.filter(pk=backup.pk).update(enabled=False)
    assert not trap_backups.configuration_changed(address="10.233.19.130", now=now)
    ServiceJob.objects.filter(pk=backup.pk).update(enabled=True)
    found = api("client13-admin").get(f"{URL}/{backup.pk}").json()
    found["script"]["configParams"]["backUpTrigger"] = False
    assert api("client13-admin").post(f"{URL}/{backup.pk}", found, format="json").status_code == 200
    assert not trap_backups.configuration_changed(address="10.233.19.130", now=now)


def test_its_triggers_are_not_shown_as_schedules_and_the_body_stays(backup, api):
    before = api("client13-admin").get(f"{URL}/{backup.pk}").json()
    trap_backups.configuration_changed(address="10.233.19.130", now=timezone.now())
    assert api("client13-admin").get(f"{URL}/{backup.pk}").json() == before


def test_a_trap_of_the_fleet_keeps_the_changed_configuration(tmp_path, backup):
    with make.fleet(tmp_path, "client_13") as (_, executed):
        first = Device.objects.get(pk=FIRST)
        state = executed.state(first)
        for number in (1, 2):
            state.running = [*state.running[:30], f"ntp server 203.0.113.{number}", *state.running[30:]]
            (run,) = trap_backups.configuration_changed(
                address=first.connect_host, now=timezone.now() + timedelta(minutes=number)
            )
            assert make.finish(run).status == "succeeded", run.device_runs.get().message
        assert "203.0.113.2" in first.snapshots.filter(kind="running").order_by("-pk").first().unsealed


def test_a_trigger_that_a_person_named_like_ours_is_none_of_a_trap(backup):
    """A name is for people: a run of a trigger called like a trap's keeps no backup from beginning."""
    now = timezone.now()
    named = Trigger.objects.create(tenant=backup.tenant, job=backup, kind=TriggerKind.NOW, name=trap_backups.NAME)
    narrowed = starter.Narrowed({FIRST})
    starter.start_now(by=backup.created_by, job=backup, trigger=named, now=now, narrowed=narrowed)
    assert len(trap_backups.configuration_changed(address="10.233.19.130", now=now)) == 1
