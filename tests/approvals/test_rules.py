"""Approval: the status × action table, four eyes, quorum, and that an approval is for exactly what was seen."""

import itertools

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from approvals import policies, services
from approvals.domain import (
    MOVES,
    STATUS_MOVES,
    Action,
    ApprovalStatus,
    FourEyes,
    StaleDigest,
    Step,
    after,
    is_approved,
)
from approvals.models import ApprovalRequest
from config.errors import Conflict, Forbidden, Invalid
from jobs.authoring import drafts
from jobs.dispatch import approval_gate, starter
from jobs.models import ServiceJob
from tests import make

S, A = ApprovalStatus, Action
#: Every cell that is not here is refused.
TABLE = {
    (S.REQUESTED, A.COMMENT): S.REQUESTED,
    (S.REQUESTED, A.APPROVE): S.APPROVED,
    (S.REQUESTED, A.REJECT): S.REJECTED,
    (S.REQUESTED, A.CLOSE): S.CLOSED,
    (S.APPROVED, A.COMMENT): S.APPROVED,
    (S.APPROVED, A.CLOSE): S.CLOSED,
    (S.REJECTED, A.COMMENT): S.REJECTED,
    (S.REJECTED, A.CLOSE): S.CLOSED,
    (S.REJECTED, A.VOID): S.CLOSED,
    (S.REQUESTED, A.BYPASS): S.APPROVED,
    (S.REQUESTED, A.WITHDRAW): S.CLOSED,
    (S.REQUESTED, A.VOID): S.CLOSED,
    (S.REQUESTED, A.EXPIRE): S.CLOSED,
    (S.REQUESTED, A.REMIND): S.REQUESTED,
    (S.APPROVED, A.EXECUTE): S.CLOSED,
    (S.APPROVED, A.VOID): S.CLOSED,
}


@pytest.mark.parametrize("status,action", list(itertools.product(S, A)))
def test_each_status_and_action(status, action):
    if (status, action) in TABLE:
        assert after(status, action) is TABLE[status, action]
    else:
        with pytest.raises(Conflict):
            after(status, action)
    assert set(MOVES) == set(TABLE)


@pytest.mark.django_db
def test_the_database_lets_a_request_move_as_the_table_says_and_no_other_way(change):
    asked = ApprovalRequest.objects.filter(pk=change.approval_id)
    for old, new in itertools.product(set(S) - {S.NOT_REQUESTED}, S):
        with transaction.atomic():
            asked.update(status=old)
            if old == new or new in STATUS_MOVES[old]:
                assert asked.update(status=new) == 1
            else:
                with pytest.raises(IntegrityError, match="must not move"), transaction.atomic():
                    asked.update(status=new)
            transaction.set_rollback(True)


def test_a_quorum_counts_different_eligible_people():
    assert not is_approved([1, 1], [1, 2], 2)
    assert not is_approved([1, 3], [1, 2], 2)
    assert is_approved([1, 2, 3], [1, 2], 2) and is_approved([1, 2, 3], [1, 2, 3], 2)


@pytest.fixture
def change(person, tenant, wakeups):
    acme = tenant("acme")
    draft = make.draft(person("acme-operator"), make.template(acme, "Set NTP server"), make.devices(acme, "cisco_ios"))
    return drafts.request_job(by=person("acme-operator"), draft=draft, message="please")


def approve(job, by, digest=None, action=A.APPROVE):
    return services.decide(
        by=by,
        request=job.approval,
        action=action,
        message="ok",
        digest=digest or job.approval.digest,
        now=timezone.now(),
    )


def run(job, by):
    job.refresh_from_db()
    return starter.run_now(by=by, job=job, now=timezone.now())


@pytest.mark.django_db
class TestTheLifeOfARequest:
    def test_nothing_runs_before_the_approval_and_once_after_it(self, change, person, wakeups):
        operator = person("acme-operator")
        with pytest.raises(Conflict, match="approval status is Requested"):
            run(change, operator)
        approve(change, person("acme-approver-1"))
        assert run(change, operator).approval_note == f"approved by request {change.approval_id}"
        change.approval.refresh_from_db()
        assert change.approval.status == "closed"
        with pytest.raises(Conflict, match="Closed"):
            run(change, operator)

    def test_the_requester_decides_nothing_not_even_as_a_superuser(self, change, person):
        operator = person("acme-operator")
        operator.is_superuser = True
        operator.save()
        with pytest.raises(FourEyes):
            approve(change, person("acme-operator"))

    def test_a_viewer_and_a_stranger_decide_nothing(self, change, person):
        with pytest.raises(Forbidden):
            approve(change, person("acme-viewer"))
        with pytest.raises(Exception, match="no such tenant"):
            approve(change, person("globex-operator"))

    def test_another_digest_than_the_one_asked_for_is_refused(self, change, person):
        with pytest.raises(StaleDigest):
            approve(change, person("acme-approver-1"), digest="0" * 64)

    def test_an_edit_voids_the_approval(self, change, person, tenant):
        approve(change, person("acme-approver-1"))
        draft = drafts.start_editing(by=person("acme-operator"), job=change)
        from dataclasses import replace

        from jobs.plan.job_mapping import spec_of

        drafts.save_draft(
            by=person("acme-operator"),
            draft=draft,
            spec=replace(spec_of(draft), variables={"ntp_server": "198.51.100.1"}),
        )
        job, _ = drafts.submit_job(by=person("acme-operator"), draft=draft)
        assert job.approval is None
        with pytest.raises(Conflict, match="Not Requested"):
            run(job, person("acme-operator"))

    @pytest.mark.parametrize("what", ["address", "credential", "quorum"])
    def test_what_changes_between_approval_and_run_stops_the_run(self, what, change, person, tenant, wakeups):
        from devices.models import Credential, Device
        from devices.services.inventory import save_credential

        approve(change, person("acme-approver-1"))
        device = change.devices.get()
        if what == "address":
            Device.objects.filter(pk=device.pk).update(address="192.0.2.200")
        elif what == "credential":
            other = save_credential(by=None, tenant=tenant("acme"), name="Other", username="x")
            Device.objects.filter(pk=device.pk).update(credential=Credential.objects.get(pk=other.pk))
        else:
            person("acme-approver-1").groups.clear()
        found = run(change, person("acme-operator"))
        assert found.status == "skipped" and found.device_runs.count() == 0
        assert ("other content" if what != "quorum" else "no longer counts") in found.reason

    def test_two_approvals_are_needed_where_the_tenant_says_so_and_one_person_is_one_vote(
        self, person, tenant, wakeups
    ):
        acme = tenant("acme")
        policies.save_policy(by=person("acme-admin"), tenant=acme, steps=[Step(2)])
        draft = make.draft(
            person("acme-operator"), make.template(acme, "Set NTP server"), make.devices(acme, "cisco_ios")
        )
        job = drafts.request_job(by=person("acme-operator"), draft=draft, message="")
        assert approve(job, person("acme-approver-1")).status == "requested"
        with pytest.raises(Conflict, match="decided this request already"):
            approve(job, person("acme-approver-1"))
        assert approve(job, person("acme-approver-2")).status == "approved"

    def test_a_rejection_needs_a_reason_and_ends_the_request(self, change, person):
        with pytest.raises(Invalid, match="Say why"):
            services.decide(
                by=person("acme-approver-1"),
                request=change.approval,
                action=A.REJECT,
                message=" ",
                digest=change.approval.digest,
                now=timezone.now(),
            )
        approve(change, person("acme-approver-1"), action=A.REJECT)
        with pytest.raises(Conflict):
            approve(change, person("acme-approver-2"))

    def test_a_reading_job_needs_none_and_a_change_by_right_says_so(self, person, tenant, wakeups):
        acme = tenant("acme")
        _, read = make.job(person("acme-operator"), make.template(acme), make.devices(acme, "linux"))
        _, changed = make.job(person("acme-admin"), make.template(acme, "Set NTP server"), make.devices(acme, "linux"))
        assert (read.status, read.bypass, read.approval_note) == ("queued", "", "")
        assert (changed.bypass, changed.approval.bypass, changed.approval_note) == (
            "by_right",
            True,
            "bypassed: ran without approval by right",
        )

    def test_an_approver_has_no_bypass(self, person, tenant):
        from approvals import access

        assert not access.may_bypass(person("acme-approver-1"), tenant("acme"))

    def test_the_banner_shows_only_to_who_may_decide(self, change, browser):
        assert change.name in browser("acme-approver-1").get("/jobs/").content.decode().split("<main")[0]
        assert "approval request" not in browser("acme-operator").get("/jobs/").content.decode().split("<main")[0]


@pytest.mark.django_db
class TestRequestsAreFoundByKey:
    """What a request is about is a row that its job refers to; the link that it shows says nothing."""

    def test_earlier_requests_of_a_job_are_found_whatever_link_they_show(self, change, person, browser):
        operator, first = person("acme-operator"), change.approval
        services.close(by=operator, request=first, message="no", now=timezone.now())
        change.refresh_from_db()
        approval_gate.request(by=operator, job=change, message="again", now=timezone.now())
        ApprovalRequest.objects.update(url="/elsewhere/")
        assert change.approval.previous == first and change.approval.subject == first.subject
        page = browser("acme-approver-1").get(f"/jobs/{change.pk}/approval/").content.decode()
        assert f'?request={first.pk}"' in page and f"Request {change.approval_id}" in page

    def test_a_request_of_another_job_with_the_same_link_is_not_its_own(self, change, person, browser, tenant):
        acme, operator = tenant("acme"), person("acme-operator")
        draft = make.draft(operator, make.template(acme, "Set NTP server"), make.devices(acme, "cisco_ios"))
        other = drafts.request_job(by=operator, draft=draft, message="another")
        ApprovalRequest.objects.filter(pk=other.approval_id).update(url=change.approval.url)
        page = browser("acme-approver-1").get(f"/jobs/{change.pk}/approval/?request={other.approval_id}")
        assert f"Request {change.approval_id}" in page.content.decode()
        assert "Other requests" not in page.content.decode()

    def test_a_subject_has_one_open_request(self, change, person):
        stale = ServiceJob.objects.get(pk=change.pk)
        stale.approval = None  # as somebody has read it who asks at the same moment
        with pytest.raises(Conflict, match="open request"):
            approval_gate.request(by=person("acme-operator"), job=stale, message="too", now=timezone.now())
        closed = ApprovalRequest.objects.get(pk=change.approval_id)
        closed.pk, closed.status = None, "approved"
        with pytest.raises(IntegrityError), transaction.atomic():
            closed.save(force_insert=True)
