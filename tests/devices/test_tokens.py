"""Tokens with fewer rights than their owner: where they reach, what they may do, and that no face forgets it."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from devices.domain.roles import Verb
from devices.models import ApiToken, Device, Notice
from devices.services import tokens
from jobs.models import ServiceJob
from tests import make

pytestmark = pytest.mark.django_db


def client(user, **limits):
    _, text = tokens.create_token(user=user, name="limited", **limits)
    found = APIClient()
    found.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return found


@pytest.mark.parametrize("owner", ["msp-admin", "admin"])
def test_a_token_for_one_customer_reaches_no_other(owner, person, tenant):
    limited = client(person(owner), tenant=tenant("acme"))
    keys = {row["key"] for row in limited.get("/api/v1/tenants/").json()["results"]}
    assert keys == {"acme"}
    foreign = Device.objects.filter(tenant=tenant("globex")).first()
    assert limited.get(f"/api/v1/devices/{foreign.pk}/").status_code == 404
    assert limited.get("/api/v2/tenants/globex/jobs").status_code == 404
    assert (
        limited.post("/api/v1/networks/", {"tenant": tenant("globex").pk, "name": "N"}, format="json").status_code
        == 400
    )
    assert (
        limited.post("/api/v1/networks/", {"tenant": tenant("acme").pk, "name": "N"}, format="json").status_code == 201
    )
    root = limited.post("/api/v1/tenants/", {"key": "root2", "name": "R", "kind": "msp"}, format="json")
    assert root.status_code in (400, 403)


def test_a_limited_token_reads_no_notice_of_another_customer(person, tenant):
    owner = person("msp-admin")
    for key in ("acme", "globex"):
        Notice.objects.create(
            tenant=tenant(key), recipient=owner, key=key, text=key, url="/", created_at=timezone.now()
        )
    found = client(owner, tenant=tenant("acme")).get("/api/v1/notices/").json()["results"]
    assert [row["text"] for row in found] == ["acme"]


def test_a_token_for_an_msp_reaches_what_is_below_it(person, tenant):
    limited = client(person("admin"), tenant=tenant("msp_12"))
    assert {"msp_12", "acme", "client_13"} <= {row["key"] for row in limited.get("/api/v1/tenants/").json()["results"]}


def test_a_token_that_may_only_see_changes_and_runs_nothing(person, tenant, wakeups):
    acme = tenant("acme")
    job, _ = make.job(
        person("acme-operator"), make.template(acme), make.devices(acme)[:1], triggers=(), needs_schedule=False
    )
    for owner in ("acme-admin", "admin"):
        limited = client(person(owner), verbs=[Verb.VIEW])
        assert limited.get(f"/api/v1/jobs/{job.pk}/").status_code == 200
        assert limited.post(f"/api/v1/jobs/{job.pk}/run/").status_code == 403
        assert limited.post("/api/v1/networks/", {"tenant": acme.pk, "name": "N"}, format="json").status_code == 403
        assert limited.delete(f"/api/v1/jobs/{job.pk}/").status_code == 403
        assert limited.get("/api/v1/audit/").json()["count"] == 0
    runner = client(person("acme-admin"), verbs=[Verb.RUN])
    assert runner.post(f"/api/v1/jobs/{job.pk}/run/").status_code == 201


def test_without_the_right_to_bypass_a_change_needs_approval(person, tenant, wakeups):
    acme = tenant("acme")
    change, _ = make.job(
        person("acme-admin"),
        make.template(acme, "Set NTP server"),
        make.devices(acme)[:1],
        triggers=(),
        needs_schedule=False,
        may_bypass=False,
    )
    limited = client(person("acme-admin"), verbs=[Verb.RUN])
    refused = limited.post(f"/api/v1/jobs/{change.pk}/run/")
    assert refused.status_code == 409 and "needs approval" in refused.json()["detail"]
    wish = {"without_approval": "The line is down."}
    assert limited.post(f"/api/v1/jobs/{change.pk}/run/", wish).status_code == 403
    assert client(person("acme-admin")).post(f"/api/v1/jobs/{change.pk}/run/").status_code == 409
    assert client(person("acme-admin")).post(f"/api/v1/jobs/{change.pk}/run/", wish).status_code == 201


def test_the_owner_keeps_all_rights_and_loses_the_tokens_with_his_own(person, tenant):
    owner = person("acme-operator")
    limited = client(owner, tenant=tenant("globex"))
    assert limited.get("/api/v1/devices/").json()["count"] == 0, "a token gives nothing that its owner lacks"
    assert ServiceJob.objects.count() == 0
    owner.is_active = False
    owner.save()
    assert limited.get("/api/v1/devices/").status_code == 401


def test_the_page_makes_a_limited_token_that_expires(browser, person, tenant):
    page, at = browser("acme-operator"), timezone.now() + timedelta(days=30)
    data = {
        "name": "nightly",
        "purpose": "api",
        "tenant": tenant("acme").pk,
        "verbs": [Verb.RUN.value],
        "expires_at": at.strftime("%Y-%m-%dT%H:%M"),
    }
    body = page.post(reverse("tokens"), data).content.decode()
    token = ApiToken.objects.get(name="nightly")
    assert (token.tenant.key, token.verbs) == ("acme", ["run_jobs"]) and abs(token.expires_at - at) < timedelta(
        minutes=1
    )
    assert (
        "Create, edit and run jobs in Acme" in body
        and "ilk_" in body
        and "ilk_" not in page.get(reverse("tokens")).content.decode()
    )
    for wrong in ({"tenant": tenant("globex").pk}, {"expires_at": "2020-01-01T00:00"}, {"verbs": ["everything"]}):
        page.post(reverse("tokens"), {**data, "name": "refused", **wrong})
    assert not ApiToken.objects.filter(name="refused").exists()
