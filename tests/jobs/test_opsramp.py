"""OpsRamp's job API: the document's samples, variants of spelling, tenant rules, the other verbs."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from devices.models import AuditEvent, Device
from jobs.models import JobRun, ServiceJob
from templates_app.models import Script, ScriptParameter
from tests import make

pytestmark = pytest.mark.django_db
GOLDEN = Path(__file__).parent.parent / "golden" / "opsramp"
KINDS = ("adCheckList", "networkconfigbackup", "appinstall", "custom")
URL = "/api/v2/tenants/client_13/jobs"
FIRST, SECOND = "709824de-8315-4cf9-ad1c-b15aaf7bf2a5", "4e96d5bc-763c-4c00-beab-928d653a0422"


def sample(kind, what="request"):
    return json.loads((GOLDEN / f"{kind}.{what}.json").read_text())


def changed(kind, path, value):
    """Return a sample with the value at a dotted path replaced; `...` takes the key away."""
    body = sample(kind)
    place, *rest = path.split(".")
    inner = body
    for key in [place, *rest][:-1]:
        inner = inner[int(key) if isinstance(inner, list) else key]
    last = [place, *rest][-1]
    if value is ...:
        inner.pop(last)
    else:
        inner[int(last) if isinstance(inner, list) else last] = value
    return body


@pytest.fixture
def post(api):
    def send(body, who="client13-admin", url=URL):
        return api(who).post(url, body, format="json")

    return send


@pytest.mark.parametrize("kind", KINDS)
def test_the_documents_samples_get_the_documents_answers(post, kind):
    answer = post(sample(kind))
    assert answer.status_code == 200, answer.content
    found, wanted = json.loads(answer.content), sample(kind, "response")
    assert ServiceJob.objects.filter(pk=found["id"]).exists()
    found["id"] = wanted["id"]
    assert json.dumps(found) == json.dumps(wanted)


def test_an_msp_acts_for_its_client_and_a_sibling_does_not(post):
    made = post(sample("adCheckList"), "msp-admin", "/api/v2/tenants/msp_12/jobs")
    assert made.status_code == 200
    assert [e["resource"]["clientUniqueId"] for e in made.json()["entities"]] == ["client_13", "client_13"]
    foreign = post(sample("adCheckList"), "client93-admin", "/api/v2/tenants/client_93/jobs")
    body = changed("adCheckList", "entities.0.resource.id", "00000000-0000-4000-8000-000000000000")
    unknown = post(body, "client93-admin", "/api/v2/tenants/client_93/jobs")
    assert foreign.status_code == unknown.status_code == 400
    said = foreign.json()["errors"]["entities.0.resource.id"]
    assert said == unknown.json()["errors"]["entities.0.resource.id"] == ["There is no such device."]
    for who in ("client93-admin", "globex-operator"):
        assert post(sample("adCheckList"), who).status_code == 404
    assert post(sample("adCheckList"), "client13-admin", "/api/v2/tenants/nobody/jobs").status_code == 404


P = "schedule.pattern"
S = "schedule.startDate"
#: (sample, path, given, what the answer has at the path; a text that begins with ! is the path of the 400)
VARIANTS = [
    ("adCheckList", "jobQueued", True, True),
    ("adCheckList", "jobQueued", "TRUE", True),
    ("adCheckList", "jobQueued", " false ", False),
    ("adCheckList", "jobQueued", ..., False),
    ("adCheckList", "jobQueued", "yes", "!jobQueued"),
    ("adCheckList", "jobQueued", "", "!jobQueued"),
    ("adCheckList", "jobQueued", 1, "!jobQueued"),
    ("adCheckList", "jobQueued", None, "!jobQueued"),
    ("adCheckList", "name", "  Nightly checks ", "Nightly checks"),
    ("adCheckList", "name", "", "!name"),
    ("adCheckList", "name", ..., "!name"),
    ("adCheckList", "name", 7, "!name"),
    ("adCheckList", "name", "two\nlines", "!name"),
    ("adCheckList", "name", "x" * 161, "!name"),
    ("adCheckList", "script.jobType", "ADCHECKLIST", "adCheckList"),
    ("adCheckList", "script.jobType", "sqlreport", "!script.jobType"),
    ("adCheckList", "script.jobType", ..., "!script.jobType"),
    ("adCheckList", "script", ..., "!script.jobType"),
    ("adCheckList", "script", [], "!script"),
    ("adCheckList", "surprise", 1, "!surprise"),
    ("adCheckList", "userType", 1, "!userType"),
    ("adCheckList", "credentialSet", {"uniqueId": FIRST}, "!credentialSet"),
    ("adCheckList", S, "2016-04-14T10:10:59Z", "2016-04-14T10:10:00+0000"),
    ("adCheckList", S, "2016-04-14T10:10:10+00:00", "2016-04-14T10:10:00+0000"),
    ("adCheckList", S, "2016-04-14T10:10:10.250+0200", "2016-04-14T10:10:00+0200"),
    ("adCheckList", S, "2016-04-14T10:10:10-05:00", "2016-04-14T10:10:00-0500"),
    ("adCheckList", S, "2026-04-14T10:10:10+0530", "2026-04-14T10:10:00+0530"),
    ("adCheckList", S, "2016-04-14T10:10:10+0017", f"!{S}"),
    ("adCheckList", S, "2016-04-14T10:10:10", f"!{S}"),
    ("adCheckList", S, "2016-02-30T10:10:10Z", f"!{S}"),
    ("adCheckList", S, "14/04/2016", f"!{S}"),
    ("adCheckList", S, 1460628610, f"!{S}"),
    ("adCheckList", S, ..., f"!{S}"),
    ("adCheckList", "schedule", ..., f"!{S}"),
    ("adCheckList", "schedule", "daily", "!schedule"),
    ("adCheckList", P, ..., f"!{P}.type"),
    ("adCheckList", P, {"type": "yearly"}, f"!{P}.type"),
    ("adCheckList", P, {"type": "Daily", "frequency": " EveryDay "}, {"type": "daily", "frequency": "everyday"}),
    (
        "adCheckList",
        P,
        {"type": "daily", "frequency": "every  weekday"},
        {"type": "daily", "frequency": "every weekday"},
    ),
    ("adCheckList", P, {"type": "daily"}, f"!{P}.frequency"),
    ("adCheckList", P, {"type": "daily", "frequency": "hourly"}, f"!{P}.frequency"),
    ("adCheckList", P, {"type": "daily", "frequency": "everyday", "repeatFrequency": 2}, f"!{P}.repeatFrequency"),
    (
        "adCheckList",
        f"{P}.repeatFrequency",
        3,
        {"type": "daily", "frequency": "recurrence", "repeatFrequency": 3, "repeatType": "days"},
    ),
    ("adCheckList", f"{P}.repeatFrequency", "0", f"!{P}.repeatFrequency"),
    ("adCheckList", f"{P}.repeatFrequency", "2.5", f"!{P}.repeatFrequency"),
    ("adCheckList", f"{P}.repeatFrequency", 2.5, f"!{P}.repeatFrequency"),
    ("adCheckList", f"{P}.repeatFrequency", ..., f"!{P}.repeatFrequency"),
    ("adCheckList", f"{P}.repeatType", "weeks", f"!{P}.repeatType"),
    (
        "adCheckList",
        P,
        {"type": "weekly", "weekDays": "tuesday,SUNDAY , Friday"},
        {"type": "weekly", "weekDays": "Sunday, Tuesday, Friday"},
    ),
    ("adCheckList", P, {"type": "weekly", "weekDays": ["Monday", "monday"]}, {"type": "weekly", "weekDays": "Monday"}),
    ("adCheckList", P, {"type": "weekly", "frequency": "Monday"}, {"type": "weekly", "weekDays": "Monday"}),
    ("adCheckList", P, {"type": "weekly", "frequency": "everyday"}, f"!{P}.frequency"),
    ("adCheckList", P, {"type": "weekly", "weekDays": "Monday", "frequency": "Monday"}, f"!{P}.frequency"),
    ("adCheckList", P, {"type": "weekly", "weekDays": ""}, f"!{P}.weekDays"),
    ("adCheckList", P, {"type": "weekly", "weekDays": []}, f"!{P}.weekDays"),
    ("adCheckList", P, {"type": "weekly"}, f"!{P}.weekDays"),
    ("adCheckList", P, {"type": "weekly", "weekDays": "Someday"}, f"!{P}.weekDays"),
    ("adCheckList", P, {"type": "monthly", "dayOfMonth": "5, 4,4 , 1"}, {"type": "monthly", "dayOfMonth": "1, 4, 5"}),
    ("adCheckList", P, {"type": "monthly", "dayOfMonth": 31}, {"type": "monthly", "dayOfMonth": "31"}),
    ("adCheckList", P, {"type": "monthly", "dayOfMonth": [1, "2"]}, {"type": "monthly", "dayOfMonth": "1, 2"}),
    ("adCheckList", P, {"type": "monthly", "dayOfMonth": "32"}, f"!{P}.dayOfMonth"),
    ("adCheckList", P, {"type": "monthly", "dayOfMonth": "0"}, f"!{P}.dayOfMonth"),
    ("adCheckList", P, {"type": "monthly", "dayOfMonth": "1,,2"}, f"!{P}.dayOfMonth"),
    ("adCheckList", P, {"type": "monthly"}, f"!{P}.dayOfMonth"),
    (
        "adCheckList",
        P,
        {"type": "monthly", "weekIndex": "second", "dayOfWeek": "sunday"},
        {"type": "monthly", "weekIndex": "Second", "dayOfWeek": "Sunday"},
    ),
    (
        "adCheckList",
        P,
        {"type": "monthly", "weekIndex": "Last", "dayOfIndex": "Friday"},
        {"type": "monthly", "weekIndex": "Last", "dayOfWeek": "Friday"},
    ),
    (
        "adCheckList",
        P,
        {"type": "monthly", "weekIndex": "Last", "dayOfIndex": "Friday", "dayOfWeek": "friday"},
        {"type": "monthly", "weekIndex": "Last", "dayOfWeek": "Friday"},
    ),
    (
        "adCheckList",
        P,
        {"type": "monthly", "weekIndex": "Last", "dayOfIndex": "Friday", "dayOfWeek": "Monday"},
        f"!{P}.dayOfWeek",
    ),
    ("adCheckList", P, {"type": "monthly", "weekIndex": "Fifth", "dayOfWeek": "Monday"}, f"!{P}.weekIndex"),
    ("adCheckList", P, {"type": "monthly", "weekIndex": "First"}, f"!{P}.dayOfWeek"),
    (
        "adCheckList",
        P,
        {"type": "monthly", "weekIndex": "First", "dayOfWeek": "Monday", "dayOfMonth": "1"},
        f"!{P}.weekIndex",
    ),
    ("adCheckList", P, {"type": "never"}, f"!{S}"),
    ("adCheckList", P, {"type": "run once"}, f"!{S}"),
    ("adCheckList", P, {"type": "never", "weekDays": "Monday"}, f"!{P}.weekDays"),
    ("adCheckList", "entities.0.resource.type", "device", "DEVICE"),
    ("adCheckList", "entities.0.resource.type", "GROUP", "!entities.0.resource.type"),
    ("adCheckList", "entities.0.resource.id", "x", "!entities.0.resource.id"),
    ("adCheckList", "entities.0.resource.id", FIRST.upper(), FIRST),
    ("adCheckList", "entities.0", {}, "!entities.0.resource.type"),
    ("adCheckList", "entities", ..., []),
    ("networkconfigbackup", "entities", ..., "!entities"),
    ("networkconfigbackup", "entities", [], "!entities"),
    ("networkconfigbackup", "script.configParams.versionsSaved", "version_with_changes", "VERSION_WITH_CHANGES"),
    ("networkconfigbackup", "script.configParams.versionsSaved", "NEWEST", "!script.configParams.versionsSaved"),
    ("networkconfigbackup", "script.configParams.backUpTrigger", False, False),
    ("networkconfigbackup", "script.configParams.backUpTrigger", "on", "!script.configParams.backUpTrigger"),
    ("networkconfigbackup", "script.configParams.runConfigAlert", "false", "!script.configParams.runConfigAlert"),
    ("networkconfigbackup", "script.configParams.unknown", "false", "!script.configParams.unknown"),
    ("networkconfigbackup", "script.approvalType", {}, "!script.approvalType"),
    ("appinstall", "script.approvalType.approvalType", 0, 0),
    ("appinstall", "script.approvalType.approvalType", "2", "!script.approvalType.approvalType"),
    ("appinstall", "script.approvalType.alertRequired", "maybe", "!script.approvalType.alertRequired"),
    ("appinstall", "script.app", "curl", "curl"),
    ("appinstall", "script.app", "curl; reboot", "!script.app"),
    ("custom", "script.customScript.id", 7, 7),
    ("custom", "script.customScript.id", "8", "!script.customScript.id"),
    ("custom", "script.customScript.id", "seven", "!script.customScript.id"),
    ("custom", "script.userType", 1, 1),
    ("custom", "script.userType", "3", "!script.userType"),
    ("custom", "userType", "1", "!script.userType"),
    ("custom", "script.parameters.0.value", 150, "150"),
    ("custom", "script.parameters.0.value", "007", "007"),
    ("custom", "script.parameters.0.value", [], "!script.parameters.0.value"),
    ("custom", "script.parameters.0.paramId", "3", "!script.parameters"),
    ("custom", "script.parameters.0.itopMacro", {"id": 1}, "!script.parameters.0.itopMacro"),
    ("custom", "credentialSet", {"uniqueId": "nothing"}, "!credentialSet.uniqueId"),
]


@pytest.mark.parametrize(("kind", "path", "given", "wanted"), VARIANTS)
def test_variants_of_a_body(post, kind, path, given, wanted):
    answer = post(changed(kind, path, given))
    if isinstance(wanted, str) and wanted.startswith("!"):
        assert answer.status_code == 400, answer.content
        assert wanted[1:] in answer.json()["errors"], answer.json()
        assert not ServiceJob.objects.exists()
        return
    assert answer.status_code == 200, answer.content
    found = answer.json()
    place = path if not path.startswith(f"{P}.") else P
    for key in place.split("."):
        found = found[int(key) if isinstance(found, list) else key]
    assert (found, type(found)) == (wanted, type(wanted))


def test_the_other_spellings_of_the_contradictory_keys(post):
    body = sample("networkconfigbackup")
    params = body["script"]["configParams"]
    params["runConfigAlert"] = params.pop("runtimeConfigAlert")
    assert post(body).json()["script"]["configParams"]["runtimeConfigAlert"] is True
    body = sample("custom")
    body["userType"], body["parameters"] = body["script"].pop("userType"), body["script"].pop("parameters")
    assert post(body).json()["script"] == sample("custom", "response")["script"]


def test_a_generated_name_is_numbered_and_an_explicit_one_refused(post):
    names = [post(sample("custom")).json()["name"] for _ in range(3)]
    assert names == ["Job - test script", "Job - test script (2)", "Job - test script (3)"]
    assert post(sample("adCheckList")).status_code == 200
    again = post(sample("adCheckList"))
    assert again.status_code == 400 and "exists" in again.json()["errors"]["name"][0]


def test_a_change_asks_for_approval_and_auto_approval_needs_the_right(post):
    operator = "client13-operator"
    made = ServiceJob.objects.get(pk=post(sample("custom"), operator).json()["id"])
    assert made.approval.status == "requested" and made.job_type == "script"
    body = changed("appinstall", "script.app", "curl")
    assert post(body, operator).status_code == 403
    made = ServiceJob.objects.get(pk=post(body).json()["id"])
    assert (made.approval.status, made.approval.bypass, made.status) == ("approved", True, "saved")
    assert AuditEvent.objects.filter(action="approval.bypassed", subject=made.name).exists()
    assert made.approval.events.get().message == "for testing"


def test_manual_approval_holds_even_the_job_of_somebody_who_may_run_without(post, api):
    body = changed("appinstall", "script.app", "curl")
    body["script"]["approvalType"]["approvalType"] = "0"
    found = post(body).json()
    made = ServiceJob.objects.get(pk=found["id"])
    assert made.approval.status == "requested"
    refused = api("client13-admin").post(f"{URL}/{made.pk}/run", {"reason": "now"}, format="json")
    assert refused.status_code == 409 and "needs approval" in refused.json()["detail"]


def test_what_names_no_application_stays_a_draft_until_it_is_defined(post, api):
    found = post(sample("appinstall")).json()
    job = ServiceJob.objects.get(pk=found["id"])
    assert job.status == "draft"
    client = api("client13-admin")
    assert client.post(f"{URL}/{job.pk}/run", {}, format="json").status_code == 409
    body = changed("appinstall", "script.app", "curl")
    answer = client.post(f"{URL}/{job.pk}", {**body, "id": str(job.pk)}, format="json")
    assert answer.status_code == 200, answer.content
    job.refresh_from_db()
    assert job.status == "saved" and answer.json()["script"]["app"] == "curl"


def test_a_job_is_found_changed_run_and_deleted(post, api, wakeups):
    client = api("client13-admin")
    found = post(sample("adCheckList")).json()
    one = f"{URL}/{found['id']}"
    assert client.get(one).json() == found
    page = client.get(f"{URL}/search", {"queryString": "check", "pageSize": 1}).json()
    rows = page.pop("results")
    assert page == {
        "totalResults": 1,
        "orderBy": "id",
        "pageNo": 1,
        "pageSize": 1,
        "totalPages": 1,
        "nextPage": False,
        "previousPageNo": 0,
        "descendingOrder": True,
    }
    assert rows == [{key: value for key, value in found.items() if key != "entities"}]
    assert client.get(URL, {"queryString": "nothing"}).json()["results"] == []
    body = changed("adCheckList", P, {"type": "weekly", "weekDays": "Sunday"})
    assert client.post(one, {**body, "id": FIRST}, format="json").status_code == 400
    answer = client.post(one, {**found, **body}, format="json")
    assert answer.status_code == 200, answer.content
    assert answer.json()["schedule"]["pattern"] == {"type": "weekly", "weekDays": "Sunday"}
    assert client.post(one, sample("custom"), format="json").status_code == 400
    run = client.post(f"{one}/run", {"reason": "on demand"}, format="json").json()
    assert JobRun.objects.get(pk=run["runId"]).executed_by.username == "client13-admin"
    assert AuditEvent.objects.get(action="run.asked").details["reason"] == "on demand"
    assert client.delete(one).status_code == 409  # it runs
    make.end(JobRun.objects.all())
    assert client.delete(one).status_code == 200
    assert client.get(one).status_code == 404


def test_what_was_answered_can_be_sent_again(post, api):
    for kind in KINDS:
        found = post(changed(kind, "script.app", "curl") if kind == "appinstall" else sample(kind)).json()
        if kind == "custom":
            found["script"]["jobType"] = "custom"
        answer = api("client13-admin").post(f"{URL}/{found['id']}", found, format="json")
        assert answer.status_code == 200, (kind, answer.content)
        found.get("script", {}).pop("jobType" if kind == "custom" else "", None)
        assert answer.json() == found


def test_a_job_in_the_future_runs_once_then(post, wakeups):
    at = (timezone.now() + timedelta(hours=2)).replace(second=0, microsecond=0)
    for label in ("never", "run once"):
        body = changed("adCheckList", P, {"type": label})
        body["schedule"]["startDate"], body["name"] = at.strftime("%Y-%m-%dT%H:%M:%S+0000"), label
        assert post(body).json()["schedule"]["pattern"] == {"type": label}
    runs = make.tick(at)
    assert [run.job_name for run in runs] == ["never", "run once"]
    assert not make.tick(at + timedelta(days=2))


def test_without_a_start_a_change_waits_for_approval_or_a_reason(post, api, wakeups):
    ServiceJob.objects.all().delete()
    body = sample("custom")
    del body["schedule"]
    found = post(body).json()
    job = ServiceJob.objects.get(pk=found["id"])
    assert job.approval.status == "requested" and not JobRun.objects.filter(job=job).exists()
    refused = api("client13-admin").post(f"{URL}/{job.pk}/run", {}, format="json")
    assert refused.status_code == 409
    started = api("client13-admin").post(f"{URL}/{job.pk}/run", {"reason": "To run it on demand"}, format="json")
    assert started.status_code == 200, started.content
    run = JobRun.objects.get(job=job)
    assert run.bypass == "by_right" and run.device_count == 2
    assert run.approval.events.get(action="bypassed").message == "To run it on demand"


def test_types_are_listed_and_a_script_of_a_sibling_is_unknown(post, api, tenant):
    names = api("client13-operator").get(f"{URL}/types").json()["jobNameAndType"]
    assert [row["jobtype"] for row in names] == ["adCheckList", "networkconfigbackup", "appinstall", "custom"]
    Script.objects.create(pk=70, tenant=tenant("client_93"), name="theirs")
    above = Script.objects.create(pk=71, tenant=tenant("msp_12"), name="ours", body="Write-Output 1\n")
    ScriptParameter.objects.create(tenant=above.tenant, script=above, number=2, name="String")
    assert post(changed("custom", "script.customScript.id", 70)).status_code == 400
    assert post(changed("custom", "script.customScript.id", 71)).status_code == 200


def test_a_secret_parameter_is_never_answered(post):
    ScriptParameter.objects.filter(script=7).update(data_type="PASSWORD")
    answer = post(changed("custom", "script.parameters.0.value", "hush-hush"))
    assert answer.json()["script"]["parameters"] == [{"paramId": 2, "name": "String", "value": "********"}]
    assert "hush-hush" not in json.dumps(list(ServiceJob.objects.values("variables", "sealed_variables", "compat")))


def test_the_samples_devices_are_the_demos():
    assert set(
        Device.objects.filter(tenant__key="client_13", pk__in=[FIRST, SECOND]).values_list("address", flat=True)
    ) == {
        "10.233.19.130",
        "172.30.1.60",
    }


def test_a_search_takes_as_many_queries_for_many_jobs(post, api):
    client = api("client13-admin")

    def asked():
        with CaptureQueriesContext(connection) as found:
            assert client.get(f"{URL}/search").status_code == 200
        return len(found)

    for kind in KINDS:
        post(sample(kind))
    few = asked()
    for _ in range(6):
        post(sample("custom"))
    assert asked() == few <= 14
