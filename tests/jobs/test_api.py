"""The API: whole jobs at once, problem+json errors, and that nothing is left behind by a refused request."""

import pytest

from devices.models import Agent
from jobs.models import ServiceJob
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def body(tenant, wakeups):
    acme = tenant("acme")
    return {
        "template": make.template(acme, "Set NTP server").pk,
        "name": "By API",
        "description": "x",
        "agent": Agent.objects.get(tenant=acme).pk,
        "selection": {"mode": "static", "devices": [str(make.devices(acme, "cisco_ios")[0].pk)]},
        "variables": {"ntp_server": "198.51.100.3"},
    }


def test_a_job_is_made_planned_and_run(api, body):
    client = api("acme-admin")
    made = client.post("/api/v1/jobs/", {**body, "execute": "now", "without_approval": "A test."}, format="json")
    assert made.status_code == 201 and made.json()["run"]
    plan = client.get(f"/api/v1/jobs/{made.json()['id']}/plan/").json()
    assert "ntp server 198.51.100.3" in plan["devices"][0]["steps"][2]["commands"]
    run = client.get(f"/api/v1/runs/{made.json()['run']}/").json()
    assert (run["status"], run["digest"]) == ("queued", plan["digest"])


def test_a_change_by_an_operator_waits_for_its_approval(api, body):
    made = (
        api("acme-operator")
        .post("/api/v1/jobs/", {**body, "request_approval": True, "message": "please"}, format="json")
        .json()
    )
    assert made["approval_status"] == "requested" and made["run"] is None
    refused = api("acme-operator").post(f"/api/v1/jobs/{made['id']}/run/")
    assert (refused.status_code, refused["Content-Type"]) == (409, "application/problem+json")
    asked = api("acme-approver-1").get(f"/api/v1/approvals/{made['approval']}/").json()
    url = f"/api/v1/approvals/{made['approval']}/decide/"
    assert api("acme-operator").post(url, {"action": "approve", "digest": asked["digest"]}).status_code == 403
    assert api("acme-approver-1").post(url, {"action": "approve", "digest": "0" * 64}).status_code == 409
    assert (
        api("acme-approver-1").post(url, {"action": "approve", "digest": asked["digest"]}).json()["status"]
        == "approved"
    )
    assert api("acme-operator").post(f"/api/v1/jobs/{made['id']}/run/").status_code == 201


@pytest.mark.parametrize(
    "change,field",
    [
        ({"name": ""}, "name"),
        ({"execute": "sometimes"}, "execute"),
        ({"execute": "once"}, "at"),
        ({"execute": "once", "at": "2020-01-01T00:00:00Z"}, "schedule"),
        ({"variables": {"ntp_server": "x\ny"}}, "variables.ntp_server"),
        ({"selection": {"mode": "static", "devices": []}}, "devices"),
        ({"selection": {"mode": "static", "devices": ["nonsense"]}}, "selection"),
        ({"max_parallel": 0}, "max_parallel"),
        ({"tasks": [{"step": -1}]}, "tasks"),
        ({"notify_users": [99999]}, "notifier"),
        ({"notify_users": [2**63]}, "notify_users"),
        ({"notify_groups": [-1]}, "notify_groups"),
        ({"selection": {"mode": "static", "tags": [2**63]}}, "selection"),
        ({"selection": {"mode": "search", "search": {"tags": [2**63]}}}, "selection"),
        ({"selection": {"mode": "search", "search": {"networks": [2**64]}}}, "selection"),
        ({"window": 2**63}, "window"),
        ({"agent": 2**63}, "agent"),
        ({"template": 2**63}, "template"),
        ({"tasks": [{"step": 0, "profile": 2**63}]}, "tasks"),
    ],
)
def test_a_refused_job_names_the_field_and_leaves_nothing(change, field, api, body):
    before = ServiceJob.objects.count()
    answer = api("acme-admin").post("/api/v1/jobs/", {**body, **change}, format="json")
    assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"
    assert field in answer.json()["errors"]
    assert ServiceJob.objects.count() == before


@pytest.mark.parametrize(
    "path", ["devices/nonsense/", "jobs/nonsense/", "runs/999999999999999999999/", "runs/x/", "device-runs/0/"]
)
def test_an_impossible_id_is_a_404(path, api, db):
    assert api("acme-admin").get(f"/api/v1/{path}").status_code == 404


def test_without_a_token_the_api_is_closed(client, db):
    answer = client.get("/api/v1/devices/")
    assert answer.status_code == 401 and answer["WWW-Authenticate"] == "Bearer"


def test_lists_are_paged_searched_and_ordered(api, db):
    found = api("acme-admin").get("/api/v1/devices/?search=sw01&ordering=-name&page_size=1").json()
    assert found["count"] == 1 and found["results"][0]["name"] == "acme-sw01"


def test_a_device_is_added_and_its_mistakes_are_said(api, tenant):
    client, acme = api("acme-admin"), tenant("acme")
    network = make.devices(acme)[0].network_id
    body = {"tenant": acme.pk, "name": "new", "address": "192.0.2.9", "platform": "linux", "network": network}
    assert client.post("/api/v1/devices/", body).status_code == 201
    assert client.post("/api/v1/devices/", {**body, "name": "other"}).json()["errors"]["address"]
    assert client.post("/api/v1/devices/", {**body, "address": "192.0.2"}).json()["errors"]["address"]
    assert client.post("/api/v1/devices/", {**body, "platform": "vax"}).json()["errors"]["platform"]
