"""The engine's rules on the database: the device lock, limits, leases, rollouts, windows, cancel, running again."""

from datetime import timedelta

import pytest
from django.utils import timezone

from config.errors import Conflict, Invalid
from devices.domain.boxes import Seen
from devices.models import Agent, Device, Tenant
from devices.services import inventory, workers
from jobs import control
from jobs.dispatch import starter
from jobs.domain.rollout import Rollout
from jobs.models import DeviceLock, DeviceRun, JobRun, ScheduleFilter, ServiceJob
from jobs.worker import claims, completion, device_locks, leases
from jobs.worker.journal import Journal
from tests import make
from tests.jobs.by_hand import claim, end, start, statuses

pytestmark = pytest.mark.django_db


class TestTheDeviceLock:
    def test_a_change_waits_for_a_change_and_says_for_whom(self, acme, person):
        device = make.devices(acme, "linux")
        first, second = (start(acme, person("acme-admin"), device, changes=True) for _ in range(2))
        (holder,) = claim(first)
        assert claim(second) == []
        waiter = second.device_runs.get()
        assert (waiter.status, waiter.waits_for) == ("waiting", holder.pk)
        end([holder])
        assert [row.pk for row in claim(second)] == [waiter.pk]

    def test_two_readers_share_and_a_third_waits(self, acme, person):
        device = make.devices(acme, "linux")
        runs = [start(acme, person("acme-operator"), device) for _ in range(3)]
        assert [len(claim(run)) for run in runs] == [1, 1, 0]

    def test_first_come_first_served_even_for_a_reader_behind_a_change(self, acme, person):
        device, admin = make.devices(acme, "linux"), person("acme-admin")
        reading, changing, late = (
            start(acme, admin, device),
            start(acme, admin, device, changes=True),
            start(acme, admin, device),
        )
        (reader,) = claim(reading)
        assert claim(changing) == [] and claim(late) == [], "the late reader waits behind the change"
        end([reader])
        assert len(claim(changing)) == 1 and claim(late) == []

    @pytest.mark.parametrize(("name", "claimed"), [("core1", 0), ("core2", 1)])
    def test_a_device_is_the_same_by_its_host_key_and_its_name_at_another_address(self, acme, person, name, claimed):
        pair = make.devices(acme, "linux", "cisco_ios")
        Device.objects.filter(pk__in=[device.pk for device in pair]).update(host_key="SHA256:same")
        seen = [Seen("SHA256:same", called, device.endpoint[0]) for called, device in zip(("core1", name), pair)]
        places = [f"{device.endpoint[0]}:{device.endpoint[1]}" for device in pair]
        inventory.remember_sightings(list(zip(pair, seen, places)), at=timezone.now())
        first, second = (start(acme, person("acme-admin"), [device], changes=True) for device in pair)
        assert len(claim(first)) == 1 and len(claim(second)) == claimed

    def test_it_spans_tenants_and_hides_who_holds_it(self, acme, person, tenant, browser):
        mine = make.devices(acme, "linux")[0]
        theirs = make.devices(tenant("globex"), "linux")[0]
        Device.objects.filter(pk=theirs.pk).update(connect_host=mine.connect_host, connect_port=mine.connect_port)
        held = make.job(person("msp-admin"), make.template(tenant("globex")), [theirs])[1]
        run = start(acme, person("acme-admin"), [mine], changes=True)
        assert len(claim(held)) == 1 and claim(run) == []
        page = browser("acme-operator").get(f"/runs/{run.pk}/").content.decode()
        assert "Waits for a run of another customer" in page and held.job_name not in page

    def test_who_waits_too_long_gives_up(self, acme, person):
        device = make.devices(acme, "linux")
        first, second = (start(acme, person("acme-admin"), device, changes=True) for _ in range(2))
        claim(first)
        claim(second)
        completion.look_after(now=timezone.now() + device_locks.PATIENCE + timedelta(minutes=1))
        row = second.device_runs.get()
        assert (row.status, row.reason) == ("failed", "device_busy") and "30 minutes" in row.message
        assert JobRun.objects.get(pk=second.pk).status == "failed"

    def test_who_waits_for_somebody_gone_is_woken(self, acme, person):
        device = make.devices(acme, "linux")
        first, second = (start(acme, person("acme-admin"), device, changes=True) for _ in range(2))
        (holder,) = claim(first)
        claim(second)
        DeviceLock.objects.filter(device_run=holder).delete()
        assert device_locks.wake_stranded() == 1
        assert len(claim(second)) == 1


class TestLimits:
    def test_an_agent_and_a_tenant_have_their_own(self, acme, person):
        run = start(acme, person("acme-operator"), make.devices(acme)[:3])
        Agent.objects.filter(pk=run.agent_id).update(max_parallel=2)
        Tenant.objects.filter(pk=acme.pk).update(max_parallel=1)
        assert len(claim()) == 1 and claim() == []
        Tenant.objects.filter(pk=acme.pk).update(max_parallel=None)
        assert len(claim()) == 1 and claim() == []

    def test_who_has_no_room_does_not_stand_in_the_way_of_others(self, acme, person, tenant, monkeypatch):
        """Neither a customer at his limit, nor a large run whose credential is on trial, nor a closed window."""
        monkeypatch.setattr(claims, "FEWEST_RUNS", 2)
        for _ in range(3):
            start(acme, person("acme-operator"), make.devices(acme, "linux"))
        Tenant.objects.filter(pk=acme.pk).update(max_parallel=1)
        globex = tenant("globex")
        on_trial = start(globex, person("globex-operator"), make.devices(globex))
        other = start(globex, person("globex-operator"), make.devices(globex, "linux"))
        while claim(limit=3):
            pass
        assert DeviceRun.objects.filter(tenant=acme, status="running").count() == 1
        assert statuses(on_trial).count("running") == 3
        assert statuses(other) == ["running"]

    def test_what_was_tried_before_comes_after_what_was_not(self, acme, person):
        run = start(acme, person("acme-operator"), make.devices(acme))
        proof = claim(run)[0]
        claims.prove(run=proof.run, credential=proof.credential_key)
        queued = list(run.device_runs.filter(status="queued").order_by("pk"))
        DeviceRun.objects.filter(pk__in=[row.pk for row in queued[:2]]).update(tries=1)
        expected = [row.pk for row in (*queued[2:], *queued[:2])]
        assert [row.pk for row in claim(run, limit=1)] == expected[:1]
        assert [row.pk for row in claim(run)] == expected[1:]

    def test_a_worker_is_told_that_others_have_all_the_places(self, acme, person):
        run = start(acme, person("acme-operator"), make.devices(acme))
        now, worker = timezone.now(), make.worker()
        assert not claims.does_work_wait(worker=worker, now=now), "a run that has not begun is hinted"
        claim(run)
        assert claim(run) == [] and claims.does_work_wait(worker=worker, now=now)
        others = workers.register(queues=["agent.of.others"], now=now)
        assert not claims.does_work_wait(worker=others, now=now)
        queued, runs = run.device_runs.filter(status="queued"), JobRun.objects.filter(pk=run.pk)
        for rows, changes in (
            (runs, {"paused_at": now}),
            (queued, {"not_before": now + timedelta(1)}),
            (queued, {"wave": 1}),
        ):
            before = list(rows.values(*changes)[:1])[0]
            rows.update(**changes)
            assert not claims.does_work_wait(worker=worker, now=now), changes
            rows.update(**before)
            assert claims.does_work_wait(worker=worker, now=now)

    def test_a_draining_agent_begins_nothing(self, acme, person):
        run = start(acme, person("acme-operator"), make.devices(acme, "linux"))
        Agent.objects.filter(pk=run.agent_id).update(draining=True)
        assert claim() == []

    def test_a_credential_is_tried_on_three_devices_until_one_accepts_it(self, acme, person):
        run = start(acme, person("acme-operator"), make.devices(acme))
        first = claim(run)
        assert len(first) == 3 and claim(run) == []
        claims.prove(run=first[0].run, credential=first[0].credential_key)
        assert len(claim(run)) == run.device_runs.count() - 3

    def test_three_refusals_pause_the_run_until_somebody_resumes_it(self, acme, person):
        run = start(acme, person("acme-operator"), make.devices(acme))
        end(claim(run), "failed", "login_refused")
        run.refresh_from_db()
        assert run.paused_at and "3 devices refused the credential" in run.pause_reason
        assert claim(run) == []
        control.resume_run(by=person("acme-operator"), run=run, now=timezone.now())
        assert len(claim(run)) == 3
        with pytest.raises(Conflict, match="not paused"):
            control.resume_run(by=person("acme-operator"), run=run, now=timezone.now())


class TestRollout:
    def test_canaries_then_waves_then_the_rest(self, acme, person):
        devices = make.devices(acme)[:6]
        run = start(acme, person("acme-operator"), devices, rollout=Rollout(canary=1, wave=2))
        sizes = []
        while rows := claim(run):
            sizes.append(len(rows))
            end(rows)
        assert sizes == [1, 2, 2, 1] and JobRun.objects.get(pk=run.pk).status == "succeeded"

    def test_a_wave_opens_when_its_pause_is_over(self, acme, person):
        run = start(acme, person("acme-operator"), make.devices(acme)[:2], rollout=Rollout(canary=1, soak=10))
        end(claim(run))
        assert claim(run) == []
        completion.look_after(now=timezone.now() + timedelta(minutes=9))
        assert claim(run) == []
        completion.look_after(now=timezone.now() + timedelta(minutes=11))
        assert len(claim(run)) == 1

    def test_a_failed_canary_stops_the_run(self, acme, person):
        run = start(acme, person("acme-operator"), make.devices(acme)[:4], rollout=Rollout(canary=1, stop_count=1))
        end(claim(run), "failed", "rejected")
        run.refresh_from_db()
        assert statuses(run) == ["failed", "skipped", "skipped", "skipped"]
        assert run.status == "failed" and "1 devices did not succeed; the job stops at 1." in run.reason

    @pytest.mark.parametrize(
        "rollout,ended,bad,stops",
        [
            (Rollout(stop_percent=20, sample=5), 4, 4, False),
            (Rollout(stop_percent=20, sample=5), 5, 1, True),
            (Rollout(stop_percent=20, sample=5), 10, 1, False),
            (Rollout(stop_count=3), 100, 2, False),
            (Rollout(), 9, 9, False),
        ],
    )
    def test_when_it_stops(self, rollout, ended, bad, stops):
        assert bool(rollout.reason_to_stop(ended, bad)) is stops

    def test_what_cannot_be_is_refused_with_its_field(self, acme, person):
        with pytest.raises(Invalid) as error:
            start(acme, person("acme-operator"), make.devices(acme)[:1], rollout=Rollout(soak=5, stop_percent=101))
        assert set(error.value.fields) == {"soak", "stop_percent"}


class TestTheMaintenanceWindow:
    def window(self, tenant, until):
        clock = until.strftime("%H:%M")
        rules = [{"mode": "only", "window": [(until - timedelta(hours=2)).strftime("%H:%M"), clock]}]
        return ScheduleFilter.objects.create(tenant=tenant, name="Night", rules=rules)

    def test_nothing_begins_outside_of_it(self, acme, person):
        now = timezone.now()
        closed = self.window(acme, now - timedelta(hours=3))
        run = start(acme, person("acme-operator"), make.devices(acme)[:2], window=closed.pk)
        assert claim(run) == []
        assert statuses(run) == ["queued", "queued"]

    def test_when_it_closes_what_has_not_begun_is_skipped(self, acme, person):
        now = timezone.now()
        run = start(
            acme,
            person("acme-operator"),
            make.devices(acme)[:3],
            max_parallel=1,
            window=self.window(acme, now + timedelta(minutes=30)).pk,
        )
        (first,) = claim(run)
        completion.look_after(now=now + timedelta(hours=1))
        assert statuses(run) == ["running", "skipped", "skipped"]
        assert "maintenance window Night closed" in run.device_runs.filter(status="skipped").first().message
        end([first])
        assert JobRun.objects.get(pk=run.pk).status == "partial"

    def test_it_must_be_a_filter_of_the_customer(self, acme, person, tenant):
        other = ScheduleFilter.objects.create(tenant=tenant("globex"), name="Theirs", rules=[{"weekdays": ["monday"]}])
        with pytest.raises(Invalid) as error:
            start(acme, person("acme-operator"), make.devices(acme)[:1], window=other.pk)
        assert "window" in error.value.fields


class TestCancelAndAgain:
    def test_one_device_is_cancelled_and_the_others_go_on(self, acme, person):
        run = start(acme, person("acme-operator"), make.devices(acme)[:2], max_parallel=1)
        (running,) = claim(run)
        waiting = run.device_runs.get(status="queued")
        for row in (waiting, running):
            control.cancel_device(by=person("acme-operator"), device_run=row, now=timezone.now())
        assert statuses(run) == ["cancelled", "running"]
        journal = Journal(running)
        leases.notice_cancels({running.pk: journal})
        assert journal.cancelled
        with pytest.raises(Conflict):
            control.cancel_device(by=person("acme-operator"), device_run=waiting, now=timezone.now())

    def test_failed_devices_run_again_as_a_new_run(self, acme, person):
        run = start(acme, person("acme-operator"), make.devices(acme)[:3])
        good, bad, lost = claim(run)
        end([good])
        end([bad], "failed", "rejected")
        with pytest.raises(Conflict, match="not ended"):
            control.run_again(by=person("acme-operator"), run=run, which="failed", now=timezone.now())
        end([lost], "interrupted", "interrupted")
        run.refresh_from_db()
        for which, row in (("failed", bad), ("interrupted", lost)):
            made = control.run_again(by=person("acme-operator"), run=run, which=which, now=timezone.now())
            assert made.parent_id == run.pk and [r.device_id for r in made.device_runs.all()] == [row.device_id]
            end(claim(made))
        with pytest.raises(Conflict, match="not started"):
            control.run_again(by=person("acme-operator"), run=run, which="not_started", now=timezone.now())

    def test_running_a_change_again_needs_the_right_or_a_new_approval(self, acme, person):
        run = start(acme, person("acme-admin"), make.devices(acme)[:1], changes=True)
        end(claim(run), "failed", "rejected")
        run.refresh_from_db()
        with pytest.raises(Conflict, match="approval"):
            control.run_again(by=person("acme-operator"), run=run, which="failed", now=timezone.now())
        made = control.bypass_again(
            by=person("acme-admin"), run=run, which="failed", reason="It was the cable.", now=timezone.now()
        )
        assert (made.bypass, made.approval_note) == ("again", "bypassed: ran again by right")

    def test_the_pages_and_the_api_do_the_same(self, acme, person, browser, api):
        run = start(acme, person("acme-operator"), make.devices(acme)[:2])
        end(claim(run), "failed", "rejected")
        page = browser("acme-operator").get(f"/runs/{run.pk}/").content.decode()
        assert "Run 2 failed again" in page
        answer = browser("acme-operator").post(f"/runs/{run.pk}/again/", {"which": "failed"})
        made = JobRun.objects.get(parent=run)
        assert answer.url == f"/runs/{made.pk}/"
        row = made.device_runs.first()
        browser("acme-operator").post(f"/runs/{made.pk}/devices/{row.pk}/cancel/")
        assert DeviceRun.objects.get(pk=row.pk).status == "cancelled"
        other = made.device_runs.exclude(pk=row.pk).get()
        assert api("acme-operator").post(f"/api/v1/device-runs/{other.pk}/cancel/").json()["status"] == "cancelled"
        again = api("acme-operator").post(f"/api/v1/runs/{made.pk}/again/", {"which": "not_started"})
        assert again.status_code == 201 and again.json()["parent"] == made.pk
        assert api("acme-operator").post(f"/api/v1/runs/{run.pk}/resume/").status_code == 409
        assert api("acme-viewer").post(f"/api/v1/runs/{made.pk}/again/", {}).status_code == 403


def test_the_wizard_and_the_api_keep_rollout_and_window(acme, person, browser, api):
    window = ScheduleFilter.objects.create(tenant=acme, name="Night", rules=[{"weekdays": ["monday"]}])
    draft = make.draft(person("acme-operator"), make.template(acme), make.devices(acme, "linux"))
    data = {
        "execute": "now",
        "visibility": "public",
        "order": "0",
        "canary": "1",
        "wave": "5",
        "soak": "10",
        "stop_percent": "20",
        "sample": "4",
        "max_parallel": "7",
        "window": window.pk,
        "action": "submit",
    }
    browser("acme-operator").post(f"/drafts/{draft.pk}/schedule/", data)
    job = ServiceJob.objects.get(pk=draft.pk)
    assert (job.status, job.max_parallel, job.window_id) == ("saved", 7, window.pk)
    assert (
        Rollout.from_json(job.rollout).words()
        == "1 canary first, waves of 5, 10 min pause after each, stops when 20 % did not succeed (of at least 4)"
    )
    body = {
        "template": job.template_id,
        "name": "By API",
        "description": "x",
        "agent": job.agent_id,
        "window": window.pk,
        "rollout": {"canary": 2},
        "selection": {"devices": [str(make.devices(acme, "linux")[0].pk)]},
    }
    made = api("acme-operator").post("/api/v1/jobs/", body, format="json").json()
    found = ServiceJob.objects.get(pk=made["id"])
    assert found.rollout["canary"] == 2 and found.window_id == window.pk


def test_a_run_that_was_started_in_vain_does_not_stay_open(acme, person):
    """A worker that vanishes between storing the last device and settling the run leaves that to the others."""
    run = start(acme, person("acme-operator"), make.devices(acme, "linux"))
    claim(run)
    run.device_runs.update(status="succeeded", lease_expires_at=None)
    completion.look_after(now=timezone.now())
    assert JobRun.objects.get(pk=run.pk).status == "succeeded"
    assert starter.any_forgotten(now=timezone.now()) is False
