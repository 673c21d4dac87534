"""The product's own job types on simulated devices over real SSH; what the device is afterwards is looked at, not
only the run."""

import json

import pytest
from django.utils import timezone

from devices.channels.webhook import WEBHOOK
from devices.models import ConfigSnapshot, Device, Notice, OutboxMessage
from devices.services import channels
from jobs.authoring import opsramp
from jobs.models import JobRun, ServiceJob
from templates_app.models import Script, ScriptParameter
from tests import make
from tests.jobs.test_opsramp import FIRST, SECOND, URL, sample

pytestmark = pytest.mark.django_db
ADMIN = "client13-admin"


@pytest.fixture
def client13(tmp_path, tenant, wakeups):
    with make.fleet(tmp_path, "client_13") as (faults, executed):
        yield tenant("client_13"), faults, executed


@pytest.fixture
def run(api, person):
    """Create a job by OpsRamp's API and run it now; return the ended run."""

    def go(body, job=None):
        if job is None:
            answer = api(ADMIN).post(URL, body, format="json")
            assert answer.status_code == 200, answer.content
            job = ServiceJob.objects.get(pk=answer.json()["id"])
        job.refresh_from_db()
        return make.finish(opsramp.run(by=person(ADMIN), job=job, reason="A test.", now=timezone.now())), job

    return go


def body(kind, *devices, **script):
    found = sample(kind)
    found["entities"] = [{"resource": {"id": str(pk), "type": "DEVICE"}} for pk in devices]
    found["script"] |= script
    return found


def device(tenant, platform):
    return Device.objects.filter(tenant=tenant, platform=platform).order_by("name").first()


def texts(run):
    return "\n".join(make.shown(step).output for row in run.device_runs.all() for step in row.steps.all())


class TestBackup:
    def configurations(self, kind=None):
        rows = ConfigSnapshot.objects.filter(device=FIRST).order_by("pk")
        return [(row.kind, row.unsealed) for row in rows if kind in (None, row.kind)]

    def test_both_configurations_are_kept_as_the_device_has_them(self, client13, run):
        state = client13[2].state(Device.objects.get(pk=FIRST))
        state.startup = [*state.running[:-1], "! only at the next start", state.running[-1]]
        done, _ = run(body("networkconfigbackup", FIRST))
        assert done.status == "succeeded", [row.message for row in done.device_runs.all()]
        (_, running), (_, startup) = self.configurations()
        assert [kind for kind, _ in self.configurations()] == ["running", "startup"]
        assert state.running[20] in running and "! only at the next start" in startup
        assert "! only at the next start" not in running

    @pytest.mark.parametrize(("versions", "kept"), [("ALL_VERSIONS", 3), ("VERSION_WITH_CHANGES", 2)])
    def test_all_versions_or_changed_ones_only(self, client13, run, versions, kept):
        params = sample("networkconfigbackup")["script"]["configParams"]
        params |= {"versionsSaved": versions, "startUpConfigFilesBackUp": "false"}
        _, job = run(body("networkconfigbackup", FIRST, configParams=params))
        run(None, job)
        state = client13[2].state(Device.objects.get(pk=FIRST))
        state.running = [*state.running[:30], "ntp server 203.0.113.77", *state.running[30:]]
        run(None, job)
        found = self.configurations()
        assert [kind for kind, _ in found] == ["running"] * kept
        assert "203.0.113.77" in found[-1][1] and "203.0.113.77" not in found[-2][1]

    def test_a_change_alerts_where_it_is_wanted_and_an_unchanged_one_does_not(self, client13, run, person):
        tenant = client13[0]
        channels.save_channel(
            by=person(ADMIN), tenant=tenant, channel=WEBHOOK, secrets={}, name="Hook", url="https://x.example/"
        )
        params = sample("networkconfigbackup")["script"]["configParams"]
        _, job = run(body("networkconfigbackup", FIRST, configParams=params | {"startupConfigAlert": "false"}))
        job.notify_users.add(person("client13-operator"))
        run(None, job)
        changed = OutboxMessage.objects.filter(event="config_changed")
        assert not changed.exists()
        state = client13[2].state(Device.objects.get(pk=FIRST))
        state.running = state.startup = [*state.running[:30], "ntp server 203.0.113.78", *state.running[30:]]
        run(None, job)
        assert [row.subject for row in changed] == ["10.233.19.130: running configuration"]
        assert (
            Notice.objects.filter(
                recipient__username="client13-operator", text__startswith="Configuration changed"
            ).count()
            == 1
        )

    def test_a_refused_command_keeps_what_was_read_before_it_and_fails(self, client13, run):
        client13[1](**{"10.233.19.130": {"reject": "startup"}})
        done, _ = run(body("networkconfigbackup", FIRST))
        assert done.status == "failed" and done.device_runs.get().reason == "rejected"
        assert [kind for kind, _ in self.configurations()] == ["running"]


class TestCheckList:
    def test_a_healthy_domain_controller_passes_every_check(self, client13, run):
        done, _ = run(body("adCheckList", SECOND))
        row = done.device_runs.get()
        assert row.status == "succeeded", row.message
        assert {step.verdict for step in row.steps.all()} == {"pass"} and row.steps.count() == 11
        executed = client13[2](Device.objects.get(pk=SECOND))
        assert executed == list(row.plan.commands), "each once, in order"

    def test_each_bad_check_is_named_with_its_text_and_the_others_still_run(self, client13, run):
        client13[1](
            **{"172.30.1.60": {"dc": {"dns": "fail", "replication": "warn", "stopped": "DFSR", "time": "fail"}}}
        )
        done, _ = run(body("adCheckList", SECOND))
        row = done.device_runs.get()
        assert (row.status, row.reason) == ("failed", "checks_failed")
        assert row.message == "Of 11 checks, 3 failed: Service DFSR, DNS, Time; 1 with a warning: Replication."
        steps = {step.name: step for step in row.steps.all()}
        assert len(steps) == 11
        assert steps["DNS"].verdict == "fail" and "failed test DNS" in steps["DNS"].message
        assert steps["Service DFSR"].message == "STATE              : 1  STOPPED"
        assert steps["Replication"].verdict == "warn" and "02d.03h" in steps["Replication"].message
        assert steps["SYSVOL"].verdict == "pass"

    def test_a_device_that_is_no_windows_server_says_so(self, client13, run):
        done, _ = run(body("adCheckList", FIRST))
        assert "no step has commands for this device" in done.device_runs.get().message

    def test_a_lost_connection_is_no_verdict(self, client13, run):
        client13[1](**{"172.30.1.60": {"reset": "dcdiag /test:DNS"}})
        done, _ = run(body("adCheckList", SECOND))
        row = done.device_runs.get()
        assert row.status == "failed" and row.reason == "session_lost"


class TestScripts:
    def script(self, tenant, language, text, *parameters, platforms=("WINDOWS",)):
        found = Script.objects.create(
            tenant=tenant, name=f"in {language}", execution_type=language, body=text, platforms=list(platforms)
        )
        for number, (name, data_type) in enumerate(parameters, 1):
            ScriptParameter.objects.create(tenant=tenant, script=found, number=number, name=name, data_type=data_type)
        return found

    def wanted(self, script, pk, *values, **more):
        parameters = [{"paramId": n, "value": value} for n, value in enumerate(values, 1)]
        return body("custom", pk, customScript={"id": script.pk}, parameters=parameters, **more)

    def test_the_documents_script_runs_on_windows(self, client13, run):
        done, _ = run(body("custom", SECOND))
        assert done.status == "succeeded", done.device_runs.get().message
        assert "The value is 150" in texts(done)

    def test_values_are_quoted_and_secrets_are_never_kept(self, client13, run):
        text = "Set-Content -Path C:\\probe.txt -Value '$Note/$Key'\nGet-Content C:\\probe.txt\n"
        script = self.script(client13[0], "POWERSHELL", text, ("Note", "STRING"), ("Key", "PASSWORD"))
        done, job = run(self.wanted(script, SECOND, "it's; $(x)", "hush'hush"))
        row = done.device_runs.get()
        assert row.status == "succeeded", row.message
        assert client13[2].state(row.device).files["C:\\probe.txt"] == "it's; $(x)/hush'hush\n"
        assert "hush" not in json.dumps(row.plan_data) + texts(done) + row.message + json.dumps(job.variables)

    def test_a_script_that_fails_says_with_what(self, client13, run):
        script = self.script(client13[0], "POWERSHELL", "Write-Output begun\nexit 3\n")
        done, _ = run(self.wanted(script, SECOND))
        row = done.device_runs.get()
        assert (row.status, row.reason) == ("failed", "rejected") and "exit status 3" in row.message
        assert "begun" in texts(done)

    def test_a_shell_script_on_linux_as_the_system_user(self, client13, run):
        linux = device(client13[0], "linux")
        text = "echo $Word > /tmp/probe.txt\ncat /tmp/probe.txt\n"
        script = self.script(client13[0], "SHELL", text, ("Word", "STRING"), platforms=("LINUX",))
        done, job = run(self.wanted(script, linux.pk, "it's here", userType=1))
        assert done.status == "succeeded", done.device_runs.get().message
        assert "sudo -n sh -s" in client13[2](linux)
        assert client13[2].state(linux).files["/tmp/probe.txt"] == "it's here\n"

    def test_lines_for_a_network_device_are_sent_one_by_one(self, client13, run):
        text = "clear counters {{ p1 }}\nshow version\n"
        script = self.script(client13[0], "COMMAND", text, ("Interface", "STRING"), platforms=("NETWORK",))
        done, _ = run(self.wanted(script, FIRST, "GigabitEthernet1/0/1"))
        row = done.device_runs.get()
        sent = client13[2](row.device)
        assert "clear counters GigabitEthernet1/0/1" in sent

    def test_outputs_are_listed_per_device(self, client13, run, api):
        done, _ = run(body("custom", FIRST, SECOND))
        assert done.status == "partial"
        found = api(ADMIN).get("/api/v2/tenants/client_13/rba/scripts/7/paginatedOutputs").json()
        rows = {row["resource"]["generalInfo"]["ipAddresses"]: row for row in found["results"]}
        assert found["totalResults"] == 2 and "The value is 150" in rows["172.30.1.60"]["output"]
        assert rows["10.233.19.130"]["status"] == "failed" and "no step has commands" in rows["10.233.19.130"]["output"]


class TestInstall:
    @pytest.mark.parametrize("platform", ["linux", "windows"])
    def test_a_package_is_installed_and_verified(self, client13, run, platform):
        target = device(client13[0], platform)
        done, _ = run(body("appinstall", target.pk, app="curl", version="8.1"))
        row = done.device_runs.get()
        assert row.status == "succeeded", row.message
        assert client13[2].state(target).packages == {"curl": "8.1"}
        assert row.steps.get(name="Verify").verdict == "pass"

    @pytest.mark.parametrize("platform", ["linux", "windows"])
    def test_a_package_that_is_not_there_fails_before_it_is_verified(self, client13, run, platform):
        target = device(client13[0], platform)
        done, _ = run(body("appinstall", target.pk, app="missing-tool"))
        row = done.device_runs.get()
        assert (row.status, row.reason) == ("failed", "rejected")
        assert not client13[2].state(target).packages
        assert not any("list" in line or "dpkg" in line for line in client13[2](target))

    def test_a_lost_connection_while_installing_is_interrupted_and_not_sent_again(self, client13, run):
        target = device(client13[0], "windows")
        client13[1](**{target.name: {"reset": "winget install"}})
        done, _ = run(body("appinstall", target.pk, app="Git.Git"))
        row = done.device_runs.get()
        assert row.status == "interrupted" and "its outcome is unknown" in row.message
        assert sum("winget install" in line for line in client13[2](target)) == 1
        assert JobRun.objects.get(pk=done.pk).status in ("interrupted", "failed")
