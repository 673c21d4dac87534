"""Edits through the native API: ETag and If-Match, what stays, who may; and requests that come twice."""

import pytest
from django.utils import timezone

from devices.models import Agent, Credential, Device, IdempotentAnswer, Network
from devices.services.snapshots import Content, keep_snapshots
from jobs.models import JobRun, ServiceJob
from templates_app.models import Script
from tests import make

pytestmark = pytest.mark.django_db
ADMIN = "acme-admin"


@pytest.fixture
def acme(tenant):
    return tenant("acme")


def test_a_device_is_changed_field_by_field(acme, api):
    device = make.devices(acme, "cisco_ios")[0]
    url = f"/api/v1/devices/{device.pk}/"
    tag = api(ADMIN).get(url)["ETag"]
    answer = api(ADMIN).patch(url, {"name": "renamed"}, format="json", headers={"If-Match": tag})
    assert answer.status_code == 200 and answer["ETag"] != tag
    device.refresh_from_db()
    assert (device.name, device.platform, device.tags.count()) == ("renamed", "cisco_ios", 1)
    late = api(ADMIN).patch(url, {"name": "late"}, format="json", headers={"If-Match": tag})
    assert late.status_code == 412 and "Read it again" in late.json()["detail"]
    assert Device.objects.get(pk=device.pk).name == "renamed"
    assert api(ADMIN).patch(url, {"name": "free"}, format="json").status_code == 200
    assert api(ADMIN).patch(url, {"name": "any"}, format="json", headers={"If-Match": "*"}).status_code == 200


def test_only_who_administers_edits_and_nothing_leaves_its_tenant(acme, tenant, api):
    network = Network.objects.filter(tenant=acme).first()
    url = f"/api/v1/networks/{network.pk}/"
    assert api("acme-viewer").patch(url, {"name": "x"}, format="json").status_code == 403
    assert api("globex-operator").patch(url, {"name": "x"}, format="json").status_code == 404
    moved = api("msp-admin").patch(url, {"tenant": tenant("globex").pk}, format="json")
    assert moved.status_code == 400 and "tenant" in moved.json()["errors"]
    device = make.devices(acme, "cisco_ios")[0]
    foreign = Network.objects.filter(tenant=tenant("globex")).first().pk
    assert api(ADMIN).patch(f"/api/v1/devices/{device.pk}/", {"network": foreign}, format="json").status_code == 400


def test_a_secret_that_is_not_given_stays(acme, api):
    row = Credential.objects.get(tenant=acme, name="Fleet login")
    url, before = f"/api/v1/credentials/{row.pk}/", row.password_sealed
    assert api(ADMIN).patch(url, {"username": "other"}, format="json").status_code == 200
    row.refresh_from_db()
    assert (row.username, row.password_sealed) == ("other", before)
    answer = api(ADMIN).patch(url, {"password": "new-secret"}, format="json")
    assert "new-secret" not in answer.content.decode()
    row.refresh_from_db()
    assert row.password_sealed != before


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("agents", {"draining": True}),
        ("asset-tags", {"name": "T2"}),
        ("configuration-profiles", {"values": {"ntp_server": "192.0.2.9"}}),
        ("schedule-filters", {"time_zone": "UTC"}),
        ("service-templates", {"description": "Better words."}),
    ],
)
def test_every_other_kind_is_edited_the_same_way(acme, api, path, changed):
    one = api(ADMIN).get(f"/api/v1/{path}/", {"search": "", "page_size": 1}).json()["results"][0]
    url = f"/api/v1/{path}/{one['id']}/"
    tag = api(ADMIN).get(url)["ETag"]
    answer = api(ADMIN).patch(url, changed, format="json", headers={"If-Match": tag})
    assert answer.status_code == 200, answer.content
    assert {key: answer.json()[key] for key in changed} == changed
    untouched = {key: value for key, value in one.items() if key not in changed}
    assert {key: answer.json()[key] for key in untouched} == untouched


def test_a_template_edit_makes_a_version_and_a_built_in_one_is_refused(acme, api):
    one = make.template(acme, "Show version")
    url = f"/api/v1/service-templates/{one.pk}/"
    steps = api(ADMIN).get(url).json()["steps"]
    answer = api(ADMIN).patch(url, {"steps": [*steps, {**steps[0], "name": "Again"}]}, format="json")
    assert answer.status_code == 200 and answer.json()["version"] == 2 and len(answer.json()["steps"]) == 2
    built_in = make.template(acme, "AD check list")
    refused = api(ADMIN).patch(f"/api/v1/service-templates/{built_in.pk}/", {"description": "mine"}, format="json")
    assert refused.status_code == 409 and "built in" in refused.json()["detail"]


def test_a_script_is_written_changed_and_checked(acme, api):
    body = {
        "tenant": acme.pk,
        "name": "Probe",
        "execution_type": "SHELL",
        "platforms": ["LINUX"],
        "body": "echo $Word\n",
        "parameters": [{"number": 1, "name": "Word"}],
    }
    made = api(ADMIN).post("/api/v1/scripts/", body, format="json")
    assert made.status_code == 201, made.content
    url = f"/api/v1/scripts/{made.json()['id']}/"
    assert api(ADMIN).patch(url, {"description": "Says a word."}, format="json").json()["version"] == 1
    assert api(ADMIN).patch(url, {"body": "echo twice $Word\n"}, format="json").json()["version"] == 2
    assert api("acme-operator").patch(url, {"body": "rm -rf /\n"}, format="json").status_code == 403
    for wrong, field in (
        ({"execution_type": "COBOL"}, "execution_type"),
        ({"platforms": ["MARS"]}, "platforms"),
        ({"body": ""}, "body"),
        ({"execution_type": "COMMAND", "body": "show {{ secret }}"}, "body"),
        ({"name": "probe"}, "name"),
        ({"parameters": [{"number": 1, "name": "A"}, {"number": 2, "name": "a"}]}, "parameters.0.name"),
        ({"parameters": [{"number": 1, "name": "A", "data_type": "PASSWORD", "default": "x"}]}, "parameters.0.default"),
    ):
        answer = api(ADMIN).post("/api/v1/scripts/", {**body, **wrong}, format="json")
        assert answer.status_code == 400 and field in str(answer.json()["errors"]), (wrong, answer.content)
    assert Script.objects.filter(tenant=acme).count() == 1


def test_a_job_is_replaced_as_a_whole(acme, api, person, wakeups):
    device = make.devices(acme, "linux")[0]
    body = {
        "template": make.template(acme).pk,
        "name": "Survey",
        "description": "d",
        "agent": Agent.objects.get(tenant=acme).pk,
        "selection": {"devices": [str(device.pk)]},
        "triggers": [{"kind": "cron", "expression": "0 3 * * *", "start_at": "2026-01-01T00:00:00"}],
    }
    made = api("acme-operator").post("/api/v1/jobs/", body, format="json")
    assert made.status_code == 201, made.content
    url = f"/api/v1/jobs/{made.json()['id']}/"
    tag = api("acme-operator").get(url)["ETag"]
    changed = {
        **body,
        "description": "Every night at four.",
        "triggers": [{**body["triggers"][0], "expression": "0 4 * * *"}],
    }
    answer = api("acme-operator").put(url, changed, format="json", headers={"If-Match": tag})
    assert answer.status_code == 200, answer.content
    assert [t["rule"]["expression"] for t in answer.json()["triggers"]] == ["0 4 * * *"]
    assert api("acme-operator").put(url, changed, format="json", headers={"If-Match": tag}).status_code == 412
    assert api("acme-viewer").put(url, changed, format="json").status_code in (400, 403)
    assert api("acme-operator").put(url, {**changed, "triggers": []}, format="json").status_code == 200
    assert not ServiceJob.objects.filter(draft_of__isnull=False).exists()


class TestComingTwice:
    def test_a_job_is_made_once_and_answered_the_same(self, acme, api, wakeups):
        device = make.devices(acme, "linux")[0]
        body = {
            "template": make.template(acme).pk,
            "name": "Once",
            "description": "d",
            "agent": Agent.objects.get(tenant=acme).pk,
            "selection": {"devices": [str(device.pk)]},
            "execute": "now",
        }

        def send(data, key="k-1", who="acme-operator"):
            return api(who).post("/api/v1/jobs/", data, format="json", headers={"Idempotency-Key": key})

        first, second = send(body), send(body)
        assert first.status_code == second.status_code == 201 and first.json() == second.json()
        assert "Idempotency-Replayed" not in first and second["Idempotency-Replayed"] == "true"
        assert ServiceJob.objects.filter(name="Once").count() == JobRun.objects.count() == 1
        assert send({**body, "name": "Other"}).status_code == 409
        assert send({**body, "name": "Other"}, key="k-2").status_code == 201
        assert send({**body, "name": "Mine"}, who=ADMIN).status_code == 201, "keys are each user's own"

    def test_what_failed_may_be_tried_again(self, acme, api):
        def send(name):
            return api(ADMIN).post(
                "/api/v1/networks/", {"tenant": acme.pk, "name": name}, format="json", headers={"Idempotency-Key": "n"}
            )

        assert send("Headquarters").status_code == 400
        assert not IdempotentAnswer.objects.exists()
        assert send("New site").status_code == 201
        assert (
            api(ADMIN).post("/api/v1/networks/", {}, format="json", headers={"Idempotency-Key": "x" * 200}).status_code
            == 400
        )

    def test_opsramps_create_too(self, api):
        from tests.jobs.test_opsramp import URL, sample

        sent = [
            api("client13-admin").post(URL, sample("adCheckList"), format="json", headers={"Idempotency-Key": "a"})
            for _ in range(2)
        ]
        assert sent[0].content == sent[1].content and ServiceJob.objects.count() == 1


def test_a_stored_configuration_is_read_without_its_secrets(acme, api):
    device = make.devices(acme, "cisco_ios")[0]
    text = "hostname one\nenable secret 5 $1$abcd$efgh\nsnmp-server community hush RO\n"
    row = keep_snapshots([Content(acme.pk, device, text, "kept", "startup")], taken_at=timezone.now())[0]
    found = api("acme-viewer").get(f"/api/v1/snapshots/{row.pk}/").json()
    assert found["kind"] == "startup" and found["content"].startswith("hostname one\nenable secret 5 ***")
    assert "hush" not in found["content"] and "$1$" not in found["content"]
    (listed,) = api("acme-viewer").get("/api/v1/snapshots/", {"search": device.name}).json()["results"]
    assert "content" not in listed and listed["device_name"] == device.name
