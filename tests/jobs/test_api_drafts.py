"""The API of drafts, triggers, transcripts and the inventory's file; cursors and filters of lists."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from devices.models import Agent, AuditEvent, Device, Network
from devices.services.snapshots import Content, keep_snapshots
from jobs.authoring import drafts
from jobs.models import DeviceRun, ServiceJob
from jobs.results import transcripts
from tests import make

pytestmark = pytest.mark.django_db
NIGHTLY = {"kind": "cron", "time_zone": "Europe/Berlin", "start_at": "2026-01-01T00:00:00", "expression": "0 3 * * *"}


@pytest.fixture
def saved(acme, person):
    return make.job(
        person("acme-operator"), make.template(acme), make.devices(acme, "linux"), triggers=(), needs_schedule=False
    )[0]


def test_a_draft_is_built_bit_by_bit_and_submitted(api, acme):
    client = api("acme-operator")
    made = client.post("/api/v1/drafts/", {"template": make.template(acme, "Set NTP server").pk, "name": "Bit by bit"})
    assert made.status_code == 201, made.json()
    url = f"/api/v1/drafts/{made.json()['id']}/"
    assert {"description", "agent", "devices", "schedule"} <= set(made.json()["problems"])
    early = client.post(f"{url}submit/", {})
    assert early.status_code == 400 and "agent" in early.json()["errors"]
    device = make.devices(acme, "cisco_ios")[0]
    steps = [
        {"description": "x", "agent": Agent.objects.get(tenant=acme).pk},
        {"variables": {"ntp_server": "198.51.100.3"}},
        {"selection": {"mode": "static", "devices": [str(device.pk)]}},
        {"triggers": [{**NIGHTLY, "name": "Nightly"}]},
    ]
    for change in steps:
        kept = client.patch(url, change)
        assert kept.status_code == 200, kept.json()
    body = kept.json()
    assert (
        body["problems"] == {} and body["name"] == "Bit by bit" and body["variables"] == {"ntp_server": "198.51.100.3"}
    )
    assert body["definition"]["selection"]["devices"] == [str(device.pk)]
    stale = client.patch(url, {"name": "Other"}, headers={"If-Match": made["ETag"]})
    assert stale.status_code == 412
    assert api("acme-admin").get(url).status_code == 404, "a draft is its maker's"
    job = client.post(f"{url}submit/", {"request_approval": True, "message": "please"})
    assert job.status_code == 201 and job.json()["approval_status"] == "requested", job.json()
    assert client.get(url).status_code == 404 and ServiceJob.objects.get(name="Bit by bit").status == "saved"


def test_a_draft_does_not_run(api, acme, person):
    draft = drafts.start_draft(by=person("acme-operator"), template_id=make.template(acme).pk)
    refused = api("acme-operator").post(f"/api/v1/jobs/{draft.pk}/run/")
    assert refused.status_code == 409 and "draft" in refused.json()["detail"]
    assert not draft.runs.exists()
    assert api("acme-operator").delete(f"/api/v1/drafts/{draft.pk}/").status_code == 204


def test_a_tenant_is_a_customer_unless_said_otherwise(api, acme):
    made = api("msp-admin").post("/api/v1/tenants/", {"key": "initech", "name": "Initech", "parent": acme.parent_id})
    assert made.status_code == 201 and made.json()["kind"] == "customer", made.json()


def test_a_draft_is_thrown_away(api, acme):
    client = api("acme-operator")
    made = client.post("/api/v1/drafts/", {"template": make.template(acme).pk}).json()
    assert client.get("/api/v1/drafts/").json()["count"] == 1
    assert client.delete(f"/api/v1/drafts/{made['id']}/").status_code == 204
    assert client.get("/api/v1/drafts/").json()["count"] == 0 and not ServiceJob.objects.filter(pk=made["id"]).exists()


def test_a_draft_of_nothing_is_refused_and_leaves_nothing(api, acme):
    client = api("acme-operator")
    assert "template" in client.post("/api/v1/drafts/", {"name": "x"}).json()["errors"]
    answer = client.post("/api/v1/drafts/", {"template": make.template(acme).pk, "agent": 99999})
    assert answer.status_code == 400 and not ServiceJob.objects.filter(status="draft").exists()


def test_the_definition_of_a_job_can_be_sent_back(api, acme, saved):
    client = api("acme-operator")
    client.post("/api/v1/triggers/", {"job": str(saved.pk), "name": "Nightly", "rule": NIGHTLY})
    before = client.get(f"/api/v1/jobs/{saved.pk}/").json()
    answer = client.put(f"/api/v1/jobs/{saved.pk}/", before["definition"])
    assert answer.status_code == 200, answer.json()
    assert answer.json()["definition"] == before["definition"]
    changed = {**before["definition"], "rollout": {"canary": 1}, "max_parallel": 3}
    after = client.put(f"/api/v1/jobs/{saved.pk}/", changed).json()["definition"]
    assert after["max_parallel"] == 3 and after["rollout"]["canary"] == 1


def test_a_trigger_is_added_changed_and_taken_out(api, saved):
    client = api("acme-operator")
    made = client.post("/api/v1/triggers/", {"job": str(saved.pk), "name": "Nightly", "rule": NIGHTLY})
    assert made.status_code == 201, made.json()
    body = made.json()
    assert body["kind"] == "cron" and body["next_run_at"] and "0 3 * * *" in body["words"]
    url = f"/api/v1/triggers/{body['id']}/"
    off = client.patch(url, {"enabled": False}).json()
    assert (off["id"], off["enabled"], off["next_run_at"], off["rule"]) == (body["id"], False, None, NIGHTLY)
    on = client.patch(url, {"enabled": True, "rule": {**NIGHTLY, "expression": "30 4 * * *"}}).json()
    assert on["next_run_at"] != body["next_run_at"] and "30 4 * * *" in on["words"]
    assert AuditEvent.objects.filter(action="job.saved", subject=saved.name).count() >= 3
    assert client.get(f"/api/v1/triggers/?job={saved.pk}").json()["count"] == 1
    assert client.get("/api/v1/triggers/?kind=daily").json()["count"] == 0
    assert client.delete(url).status_code == 204 and client.get(url).status_code == 404
    assert not saved.triggers.exists()


@pytest.mark.parametrize(
    "change,field",
    [
        ({"rule": {**NIGHTLY, "expression": "0 0 31 4 *"}}, "rule.expression"),
        ({"rule": {"kind": "often"}}, "rule.kind"),
        ({"rule": {"kind": "once", "start_at": "2020-01-01T00:00:00"}}, "rule"),
        ({"filter": 99999}, "filter"),
        ({"filter": 2**63}, "filter"),
        ({"job": "00000000-0000-0000-0000-000000000000"}, "job"),
        ({"missed": "never"}, "missed"),
    ],
)
def test_an_impossible_trigger_names_its_field(change, field, api, saved):
    answer = api("acme-operator").post("/api/v1/triggers/", {"job": str(saved.pk), "rule": NIGHTLY, **change})
    assert answer.status_code == 400 and field in answer.json()["errors"], answer.json()
    assert not saved.triggers.exists()


def test_a_changed_trigger_voids_the_approval(api, acme, person):
    draft = make.draft(
        person("acme-operator"), make.template(acme, "Set NTP server"), make.devices(acme, "cisco_ios")[:1]
    )
    job = drafts.request_job(by=person("acme-operator"), draft=draft, message="please")
    client = api("acme-operator")
    assert client.get(f"/api/v1/jobs/{job.pk}/").json()["approval_status"] == "requested"
    assert client.post("/api/v1/triggers/", {"job": str(job.pk), "rule": NIGHTLY}).status_code == 201
    assert client.get(f"/api/v1/jobs/{job.pk}/").json()["approval_status"] == "not_requested"


def test_devices_come_and_go_as_a_file(api, acme):
    client = api("acme-admin")
    file = b"".join(client.get("/api/v1/devices/export/?platform=linux").streaming_content).decode()
    lines = file.splitlines()
    assert lines[0].startswith("name,address,platform,network") and len(lines) == 1 + len(make.devices(acme, "linux"))
    again = client.post("/api/v1/devices/import/", {"tenant": acme.pk, "csv": file})
    assert again.json() == {"created": 0, "changed": len(lines) - 1}
    network = Network.objects.filter(tenant=acme).first().name
    text = f"name;address;platform;network;tags\r\nfresh-1;192.0.2.77;linux;{network};\r\n"
    assert client.post("/api/v1/devices/import/", {"tenant": acme.pk, "csv": text}).json() == {
        "created": 1,
        "changed": 0,
    }
    assert Device.objects.get(name="fresh-1").address == "192.0.2.77"


def test_a_wrong_file_names_its_lines_and_changes_nothing(api, acme):
    network = Network.objects.filter(tenant=acme).first().name
    rows = [
        f"good,192.0.2.80,linux,{network},yes",
        f"bad,192.0.2,vax,{network},maybe",
        "good,192.0.2.81,linux,nowhere,no",
    ]
    body = {"tenant": acme.pk, "csv": "\n".join(["name,address,platform,network,enabled", *rows])}
    answer = api("acme-admin").post("/api/v1/devices/import/", body)
    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {
        "line 3, address",
        "line 3, platform",
        "line 3, enabled",
        "line 4, network",
        "line 4, name",
    }
    assert not Device.objects.filter(name="good").exists()
    assert "file" in api("acme-admin").post("/api/v1/devices/import/", {**body, "csv": "a,b\n1,2"}).json()["errors"]
    assert api("acme-operator").post("/api/v1/devices/import/", body).status_code == 403


def test_a_cell_that_looks_like_a_formula_is_kept_from_being_one(api, acme):
    Device.objects.filter(pk=make.devices(acme, "linux")[0].pk).update(name="=cmd|x")
    client = api("acme-admin")
    file = b"".join(client.get("/api/v1/devices/export/?platform=linux").streaming_content).decode()
    assert "'=cmd|x," in file
    assert client.post("/api/v1/devices/import/", {"tenant": acme.pk, "csv": file}).json()["created"] == 0


def test_a_transcript_is_followed_while_it_grows(api, acme, person, monkeypatch):
    _, run = make.job(person("acme-operator"), make.template(acme), make.devices(acme, "linux")[:1])
    row = run.device_runs.get()
    DeviceRun.objects.filter(pk=row.pk).update(status="running")

    def make_step(status, exchanges):
        row.steps.all().delete()
        make.step(row, exchanges, position=0, name="Read", kind="read", status=status, started_at=timezone.now())

    make_step("running", [["uname", "Linux\n", False], ["uptime", "up 3 d", False]])

    def grow(seconds):
        make_step("succeeded", [["uname", "Linux\n", False], ["uptime", "up 3 days\n", False]])
        DeviceRun.objects.filter(pk=row.pk).update(status="succeeded")

    monkeypatch.setattr(transcripts.time, "sleep", grow)
    client = api("acme-operator")
    pieces = list(client.get(f"/api/v1/device-runs/{row.pk}/output/?follow=true").streaming_content)
    assert pieces[0] == b"### Read\n> uname\nLinux\n" and b"up 3 d" not in pieces[0]
    assert b"".join(pieces) == b"### Read\n> uname\nLinux\n> uptime\nup 3 days\n### Read: succeeded\n"
    rest = b"".join(client.get(f"/api/v1/device-runs/{row.pk}/output/?start={len(pieces[0])}").streaming_content)
    assert pieces[0] + rest == b"".join(pieces)


def test_cursors_stay_right_while_rows_come_and_go(api, acme):
    client = api("acme-admin")
    names = {row["name"] for row in client.get("/api/v1/devices/?page_size=500").json()["results"]}
    first = client.get("/api/v1/devices/?page_size=3&ordering=name").json()
    network = Network.objects.filter(tenant=acme).first()
    Device.objects.create(tenant=acme, name="0-before-all", address="192.0.2.200", platform="linux", network=network)
    seen, link = [row["name"] for row in first["results"]], first["next"]
    while link:
        page = client.get(link).json()
        seen, link = seen + [row["name"] for row in page["results"]], page["next"]
    assert len(seen) == len(set(seen)) == len(names) and set(seen) == names and seen == sorted(seen)


def test_pages_by_number_and_cursors_that_are_none(api, acme):
    client = api("acme-admin")
    whole = [row["id"] for row in client.get("/api/v1/devices/").json()["results"]]
    second = client.get("/api/v1/devices/?page=2&page_size=2").json()
    assert [row["id"] for row in second["results"]] == whole[2:4] and second["count"] == len(whole)
    for cursor in ("x", "cD0lMDA=", "cD1ub25zZW5zZQ=="):
        assert client.get(f"/api/v1/runs/?cursor={cursor}").status_code in (200, 404), cursor


def test_lists_are_filtered_by_plain_values(api, acme, saved, person):
    make.job(person("acme-operator"), make.template(acme), make.devices(acme, "linux"), name="Ran")
    client = api("acme-admin")
    count = lambda path: client.get(f"/api/v1/{path}").json()["count"]  # noqa: E731
    assert count("devices/?platform=linux") == len(make.devices(acme, "linux")) < count("devices/")
    run = client.get("/api/v1/runs/").json()["results"][0]
    assert count(f"runs/?job={run['job']}&status=queued") == 1 and count("runs/?status=failed") == 0
    assert count(f"device-runs/?run={run['id']}") == run["device_count"] and count("device-runs/?run=99999999") == 0
    later = (timezone.now() + timedelta(days=1)).isoformat().replace("+", "%2B")
    assert count(f"runs/?scheduled_from={later}") == 0 and count(f"runs/?scheduled_before={later}") >= 1
    wrong = client.get("/api/v1/devices/?platform=vax")
    assert wrong.status_code == 400 and "platform" in json.loads(wrong.content)["errors"]


def test_any_two_configurations_of_a_device_are_compared(api, acme):
    first, other = make.devices(acme, "cisco_ios")[0], make.devices(acme, "linux")[0]
    texts = ["hostname a\nenable secret 5 $1$old\n", "hostname b\nenable secret 5 $1$new\n"]
    old, new = keep_snapshots([Content(acme.pk, first, text, "test") for text in texts], taken_at=timezone.now())
    foreign = keep_snapshots([Content(acme.pk, other, "x\n", "test")], taken_at=timezone.now())[0]
    client = api("acme-operator")
    lines = client.get(f"/api/v1/snapshots/{new.pk}/diff/?other={old.pk}").json()["unified"]
    assert "+hostname b" in lines and "-hostname a" in lines and not any("$1$" in line for line in lines)
    for wrong in (foreign.pk, 999_999, "", "x"):
        answer = client.get(f"/api/v1/snapshots/{new.pk}/diff/?other={wrong}")
        assert answer.status_code == 400 and "other" in answer.json()["errors"], wrong
    assert api("globex-operator").get(f"/api/v1/snapshots/{new.pk}/diff/?other={old.pk}").status_code == 404
