"""The roads that led around an approval, each tried from outside: what runs was agreed to, or somebody's own act."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from approvals.models import ApprovalRequest
from config.errors import Conflict, Forbidden
from jobs.authoring import drafts, triggers
from jobs.dispatch import approval_gate, starter
from jobs.domain.spec import TaskSpec, Visibility, once_at
from jobs.models import JobRun, ScheduleFilter, ServiceJob
from jobs.plan.job_mapping import spec_of
from templates_app.services import authoring
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def public(acme, person, wakeups):
    """A public change of an administrator, who may run it without approval and has not said so."""
    found, run = make.job(
        person("acme-admin"),
        make.template(acme, "Set NTP server"),
        make.devices(acme, "cisco_ios")[:1],
        triggers=(once_at(timezone.now() + timedelta(days=2)),),
        may_bypass=False,
    )
    assert run is None and found.approval is None
    return found


def edit(job, by, **changes):
    draft = drafts.start_editing(by=by, job=ServiceJob.objects.get(pk=job.pk))
    drafts.save_draft(by=by, draft=draft, spec=replace(spec_of(draft), **changes))
    return drafts.submit_job(by=by, draft=draft)


def ran(job):
    return JobRun.objects.filter(job=job).exclude(status="skipped")


def fresh(job):
    return ServiceJob.objects.get(pk=job.pk)


def test_what_an_operator_writes_into_an_administrators_job_does_not_run_in_his_name(public, person):
    edit(public, person("acme-operator"), variables={"ntp_server": "198.51.100.66"})
    make.tick(timezone.now() + timedelta(days=3))
    assert not ran(public).exists()
    for by in ("acme-operator", "acme-admin"):
        with pytest.raises(Conflict, match="needs approval"):
            starter.run_now(by=person(by), job=fresh(public), now=timezone.now())
    with pytest.raises(Forbidden, match="acme-operator changed this"):
        starter.run_unapproved(by=person("acme-admin"), job=fresh(public), reason="Now.", now=timezone.now())
    assert not ran(public).exists()


def test_a_trigger_that_an_operator_adds_does_not_run_it(public, person):
    spec = once_at(timezone.now() + timedelta(hours=1))
    triggers.save_trigger(by=person("acme-operator"), job=fresh(public), spec=spec)
    make.tick(timezone.now() + timedelta(hours=2))
    assert not ran(public).exists()


def test_an_edit_voids_what_an_administrator_allowed(public, person):
    approval_gate.bypass(by=person("acme-admin"), job=fresh(public), reason="Now.", now=timezone.now())
    edit(public, person("acme-operator"), variables={"ntp_server": "198.51.100.66"})
    assert fresh(public).approval is None
    make.tick(timezone.now() + timedelta(days=3))
    assert not ran(public).exists()


def test_a_profile_that_an_operator_changed_is_his_content(public, person, acme):
    profile = authoring.save_profile(by=None, tenant=acme, name="Branch", values={})
    edit(public, person("acme-admin"), tasks=(TaskSpec(step=0, profile=profile.pk),))
    profile.changed_by, profile.changed_at = person("acme-operator"), timezone.now()
    profile.save()
    with pytest.raises(Forbidden, match="acme-operator changed this"):
        starter.run_unapproved(by=person("acme-admin"), job=fresh(public), reason="Now.", now=timezone.now())


def test_after_others_agreed_the_right_of_whoever_wrote_it_is_not_asked_again(public, person):
    edit(public, person("acme-operator"), description="Other words")
    job = approval_gate.request(by=person("acme-operator"), job=fresh(public), message="", now=timezone.now())
    from tests.approvals.test_rules import approve

    approve(job, person("acme-approver-1"))
    approval_gate.approvals.close(by=person("acme-admin"), request=job.approval, message="", now=timezone.now())
    run = starter.run_unapproved(by=person("acme-admin"), job=fresh(public), reason="Once more.", now=timezone.now())
    assert run.bypass == "by_right" and run.approval.bypass


@pytest.mark.parametrize("face", ["page", "wizard", "api"])
def test_the_act_needs_a_reason_and_the_right(face, public, browser, api):
    for name in ("acme-operator", "acme-admin"):
        for reason in ("", "  "):
            if face == "page":
                browser(name).post(f"/jobs/{public.pk}/run-without-approval/", {"reason": reason, "covers": "now"})
            elif face == "api":
                api(name).post(f"/api/v1/jobs/{public.pk}/run/", {"without_approval": reason}, format="json")
            else:
                browser(name).post(f"/jobs/{public.pk}/run/")
    browser("acme-operator").post(f"/jobs/{public.pk}/run-without-approval/", {"reason": "Now.", "covers": "now"})
    api("acme-operator").post(f"/api/v1/jobs/{public.pk}/run/", {"without_approval": "Now."}, format="json")
    assert not JobRun.objects.filter(job=public).exists() and not ApprovalRequest.objects.exists()
    answer = browser("acme-admin").post(
        f"/jobs/{public.pk}/run-without-approval/", {"reason": "The line is down.", "covers": "now"}
    )
    run = ran(public).get()
    assert answer.url == f"/runs/{run.pk}/" and run.approval_note == "bypassed: ran without approval by right"
    assert "The line is down." in browser("acme-viewer").get(f"/jobs/{public.pk}/approval/").content.decode()


def test_three_quick_clicks_make_one_run(acme, person, browser, wakeups):
    job, _ = make.job(
        person("acme-operator"), make.template(acme), make.devices(acme)[:1], triggers=(), needs_schedule=False
    )
    client, token = browser("acme-operator"), {"once": "a" * 24}
    answers = [client.post(f"/jobs/{job.pk}/run/", token) for _ in range(3)]
    run = JobRun.objects.get(job=job)
    assert {answer.url for answer in answers} == {f"/runs/{run.pk}/"}
    make.end(run.device_runs, "failed")
    make.end(JobRun.objects.filter(pk=run.pk), "failed", ended_at=timezone.now())
    for _ in range(3):
        client.post(f"/runs/{run.pk}/again/", {"which": "failed", "once": "b" * 24})
    assert JobRun.objects.filter(parent=run).count() == 1


@pytest.mark.parametrize("url", ["/jobs/{job}/", "/runs/{run}/"])
def test_each_form_that_starts_something_carries_a_token_of_its_own(url, acme, person, browser, wakeups):
    job, run = make.job(person("acme-operator"), make.template(acme), make.devices(acme)[:1])
    make.end(run.device_runs, "failed")
    make.end(JobRun.objects.filter(pk=run.pk), "failed", ended_at=timezone.now())
    pages = [browser("acme-operator").get(url.format(job=job.pk, run=run.pk)).content.decode() for _ in range(2)]
    tokens = [page.split('name="once" value="')[1].split('"')[0] for page in pages]
    assert tokens[0] != tokens[1] and len(tokens[0]) >= 16


def test_a_private_job_is_decided_by_its_approvers_and_seen_by_nobody_else(acme, person, browser, api):
    operator = person("acme-operator")
    draft = make.draft(
        operator,
        make.template(acme, "Set NTP server"),
        make.devices(acme, "cisco_ios")[:1],
        visibility=Visibility.PRIVATE,
    )
    job = drafts.request_job(by=operator, draft=draft, message="Please.")
    page, listed = f"/jobs/{job.pk}/approval/", f"/api/v1/approvals/{job.approval_id}/"
    for name, sees in (("acme-viewer", False), ("acme-admin", False), ("globex-operator", False)):
        assert (browser(name).get(page).status_code == 200) == sees
        assert (api(name).get(listed).status_code == 200) == sees
        assert job.name not in browser(name).get("/approvals/").content.decode()
    assert browser("acme-approver-1").get(page).status_code == 200
    decision = {"action": "approve", "digest": job.approval.digest, "message": ""}
    assert api("acme-approver-1").post(f"{listed}decide/", decision, format="json").status_code == 200
    assert fresh(job).approval.status == "approved"


def test_running_now_what_was_meant_for_later_asks_first(public, person, browser, api):
    approval_gate.bypass(by=person("acme-admin"), job=fresh(public), reason="Now.", now=timezone.now())
    page = browser("acme-operator").post(f"/jobs/{public.pk}/run/").content.decode()
    assert "is meant for the run at" in page and "uses it up" in page and not ran(public).exists()
    answer = api("acme-operator").post(f"/api/v1/jobs/{public.pk}/run/", {}, format="json")
    assert answer.status_code == 409 and "unconfirmed" in answer.json()["type"]
    assert browser("acme-operator").post(f"/jobs/{public.pk}/run/", {"confirmed": "1"}).status_code == 302
    assert ran(public).exists()


def test_a_window_that_is_shut_uses_no_approval_up(acme, person, wakeups):
    tomorrow = (timezone.now() + timedelta(days=1)).strftime("%A").lower()
    window = ScheduleFilter.objects.create(
        tenant=acme, name="Tomorrow", rules=[{"mode": "only", "weekdays": [tomorrow]}]
    )
    job, _ = make.job(
        person("acme-admin"),
        make.template(acme, "Set NTP server"),
        make.devices(acme, "cisco_ios")[:1],
        triggers=(),
        needs_schedule=False,
        window=window.pk,
        may_bypass=False,
    )
    approval_gate.bypass(by=person("acme-admin"), job=job, reason="Now.", now=timezone.now())
    with pytest.raises(Conflict, match="window 'Tomorrow' is shut"):
        starter.run_now(by=person("acme-admin"), job=fresh(job), now=timezone.now())
    assert fresh(job).approval.status == "approved"


def test_failed_devices_of_a_change_run_again_by_an_approval_of_their_own(acme, person, api, browser, wakeups):
    from tests.approvals.test_rules import approve

    operator = person("acme-operator")
    draft = make.draft(
        operator, make.template(acme, "Set NTP server"), make.devices(acme, "cisco_ios", "linux"), triggers=()
    )
    job = drafts.request_job(by=operator, draft=draft, message="")
    approve(job, person("acme-approver-1"))
    run = starter.run_now(by=operator, job=fresh(job), now=timezone.now())
    bad = run.device_runs.order_by("pk")[0]
    make.end(run.device_runs.filter(pk=bad.pk), "failed")
    make.end(run.device_runs.exclude(pk=bad.pk), "succeeded")
    make.end(JobRun.objects.filter(pk=run.pk), "partial", ended_at=timezone.now())
    url = f"/api/v1/runs/{run.pk}/again/"
    assert api("acme-operator").post(url, {}, format="json").status_code == 409
    asked = api("acme-operator").post(url, {"request_approval": True, "message": "The one."}, format="json")
    assert asked.status_code == 202, asked.content
    assert api("acme-operator").post(url, {}, format="json").status_code == 409
    assert (
        f"devices of run {run.pk} alone" in browser("acme-approver-1").get(f"/jobs/{job.pk}/approval/").content.decode()
    )
    approve(fresh(job), person("acme-approver-1"))
    again = api("acme-operator").post(url, {}, format="json")
    assert again.status_code == 201, again.content
    made = JobRun.objects.get(parent=run)
    assert [row.device_id for row in made.device_runs.all()] == [bad.device_id] and made.approval.status == "closed"


def test_the_vote_of_one_of_two_is_not_called_approved(acme, person, browser, wakeups):
    from approvals import policies
    from approvals.domain import Step
    from devices.models import Notice
    from tests.approvals.test_rules import approve

    policies.save_policy(by=person("acme-admin"), tenant=acme, steps=[Step(2)])
    operator = person("acme-operator")
    draft = make.draft(
        operator, make.template(acme, "Set NTP server"), make.devices(acme, "cisco_ios")[:1], triggers=()
    )
    job = drafts.request_job(by=operator, draft=draft, message="")
    approve(job, person("acme-approver-1"))
    assert not Notice.objects.filter(text__startswith="Approved").exists()
    assert "Voted for it" in browser("acme-operator").get(f"/jobs/{job.pk}/approval/").content.decode()
    approve(fresh(job), person("acme-approver-2"))
    assert Notice.objects.filter(text__startswith="Approved").exists()


def test_four_eyes_are_asked_at_the_decision(acme, person, browser, wakeups):
    """What he changed is no part of the content, and he did it after others had asked."""
    from devices.access import role_group
    from tests.approvals.test_rules import approve

    operator, both = person("acme-operator"), person("acme-approver-1")
    both.groups.add(role_group(acme, "operator"))
    draft = make.draft(
        operator, make.template(acme, "Set NTP server"), make.devices(acme, "cisco_ios")[:1], triggers=()
    )
    job = drafts.request_job(by=operator, draft=draft, message="")
    both = type(both).objects.get(pk=both.pk)
    edit(job, both, wants_approval=True)
    assert fresh(job).approval.status == "requested"
    with pytest.raises(Forbidden, match="somebody else must decide"):
        approve(fresh(job), both)
    assert "/approval/" not in browser("acme-approver-1").get("/jobs/").content.decode().split("<main")[0]


@pytest.mark.django_db
def test_a_job_that_only_reads_runs_although_it_is_said_to_do_without_approval(acme, person):
    """Whoever starts many jobs by a script says the same of each; nothing is bypassed and nothing says so."""
    device, by = make.devices(acme, "cisco_ios")[0], person("acme-admin")
    draft = make.draft(by, make.template(acme), [device])
    job, run = drafts.finish_draft(by=by, draft=draft, wish=drafts.Wish(reason="A trial."))
    assert run is not None and run.bypass == "" and job.approval is None
