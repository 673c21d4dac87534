"""The attacks of the threat model on every face: service, page, API, Django's admin.

Nothing is decided, nothing is counted.
"""

from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from approvals import policies, services
from approvals.domain import Action, Step
from approvals.models import ApprovalEvent, ApprovalRequest
from config.errors import ServiceError
from devices.models import Tenant
from jobs.authoring import drafts
from jobs.dispatch import starter
from jobs.models import JobRun, ServiceJob
from tests import make

pytestmark = pytest.mark.django_db
FACES = ["service", "page", "api", "admin"]


@pytest.fixture(scope="module")
def requested(shared_world):
    """The job (id) that all attack, made once."""
    with shared_world():
        acme, operator = Tenant.objects.get(key="acme"), make.user("acme-operator")
        policies.save_policy(by=make.user("acme-admin"), tenant=acme, steps=[Step(2)])
        User.objects.filter(username__startswith="acme-").update(is_staff=True)
        User.objects.filter(username="globex-operator").update(is_staff=True)
        draft = make.draft(operator, make.template(acme, "Set NTP server"), make.devices(acme, "cisco_ios"))
        return drafts.request_job(by=operator, draft=draft, message="please").pk


@pytest.fixture
def job(requested, db, wakeups):
    return ServiceJob.objects.get(pk=requested)


def post(face, job, name, client, action="approve", digest=None, message="m"):
    """Try to decide through a face; refusals of any kind are swallowed, crashes are not."""
    by, asked = User.objects.get(username=name), ApprovalRequest.objects.get(pk=job.approval_id)
    data = {"action": action, "digest": asked.digest if digest is None else digest, "message": message}
    if face == "service":
        try:
            services.decide(
                by=by,
                request=asked,
                action=Action(f"{action}d" if action == "approve" else "rejected"),
                message=message,
                digest=data["digest"],
                now=timezone.now(),
            )
        except ServiceError:
            return
    elif face == "api":
        caller = APIClient()
        caller.force_authenticate(by)
        assert caller.post(f"/api/v1/approvals/{asked.pk}/decide/", data, format="json").status_code < 500
    else:
        client.force_login(by, backend="devices.web.sign_in.Guarded")
        url = f"/jobs/{job.pk}/approval/" if face == "page" else f"/admin/approvals/approvalrequest/{asked.pk}/change/"
        assert client.post(url, data).status_code < 500


def votes(job):
    return ApprovalEvent.objects.filter(request=job.approval_id, action__in=["approved", "rejected"]).count()


def status(job):
    return ApprovalRequest.objects.get(pk=job.approval_id).status


@pytest.mark.parametrize("face", FACES)
class TestEveryFace:
    def test_it_can_be_decided_there_at_all(self, face, job, client):
        """The attacks would prove nothing if the face did not work."""
        post(face, job, "acme-approver-1", client)
        assert (votes(job), status(job)) == (1, "requested")
        post(face, job, "acme-approver-2", client)
        assert (votes(job), status(job)) == (2, "approved")

    @pytest.mark.parametrize("name", ["acme-operator", "acme-viewer", "acme-admin", "globex-operator"])
    def test_ap1_ap3_neither_the_requester_nor_one_without_the_right(self, name, face, job, client):
        post(face, job, name, client)
        assert (votes(job), status(job)) == (0, "requested")

    def test_ap1_not_even_as_a_superuser(self, face, job, client):
        User.objects.filter(username="acme-operator").update(is_superuser=True)
        post(face, job, "acme-operator", client)
        assert votes(job) == 0

    def test_ap1_not_one_who_edited_it(self, face, job, client):
        ApprovalRequest.objects.filter(pk=job.approval_id).update(
            barred=[User.objects.get(username="acme-approver-1").pk]
        )
        post(face, job, "acme-approver-1", client)
        assert votes(job) == 0

    def test_ap5_one_person_is_one_vote(self, face, job, client):
        for _ in range(2):
            post(face, job, "acme-approver-1", client)
        post(face, job, "acme-approver-1", client, action="reject")
        assert (votes(job), status(job)) == (1, "requested")

    def test_ap6_a_switched_off_approver_does_not_decide(self, face, job, client):
        User.objects.filter(username="acme-approver-1").update(is_active=False)
        post(face, job, "acme-approver-1", client)
        assert votes(job) == 0

    def test_ap7_a_lower_number_does_not_help_an_open_request(self, face, job, client, person, tenant):
        policies.save_policy(by=person("acme-admin"), tenant=tenant("acme"), steps=[Step(1)])
        post(face, job, "acme-approver-1", client)
        assert status(job) == "requested"

    @pytest.mark.parametrize("digest", ["", "0" * 64])
    def test_ap15_another_digest_than_the_one_asked_for(self, digest, face, job, client):
        post(face, job, "acme-approver-1", client, digest=digest)
        assert votes(job) == 0

    def test_a_rejection_says_why(self, face, job, client):
        post(face, job, "acme-approver-1", client, action="reject", message="  ")
        assert votes(job) == 0

    def test_ap4_what_is_closed_stays_closed(self, face, job, client, person):
        services.close(by=person("acme-operator"), request=job.approval, message="", now=timezone.now())
        post(face, job, "acme-approver-1", client)
        assert (votes(job), status(job)) == (0, "closed")


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "head", "options"])
def test_ap3_ap14_no_other_method_changes_anything(method, job, client, person):
    approver = person("acme-approver-1")
    client.force_login(approver, backend="devices.web.sign_in.Guarded")
    caller = APIClient()
    caller.force_authenticate(approver)
    query = f"?action=approve&digest={job.approval.digest}&status=approved"
    body = {"action": "approve", "digest": job.approval.digest, "status": "approved"}
    for url in (f"/jobs/{job.pk}/approval/", f"/admin/approvals/approvalrequest/{job.approval_id}/change/"):
        getattr(client, method)(url + query)
    for url in (f"/api/v1/approvals/{job.approval_id}/", f"/api/v1/approvals/{job.approval_id}/decide/"):
        getattr(caller, method)(url + query, body, format="json")
    assert (votes(job), status(job)) == (0, "requested")


def test_ap10_an_edited_template_does_not_change_what_runs(job, person, tenant, client):
    from templates_app.services import authoring

    for name in ("acme-approver-1", "acme-approver-2"):
        post("service", job, name, client)
    template = make.template(tenant("acme"), "Set NTP server")
    steps = template.current.content.steps
    content = replace(template.current.content, steps=(replace(steps[0], name="Another name"), *steps[1:]))
    edited = authoring.save_template(
        by=None,
        tenant=template.tenant,
        name=template.name,
        description="",
        status="ready",
        content=content,
        instance=template,
    )
    assert edited.current.number == job.version.number + 1
    run = starter.run_now(by=person("acme-operator"), job=ServiceJob.objects.get(pk=job.pk), now=timezone.now())
    assert run.status == "queued" and run.template_version == job.version.number


def test_ap12_a_job_is_judged_by_its_steps_and_not_by_its_label(job, person):
    ServiceJob.objects.filter(pk=job.pk).update(job_type="report", snapshots=False)
    with pytest.raises(ServiceError, match="needs approval"):
        starter.run_now(by=person("acme-operator"), job=ServiceJob.objects.get(pk=job.pk), now=timezone.now())
    assert not JobRun.objects.filter(job=job).exists()
