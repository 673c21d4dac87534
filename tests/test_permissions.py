"""Person × verb → status: the table is the specification, the same for pages and API."""

from copy import deepcopy

import pytest
from django.urls import reverse

from devices.models import Agent, Tenant
from jobs.authoring import drafts
from tests import make

pytestmark = pytest.mark.django_db
PEOPLE = ("acme-viewer", "acme-operator", "acme-approver-1", "acme-admin", "msp-admin", "admin", "globex-operator")
#: verb: the answers for PEOPLE in order. 302 is a page's "done", 403 visible but not allowed, 404 invisible.
TABLE = {
    "see a device": (200, 200, 200, 200, 200, 200, 404),
    "change a device": (403, 403, 403, 200, 200, 200, 404),
    "see a template": (200, 200, 200, 200, 200, 200, 404),
    "edit a template": (403, 403, 403, 200, 200, 200, 404),
    "see a job": (200, 200, 200, 200, 200, 200, 404),
    "run a job": (403, 302, 403, 302, 302, 302, 404),
    "edit a job": (403, 302, 403, 302, 302, 302, 404),
    "switch a job": (403, 302, 403, 302, 302, 302, 404),
    "see a run": (200, 200, 200, 200, 200, 200, 404),
    "cancel a run": (403, 302, 403, 302, 302, 302, 404),
    "ask for approval": (403, 302, 403, 302, 302, 302, 404),
    "see a request": (200, 200, 200, 200, 200, 200, 404),
    "set a policy": (403, 403, 403, 200, 200, 200, 403),
    "set a mail server": (403, 403, 403, 200, 200, 200, 403),
    "api: approve": (403, 403, 200, 403, 403, 200, 404),
    "api: comment": (403, 200, 200, 403, 403, 200, 404),
    "api: close a request": (403, 200, 403, 200, 200, 200, 404),
    "api: create a job": (400, 201, 400, 201, 201, 201, 400),
    "api: run a job": (403, 201, 403, 201, 201, 201, 404),
    "api: delete a job": (403, 204, 403, 204, 204, 204, 404),
    "api: add a device": (403, 403, 403, 201, 201, 201, 400),
    "api: add a template": (403, 403, 403, 201, 201, 201, 400),
    "api: open a draft": (400, 201, 400, 201, 201, 201, 400),
    "api: add a trigger": (403, 201, 403, 201, 201, 201, 400),
    "api: import devices": (403, 403, 403, 200, 200, 200, 400),
    "api: edit a device": (403, 403, 403, 200, 200, 200, 404),
    "api: write a script": (403, 403, 403, 201, 201, 201, 400),
    "api: opsramp create": (403, 200, 403, 200, 200, 200, 404),
    "api: read the audit": (0, 0, 0, 1, 1, 1, 0),
}


@pytest.fixture(scope="module")
def made(shared_world):
    """What the people act on, made once: no answer of the table changes it for the next."""
    with shared_world():
        return make_things(make.user("acme-operator"), Tenant.objects.get(key="acme"))


@pytest.fixture
def things(made, db, wakeups):
    return deepcopy(made)


def make_things(operator, acme):
    device = make.devices(acme)[0]
    job, run = make.job(operator, make.template(acme), [device])
    change_template = make.template(acme, "Set NTP server")
    draft = make.draft(operator, change_template, [device])
    asked = drafts.request_job(by=operator, draft=draft, message="")
    change, _ = make.job(operator, change_template, [device], triggers=(), needs_schedule=False)
    return {
        "asked": asked,
        "change": change,
        "tenant": acme,
        "device": device,
        "template": make.template(acme),
        "job": job,
        "run": run,
    }


def page(client, verb, t):
    urls = {
        "see a device": ("get", "device", t["device"].pk),
        "see a template": ("get", "template", t["template"].pk),
        "edit a template": ("get", "edit-template", t["template"].pk),
        "see a job": ("get", "job", t["job"].pk),
        "run a job": ("post", "run-now", t["job"].pk),
        "edit a job": ("post", "edit-job", t["job"].pk),
        "switch a job": ("post", "switch-job", t["job"].pk),
        "see a run": ("get", "run", t["run"].pk),
        "cancel a run": ("post", "cancel-run", t["run"].pk),
        "ask for approval": ("post", "request-approval", t["change"].pk),
        "see a request": ("get", "approval", t["asked"].pk),
    }
    if verb in ("set a policy", "set a mail server"):
        return client.get(
            "/approvals/policies/new/" if verb == "set a policy" else "/settings/mail-servers/new/"
        ).status_code
    if verb == "change a device":
        return client.get(reverse("edit-thing", args=["devices", t["device"].pk])).status_code
    method, name, pk = urls[verb]
    return getattr(client, method)(reverse(name, args=[pk])).status_code


def call(client, verb, t):
    if verb in ("api: approve", "api: comment", "api: close a request"):
        body = {"action": verb.split()[1], "message": "x", "digest": t["asked"].approval.digest}
        return client.post(f"/api/v1/approvals/{t['asked'].approval_id}/decide/", body, format="json").status_code
    if verb == "api: create a job":
        body = {
            "template": t["template"].pk,
            "name": "New",
            "description": "x",
            "agent": Agent.objects.get(tenant=t["tenant"]).pk,
            "selection": {"devices": [str(t["device"].pk)]},
        }
        return client.post("/api/v1/jobs/", body, format="json").status_code
    if verb == "api: run a job":
        return client.post(f"/api/v1/jobs/{t['job'].pk}/run/").status_code
    if verb == "api: delete a job":
        from jobs.models import JobRun

        make.end(JobRun.objects.filter(pk=t["run"].pk))
        return client.delete(f"/api/v1/jobs/{t['job'].pk}/").status_code
    if verb == "api: add a device":
        body = {
            "tenant": t["tenant"].pk,
            "name": "new",
            "address": "192.0.2.77",
            "platform": "linux",
            "network": t["device"].network_id,
        }
        return client.post("/api/v1/devices/", body, format="json").status_code
    if verb == "api: add a template":
        body = {
            "tenant": t["tenant"].pk,
            "name": "new",
            "steps": [{"name": "s", "kind": "read", "commands": {"linux": "uname"}}],
        }
        return client.post("/api/v1/service-templates/", body, format="json").status_code
    if verb == "api: open a draft":
        return client.post("/api/v1/drafts/", {"template": t["template"].pk}, format="json").status_code
    if verb == "api: add a trigger":
        rule = {"kind": "daily", "start_at": "2026-01-01T03:00:00"}
        return client.post("/api/v1/triggers/", {"job": t["job"].pk, "rule": rule}, format="json").status_code
    if verb == "api: import devices":
        body = {"tenant": t["tenant"].pk, "csv": "name,address,platform,network\n"}
        return client.post("/api/v1/devices/import/", body, format="json").status_code
    if verb == "api: edit a device":
        return client.patch(f"/api/v1/devices/{t['device'].pk}/", {"name": "other"}, format="json").status_code
    if verb == "api: write a script":
        body = {"tenant": t["tenant"].pk, "name": "new", "execution_type": "SHELL", "body": "uname\n"}
        return client.post("/api/v1/scripts/", body, format="json").status_code
    if verb == "api: opsramp create":
        schedule = {"startDate": "2026-01-01T03:00:00Z", "pattern": {"type": "daily", "frequency": "everyday"}}
        body = {"name": "AD", "script": {"jobType": "adCheckList"}, "schedule": schedule}
        return client.post("/api/v2/tenants/acme/jobs", body, format="json").status_code
    found = client.get("/api/v1/audit/").json()["results"]
    return int(any(row["tenant"] == t["tenant"].pk for row in found))


@pytest.mark.parametrize("verb", TABLE)
@pytest.mark.parametrize("name", PEOPLE)
def test_person_and_verb(verb, name, things, browser, api):
    got = call(api(name), verb, things) if verb.startswith("api") else page(browser(name), verb, things)
    assert got == TABLE[verb][PEOPLE.index(name)]


def test_a_private_job_and_its_runs_exist_for_their_creator_only(person, tenant, browser, wakeups):
    from jobs.domain.spec import Visibility

    acme = tenant("acme")
    job, run = make.job(
        person("acme-operator"), make.template(acme), make.devices(acme, "linux"), visibility=Visibility.PRIVATE
    )
    urls = [
        reverse("job", args=[job.pk]),
        reverse("run", args=[run.pk]),
        reverse("device-run", args=[run.pk, run.device_runs.get().pk]),
    ]
    assert [browser("acme-operator").get(url).status_code for url in urls] == [200] * 3
    assert [browser("acme-admin").get(url).status_code for url in urls] == [404] * 3


def test_a_deactivated_person_and_a_lost_role_count_at_once(person, browser, api, tenant):
    operator = person("acme-operator")
    operator.groups.clear()
    assert api("acme-operator").get("/api/v1/devices/").json()["count"] == 0
    operator.is_active = False
    operator.save()
    assert api("acme-operator").get("/api/v1/devices/").status_code == 401


def test_demo_tokens_work_in_demo_mode_only(api, settings):
    assert api("acme-operator").get("/api/v1/devices/").status_code == 200
    settings.DEMO = False
    assert api("acme-operator").get("/api/v1/devices/").status_code == 401


def test_a_right_on_every_object_of_a_model_gives_nothing(person, browser):
    """A global permission must not open all tenants (guardian's default would)."""
    from django.contrib.auth.models import Permission

    stranger = person("globex-operator")
    stranger.user_permissions.add(*Permission.objects.filter(content_type__app_label="devices"))
    body = browser("globex-operator").get("/devices/").content.decode()
    assert "acme-sw01" not in body and "globex-sw01" in body


def test_an_inactive_person_holds_no_right_even_where_the_rows_of_rights_remain(person):
    """Guardian lists objects for inactive users too; access must not."""
    from devices import access
    from devices.domain.roles import Verb

    operator = person("acme-operator")
    operator.is_active = False
    assert not access.tenants_where(operator, Verb.VIEW).exists()


def test_giving_and_taking_a_role_is_in_the_audit_trail_with_its_actor(person, tenant, browser):
    from devices.access import role_group
    from devices.models import AuditEvent
    from devices.services.audit import verify

    viewer, acme = person("acme-viewer"), tenant("acme")
    group = role_group(acme, "approver")
    form = browser("admin").get(f"/admin/auth/user/{viewer.pk}/change/").context["adminform"].form
    data = {name: form.initial.get(name) for name in form.fields if form.initial.get(name) not in (None, False)}
    data |= {
        "groups": [group.pk, *(g.pk for g in viewer.groups.all())],
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
        "is_active": "on",
    }
    (
        data.pop("password", None),
        data.pop("date_joined", None),
        data.pop("last_login", None),
        data.pop("user_permissions", None),
    )
    assert browser("admin").post(f"/admin/auth/user/{viewer.pk}/change/", data).status_code == 302
    data["groups"] = [g.pk for g in viewer.groups.exclude(pk=group.pk)]
    assert browser("admin").post(f"/admin/auth/user/{viewer.pk}/change/", data).status_code == 302
    rows = AuditEvent.objects.filter(
        tenant=acme, action__startswith="role.", subject="acme-viewer", details__role="approver"
    ).order_by("pk")
    assert [(row.action, row.actor_name) for row in rows] == [("role.given", "admin"), ("role.taken", "admin")]
    assert verify(acme) > 0
