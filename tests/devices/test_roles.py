"""Who holds which role is read from rows; what a group or a tenant is called changes nothing."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.db.models import ProtectedError
from django.urls import reverse
from django.utils import timezone
from guardian.models import GroupObjectPermission

from approvals import policies, selectors, services
from approvals.domain import Action, ApprovalStatus, Step
from config.errors import Forbidden, Invalid, NotFound
from devices import access
from devices.domain.roles import ROLES, Verb
from devices.models import AuditEvent, Role, Tenant
from devices.services import tenants
from jobs.authoring import drafts
from jobs.dispatch import approval_gate
from jobs.models import ServiceJob
from jobs.plan.job_mapping import spec_of
from jobs.web.wizard.forms import DetailsForm
from tests import make

pytestmark = pytest.mark.django_db
#: What somebody may call a group by hand, hoping that it is taken for a role of acme.
LOOKALIKES = ("acme: tenant admin", "acme: tenant_admin", "acme: approver", "Acme: approver", "acme: Leads", "acme: ")


@pytest.fixture
def impostor(acme):
    """Somebody of no tenant, in groups that are called like acme's roles; the true ones are called otherwise."""
    for role in access.roles_of(acme):
        Group.objects.filter(pk=role.group_id).update(name=f"renamed {role.pk}")
    found = User.objects.create_user("impostor", "impostor@example.com", is_staff=True)
    for name in LOOKALIKES:
        found.groups.add(Group.objects.create(name=name))
    return found


def notifier_choices(draft, user):
    """Return the ids of users (u…) and groups (g…) that the wizard offers to be told."""
    form = DetailsForm(None, draft=draft, user=user, spec=spec_of(draft))
    return {key for key, _ in form.fields["notifier"].choices}


def change_request(acme, person):
    """Make a change that waits for its approval."""
    draft = make.draft(
        person("acme-operator"), make.template(acme, "Set NTP server"), make.devices(acme, "linux"), triggers=()
    )
    return drafts.request_job(by=person("acme-operator"), draft=draft, message="please")


def approve(asked, by):
    return services.decide(
        by=by,
        request=asked.approval,
        action=Action.APPROVE,
        message="ok",
        digest=asked.approval.digest,
        now=timezone.now(),
    )


@pytest.mark.parametrize("key", ROLES)
def test_a_role_gives_exactly_its_rights_in_its_tenant_and_below(key, tenant, person):
    msp, acme, globex = tenant("msp_12"), tenant("acme"), tenant("globex")
    for given, covered in ((acme, {acme}), (msp, {msp, acme, globex})):
        user = User.objects.create_user(f"{key}-{given.key}")
        tenants.give_role(by=None, user=user, tenant=given, role=key)
        held = {(t, verb) for t in (msp, acme, globex) for verb in Verb if access.may(user, verb, t)}
        assert held == {(t, verb) for t in covered for verb in ROLES[key].verbs}


def test_the_grants_in_the_database_are_those_of_the_roles_and_no_others(db):
    granted = {
        (row.group_id, row.content_type.model, row.object_pk, row.permission.codename)
        for row in GroupObjectPermission.objects.select_related("permission", "content_type")
    }
    wanted = {
        (role.group_id, "tenant", str(role.tenant_id), str(verb))
        for role in Role.objects.all()
        for verb in ROLES[role.key].verbs
    }
    assert granted == wanted
    assert Role.objects.count() == Tenant.objects.count() * len(ROLES) == Group.objects.count()


def test_who_is_in_a_group_that_is_called_like_a_role_is_nobody(acme, impostor, person, browser):
    assert impostor not in access.people_of(acme)
    assert not access.tenants_where(impostor, Verb.VIEW).exists()
    assert [
        browser("impostor").get(url).status_code for url in ("/devices/", f"/devices/{make.devices(acme)[0].pk}/")
    ] == [
        200,
        404,
    ]
    asked = change_request(acme, person)
    assert not selectors.waiting_for(impostor).exists()
    for name in ("acme-approver-1", "acme-approver-2"):
        assert selectors.waiting_for(person(name)).exists(), "The renamed group still carries the role."
    with pytest.raises(NotFound):
        approve(asked, impostor)


def test_a_group_that_is_called_like_a_role_is_in_no_picker(acme, impostor, person, browser):
    by_hand = {group.pk for group in impostor.groups.all()}
    roles = {role.group_id for role in access.roles_of(acme)}
    draft = make.draft(person("acme-operator"), make.template(acme), make.devices(acme, "linux"))
    offered = notifier_choices(draft, person("acme-operator"))
    assert {f"g{pk}" for pk in roles} <= offered
    assert not offered & {f"u{impostor.pk}", *(f"g{pk}" for pk in by_hand)}
    form = browser("acme-admin").get(reverse("new-policy")).context["form"]
    assert {key for key, _ in form.fields["group_1"].choices} == {"", *roles}
    form = browser("acme-approver-1").get(reverse("delegations")).context["form"]
    assert impostor not in form.fields["delegate"].queryset


def test_a_group_that_is_called_like_a_role_is_refused_where_one_is_named(acme, impostor, person):
    group, admin, approver = impostor.groups.first(), person("acme-admin"), person("acme-approver-1")
    with pytest.raises(Invalid, match="does not belong"):
        policies.save_policy(by=admin, tenant=acme, steps=[Step(1, group.pk)])
    today = timezone.now().date()
    with pytest.raises(Invalid, match="another person of this customer"):
        policies.delegate(by=approver, tenant=acme, to=impostor, first=today, last=today + timedelta(days=1))
    for told in ({"notify_groups": (group.pk,)}, {"notify_users": (impostor.pk,)}):
        with pytest.raises(Invalid, match="does not belong"):
            make.draft(person("acme-operator"), make.template(acme), make.devices(acme, "linux"), **told)


def test_a_renamed_group_voids_no_approval(acme, person):
    operator, approvers = person("acme-operator"), access.role_group(acme, "approver")
    draft = make.draft(
        operator,
        make.template(acme, "Set NTP server"),
        make.devices(acme, "linux"),
        triggers=(),
        notify_groups=(approvers.pk,),
    )
    asked = drafts.request_job(by=operator, draft=draft, message="please")
    assert asked.approval.content["notify"]["groups"] == ["approver"]
    Group.objects.filter(pk=approvers.pk).update(name="Change board")
    job = ServiceJob.objects.get(pk=asked.pk)
    assert not approval_gate.void_if_changed(job, timezone.now())
    assert job.approval.status == ApprovalStatus.REQUESTED
    job.notify_groups.clear()
    assert approval_gate.void_if_changed(job, timezone.now())


def test_people_of_tenants_with_like_keys_are_not_mixed(tenant, person):
    """SQLite's LIKE takes ACME for acme, and a prefix is no identity on any database."""
    acme, kept = tenant("acme"), set(access.people_of(tenant("acme")))
    for key in ("ACME", "acme-2", "acme: approver", "acm", "acme: "):
        other = tenants.create_tenant(by=None, key=key, name=key, parent=tenant("msp_12"))
        user = User.objects.create_user(f"of {key}")
        tenants.give_role(by=None, user=user, tenant=other, role="operator")
        assert set(access.people_of(other)) == {user}
        assert {role.tenant_id for role in access.roles_of(other)} == {other.pk}
    assert set(access.people_of(acme)) == kept
    assert {role.tenant_id for role in access.roles_of(acme)} == {acme.pk}


def test_a_new_tenant_takes_over_no_group_that_was_there_before_it(tenant):
    waiting = User.objects.create_user("waiting")
    waiting.groups.add(Group.objects.create(name="later: tenant admin"))
    made = tenants.create_tenant(by=None, key="later", name="Later", parent=tenant("msp_12"))
    assert not access.people_of(made).exists()
    assert not access.may(waiting, Verb.VIEW, made)
    assert access.role_group(made, "tenant_admin").name == "later: tenant admin (2)"


def test_a_group_that_carries_a_role_is_not_deleted_by_hand(acme, browser):
    group = access.role_group(acme, "approver")
    with pytest.raises(ProtectedError):
        group.delete()
    page = browser("admin").post(f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"})
    assert page.status_code == 200 and Group.objects.filter(pk=group.pk).exists()


def test_who_gives_a_role_must_hold_what_its_group_really_carries(acme, person):
    """A role's rights are those of its group, not those that the code has a name for."""
    strong = access.make_role(acme, "strong", "strong", [Verb.VIEW, Verb.AUTHOR])
    weak_admin = User.objects.create_user("weak-admin")
    weak_admin.groups.add(access.make_role(acme, "weak", "weak", [Verb.VIEW, Verb.ADMINISTER]).group)
    with pytest.raises(Forbidden, match="Write service templates"):
        tenants.give_role(by=weak_admin, user=weak_admin, tenant=acme, role="strong")
    tenants.give_role(by=person("acme-admin"), user=weak_admin, tenant=acme, role="strong")
    assert weak_admin.groups.filter(pk=strong.group_id).exists()
    with pytest.raises(NotFound, match="no such role"):
        tenants.give_role(by=None, user=weak_admin, tenant=acme, role="king")


def test_the_audit_trail_names_roles_and_not_groups(acme, tenant, impostor, person):
    """A group that is called like a role leaves no trace in the trail; a renamed one leaves the role's."""
    roles = [access.role_group(acme, "approver"), access.role_group(tenant("globex"), "viewer")]
    given = {group.pk for group in (*roles, *impostor.groups.all())}
    before = AuditEvent.objects.count()
    tenants.record_roles(by=person("admin"), person=impostor, given=given, taken=())
    found = AuditEvent.objects.order_by("-pk")[: AuditEvent.objects.count() - before]
    assert {(e.tenant.key, e.action, e.details["role"]) for e in found} == {
        ("acme", "role.given", "approver"),
        ("globex", "role.given", "viewer"),
    }
    assert len(found) == 2


def test_steps_of_a_request_are_shown_with_the_name_of_the_role(acme, person, browser):
    approvers = access.role_group(acme, "approver")
    policies.save_policy(by=person("acme-admin"), tenant=acme, steps=[Step(1, approvers.pk)])
    Group.objects.filter(pk=approvers.pk).update(name="globex: viewer of everything")
    asked = change_request(acme, person)
    body = browser("acme-approver-1").get(reverse("approval", args=[asked.pk])).content.decode()
    assert "acme: approver" in body and "globex" not in body
