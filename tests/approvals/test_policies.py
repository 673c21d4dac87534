"""Steps and groups, inheritance, stand-ins, expiry and reminders, series, frozen and dynamic devices, late
approvals."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from approvals import deciders, policies, selectors, services
from approvals.domain import Action, FourEyes, Scope, Step, open_step
from approvals.models import ApprovalEvent, ApprovalRequest
from config.errors import Conflict, Forbidden, Invalid
from devices.access import make_role
from devices.models import AuditEvent, Device, Notice
from devices.services.tenants import create_tenant
from jobs.authoring import drafts
from jobs.dispatch import approval_gate, starter
from jobs.domain.spec import once_at
from jobs.models import JobRun, ServiceJob
from jobs.plan.job_mapping import spec_of
from tests import make

pytestmark = pytest.mark.django_db
NOW = timezone.now


@pytest.fixture
def cast(person):
    return lambda *names: [person(f"acme-{name}") for name in names]


def ask(acme, person, chosen=None, template="Set NTP server", triggers=(), job_changes=None, **asked):
    """Make a job and ask for its approval."""
    operator = person("acme-operator")
    draft = make.draft(
        operator,
        make.template(acme, template),
        chosen or make.devices(acme, "cisco_ios"),
        triggers=triggers,
        **(job_changes or {}),
    )
    return drafts.request_job(by=operator, draft=draft, message="please", **asked)


def vote(job, by, action=Action.APPROVE, message="ok", now=None, **more):
    job.refresh_from_db()
    return services.decide(
        by=by,
        request=job.approval,
        action=action,
        message=message,
        digest=job.approval.digest,
        now=now or NOW(),
        **more,
    )


def run(job, person):
    return starter.run_now(by=person("acme-operator"), job=ServiceJob.objects.get(pk=job.pk), now=NOW())


def group(tenant, key, *members):
    """Make a role without rights, as a group of approvers; return its group's id."""
    found = make_role(tenant, key, key.title(), ()).group
    for member in members:
        member.groups.add(found)
    return found.pk


@pytest.mark.parametrize(
    "votes,eligible,expected",
    [
        ([], {}, 0),
        ([(0, 1)], {0: {1}}, 1),
        ([(0, 1), (1, 2)], {0: {1}, 1: {2}}, 1),
        ([(0, 1), (1, 2), (1, 3)], {0: {1}, 1: {2, 3}}, None),
        ([(0, 1), (1, 2), (1, 3)], {0: set(), 1: {2, 3}}, 0),
        ([(0, 1), (0, 2)], {0: {1, 2}, 1: {2}}, 1),
        ([(0, 1), (1, 2), (1, 2)], {0: {1}, 1: {2}}, 1),
    ],
)
def test_the_open_step(votes, eligible, expected):
    assert open_step([Step(1), Step(2)], votes, eligible) == expected


class TestSteps:
    def test_each_step_is_decided_by_its_group_in_order(self, acme, person, cast):
        admin, first, second = cast("admin", "approver-1", "approver-2")
        leads, board = group(acme, "leads", first), group(acme, "board", second)
        policies.save_policy(by=admin, tenant=acme, steps=[Step(1, leads), Step(1, board)])
        job = ask(acme, person)
        assert selectors.waiting_for(first).exists() and not selectors.waiting_for(second).exists()
        with pytest.raises(Forbidden, match="another group"):
            vote(job, second)
        assert vote(job, first).status == "requested"
        assert not selectors.waiting_for(first).exists() and selectors.waiting_for(second).exists()
        assert Notice.objects.filter(recipient=second, text__startswith="Approval requested").exists()
        assert vote(job, second).status == "approved"
        assert run(job, person).status == "queued"

    def test_a_lost_right_reopens_an_earlier_step_at_run_time(self, acme, person, cast):
        admin, first, second = cast("admin", "approver-1", "approver-2")
        policies.save_policy(by=admin, tenant=acme, steps=[Step(1), Step(1)])
        job = ask(acme, person)
        vote(job, first)
        vote(job, second)
        first.is_active = False
        first.save()
        found = run(job, person)
        assert found.status == "skipped" and "no longer counts" in found.reason

    def test_lowering_the_policy_does_not_touch_open_requests(self, acme, person, cast):
        admin, first, second = cast("admin", "approver-1", "approver-2")
        policies.save_policy(by=admin, tenant=acme, steps=[Step(2)])
        job = ask(acme, person)
        policies.save_policy(by=admin, tenant=acme, steps=[Step(1)])
        assert vote(job, first).status == "requested" and vote(job, second).status == "approved"

    def test_the_nearest_and_most_specific_policy_holds(self, acme, person, tenant, cast):
        (admin,) = cast("admin")
        above, child = (
            tenant("msp_12"),
            create_tenant(by=None, key="acme_lab", name="Acme Lab", kind="customer", parent=acme),
        )
        assert policies.policy_for(child).steps == [{"required": 1, "group": None}]
        policies.save_policy(by=person("msp-admin"), tenant=above, steps=[Step(3)])
        assert policies.policy_for(child).steps[0]["required"] == 3, "inherited from two levels up"
        policies.save_policy(by=admin, tenant=acme, steps=[Step(2)], applies_to="type:regular")
        assert policies.policy_for(child, ("template:7", "type:regular")).steps[0]["required"] == 2
        assert policies.policy_for(child, ("template:7",)).steps[0]["required"] == 3
        policies.save_policy(by=admin, tenant=acme, steps=[Step(1)], applies_to="template:7")
        assert policies.policy_for(child, ("template:7", "type:regular")).steps[0]["required"] == 1

    @pytest.mark.parametrize("steps", [[], [Step(1)] * 4, [Step(0)], [Step(4)], [Step(1, 999_999)]])
    def test_an_impossible_policy_is_refused(self, steps, acme, cast):
        with pytest.raises(Invalid):
            policies.save_policy(by=cast("admin")[0], tenant=acme, steps=steps)

    def test_only_administrators_write_policies(self, acme, cast):
        for someone in cast("operator", "approver-1", "viewer"):
            with pytest.raises(Forbidden):
                policies.save_policy(by=someone, tenant=acme, steps=[Step(1)])

    def test_the_templates_author_is_barred_where_the_policy_says_so(self, acme, person, cast):
        admin, first = cast("admin", "approver-1")
        template = make.template(acme, "Set NTP server")
        template.versions.update(created_by=first)
        policies.save_policy(by=admin, tenant=acme, steps=[Step(1)], bar_authors=True)
        with pytest.raises(FourEyes):
            vote(ask(acme, person), first)


class TestStandingIn:
    def stand_in(self, acme, cast, days=0):
        first, viewer = cast("approver-1", "viewer")
        today = NOW().date() + timedelta(days=days)
        return (
            first,
            viewer,
            policies.delegate(by=first, tenant=acme, to=viewer, first=today, last=today + timedelta(days=1)),
        )

    def test_the_vote_counts_for_the_person_and_names_both(self, acme, person, cast):
        first, viewer, _ = self.stand_in(acme, cast)
        job = ask(acme, person)
        assert selectors.waiting_for(viewer).exists()
        assert vote(job, viewer).status == "approved"
        event = ApprovalEvent.objects.get(action="approved")
        assert (event.actor, event.on_behalf_of) == (viewer, first)
        with pytest.raises(Conflict):
            vote(job, first)
        assert run(job, person).status == "queued"

    def test_only_between_its_days_and_only_while_both_may(self, acme, person, cast):
        first, viewer, row = self.stand_in(acme, cast, days=2)
        job = ask(acme, person)
        with pytest.raises(Forbidden):
            vote(job, viewer)
        assert vote(job, viewer, now=NOW() + timedelta(days=2)).status == "approved"
        policies.end_delegation(by=first, row=row)
        found = run(job, person)
        assert found.status == "skipped" and "no longer counts" in found.reason

    def test_the_requester_finds_nobody_to_stand_in_for_him_or_through(self, acme, person, cast):
        operator, first, viewer = cast("operator", "approver-1", "viewer")
        with pytest.raises(Forbidden):
            policies.delegate(by=operator, tenant=acme, to=viewer, first=NOW().date(), last=NOW().date())
        policies.delegate(by=first, tenant=acme, to=operator, first=NOW().date(), last=NOW().date())
        with pytest.raises(FourEyes):
            vote(ask(acme, person), operator)

    def test_a_person_and_the_one_who_stands_in_are_one_vote(self, acme, person, cast):
        policies.save_policy(by=cast("admin")[0], tenant=acme, steps=[Step(2)])
        first, viewer, _ = self.stand_in(acme, cast)
        job = ask(acme, person)
        assert vote(job, viewer).status == "requested"
        with pytest.raises(Conflict, match="decided this request already"):
            vote(job, first)


class TestTime:
    def test_unanswered_requests_are_reminded_of_and_expire(self, acme, person, cast):
        job = ask(acme, person)
        assert services.watch(now=NOW() + timedelta(days=1)) == (0, 0)
        assert services.watch(now=NOW() + timedelta(days=2, minutes=1)) == (0, 1)
        assert services.watch(now=NOW() + timedelta(days=2, minutes=2)) == (0, 0)
        late = NOW() + timedelta(days=5, minutes=1)
        with pytest.raises(Conflict, match="expired"):
            vote(job, cast("approver-1")[0], now=late)
        assert services.watch(now=late)[0] == 1
        job.approval.refresh_from_db()
        assert job.approval.status == "closed"
        assert list(job.approval.events.values_list("action", flat=True))[-1] == "expired"

    def test_the_requester_withdraws_and_may_ask_again(self, acme, person):
        job = ask(acme, person)
        closed = services.close(by=person("acme-operator"), request=job.approval, message="", now=NOW())
        assert closed.status == "closed" and closed.events.last().action == "withdrawn"
        job.refresh_from_db()
        again = approval_gate.request(by=person("acme-operator"), job=job, message="", now=NOW())
        assert again.approval.previous_id == closed.pk

    @pytest.mark.parametrize("late,runs,status", [("now", 1, "closed"), ("next", 0, "approved"), ("none", 0, "closed")])
    def test_after_its_time_the_approver_says_what_becomes_of_it(self, late, runs, status, acme, person, cast):
        at = NOW().replace(microsecond=0) + timedelta(minutes=5)
        job = ask(acme, person, triggers=(once_at(at),))
        make.tick(at)
        assert [r.status for r in JobRun.objects.filter(job=job)] == ["skipped"]
        approver, now = cast("approver-1")[0], at + timedelta(minutes=1)
        with pytest.raises(Invalid, match="Its time has passed"):
            vote(job, approver, now=now)
        vote(job, approver, now=now, late=late)
        for n in range(3):
            make.tick(now + timedelta(seconds=n))
        assert JobRun.objects.filter(job=job).exclude(status="skipped").count() == runs
        job.approval.refresh_from_db()
        assert job.approval.status == status


class TestSeries:
    def daily(self, hours=(1, 2, 3, 4)):
        return tuple(once_at(NOW().replace(microsecond=0) + timedelta(hours=h)) for h in hours)

    def fates(self, job):
        return list(JobRun.objects.filter(job=job).order_by("scheduled_for").values_list("status", flat=True))

    def play(self, job, hours=5):
        for hour in range(1, hours):
            make.tick(NOW() + timedelta(hours=hour, seconds=5))

    def test_one_run_closes_it_and_the_next_waits_for_another(self, acme, person, cast):
        job = ask(acme, person, triggers=self.daily(), job_changes={"overlap": "allow"})
        vote(job, cast("approver-1")[0])
        self.play(job)
        assert self.fates(job) == ["queued", "skipped", "skipped", "skipped"]

    def test_a_series_runs_as_often_as_was_approved(self, acme, person, cast):
        job = ask(acme, person, triggers=self.daily(), job_changes={"overlap": "allow"}, scope=Scope(True, None, 3))
        assert "3 runs at most" in str(job.approval.scope)
        vote(job, cast("approver-1")[0])
        self.play(job)
        assert self.fates(job) == ["queued", "queued", "queued", "skipped"]
        job.approval.refresh_from_db()
        assert (job.approval.status, job.approval.used) == ("closed", 3)

    def test_a_series_ends_at_its_time(self, acme, person, cast):
        until = NOW() + timedelta(hours=2, minutes=30)
        job = ask(acme, person, triggers=self.daily(), job_changes={"overlap": "allow"}, scope=Scope(True, until))
        vote(job, cast("approver-1")[0])
        self.play(job)
        assert self.fates(job) == ["queued", "queued", "skipped", "skipped"]

    def test_the_approver_narrows_it_to_one_run_and_nobody_widens_it(self, acme, person, cast):
        job = ask(acme, person, triggers=self.daily(), job_changes={"overlap": "allow"}, scope=Scope(True, None, 3))
        vote(job, cast("approver-1")[0], one_run=True)
        self.play(job)
        assert self.fates(job) == ["queued", "skipped", "skipped", "skipped"]

    def test_a_change_ends_the_series_and_the_log_says_what_changed(self, acme, person, cast):
        job = ask(acme, person, triggers=self.daily(), job_changes={"overlap": "allow"}, scope=Scope(True, None, 4))
        vote(job, cast("approver-1")[0])
        make.tick(NOW() + timedelta(hours=1, seconds=5))
        Device.objects.filter(pk=job.devices.get().pk).update(name="renamed")
        make.tick(NOW() + timedelta(hours=2, seconds=5))
        assert self.fates(job) == ["queued", "skipped"]
        event = ApprovalEvent.objects.filter(request=job.approval_id).last()
        assert event.action == "voided" and "renamed" in event.message
        assert ServiceJob.objects.get(pk=job.pk).approval is None

    def test_a_series_without_an_end_is_refused(self, acme, person):
        with pytest.raises(Invalid, match="Say until when"):
            ask(acme, person, scope=Scope(True))


class TestDevicesFoundLater:
    def by_search(self, acme, person, **asked):
        from devices.domain.selection import DeviceSearch, DeviceSelection, SelectionMode

        search = DeviceSelection(SelectionMode.SEARCH, DeviceSearch(platforms=("cisco_ios",)))
        return ask(acme, person, job_changes={"selection": search}, **asked)

    def one_more(self, acme):
        like = make.devices(acme, "cisco_ios")[0]
        return Device.objects.create(
            tenant=acme,
            name="later",
            address="192.0.2.99",
            platform="cisco_ios",
            network=like.network,
            credential=like.credential,
        )

    def test_frozen_by_default_a_device_found_later_is_not_touched(self, acme, person, cast):
        job = self.by_search(acme, person)
        vote(job, cast("approver-1")[0])
        self.one_more(acme)
        found = run(job, person)
        assert found.status == "queued" and not found.device_runs.filter(device_name="later").exists()

    def test_a_device_that_is_gone_stops_it(self, acme, person, cast):
        job = self.by_search(acme, person)
        vote(job, cast("approver-1")[0])
        Device.objects.filter(tenant=acme, platform="cisco_ios").first().delete()
        assert "gone: acme-" in run(job, person).reason

    def test_dynamic_means_those_found_then_up_to_the_number_the_approver_saw(self, acme, person, cast, browser):
        now = Device.objects.filter(tenant=acme, platform="cisco_ios", enabled=True).count()
        job = self.by_search(acme, person, at_most=now + 1, scope=Scope(True, None, 5))
        page = browser("acme-approver-1").get(f"/jobs/{job.pk}/approval/").content.decode()
        assert f"at most {now + 1}" in page and "Dynamic" in page
        vote(job, cast("approver-1")[0])
        self.one_more(acme)
        first = run(job, person)
        assert first.status == "queued" and first.device_count == now + 1
        make.end(JobRun.objects.filter(pk=first.pk))
        like = make.devices(acme, "cisco_ios")[0]
        Device.objects.create(
            tenant=acme,
            name="too many",
            address="192.0.2.98",
            platform="cisco_ios",
            network=like.network,
            credential=like.credential,
        )
        assert f"approval is for {now + 1} at most" in run(job, person).reason

    def test_more_devices_now_than_are_asked_for_is_refused(self, acme, person):
        with pytest.raises(Invalid, match="match already"):
            self.by_search(acme, person, at_most=1)


@pytest.mark.parametrize(
    "what",
    ["name", "variables", "max_parallel", "overlap", "snapshots", "notify_users", "triggers", "devices", "secret"],
)
def test_any_change_of_content_voids_the_approval_and_says_which(what, acme, person, cast):
    job = ask(acme, person)
    vote(job, cast("approver-1")[0])
    operator = person("acme-operator")
    draft = drafts.start_editing(by=operator, job=ServiceJob.objects.get(pk=job.pk))
    changes = {
        "name": ("Another name", "the job's name"),
        "variables": ({"ntp_server": "198.51.100.9"}, "the variables"),
        "max_parallel": (3, "the options"),
        "overlap": ("skip", "the options"),
        "snapshots": (not job.snapshots, "the options"),
        "notify_users": ((person("acme-viewer").pk,), "whom it tells"),
        "triggers": ((once_at(NOW() + timedelta(days=3)),), "the triggers"),
    }
    if what == "secret":
        ServiceJob.objects.filter(pk=job.pk).update(sealed_variables={"x": "v1.k.other"})
        words = "a secret variable"
    elif what == "devices":
        spec = spec_of(draft)
        more = replace(spec.selection, devices=tuple(str(d.pk) for d in make.devices(acme, "cisco_ios", "arista_eos")))
        drafts.save_draft(by=operator, draft=draft, spec=replace(spec, selection=more))
        words = "the device selection"
    else:
        drafts.save_draft(by=operator, draft=draft, spec=replace(spec_of(draft), **{what: changes[what][0]}))
        words = changes[what][1]
    if what == "secret":
        assert words in run(job, person).reason
    else:
        drafts.submit_job(by=operator, draft=draft)
    job.refresh_from_db()
    assert job.approval is None
    event = ApprovalEvent.objects.filter(action="voided").get()
    assert words in event.message, event.message


def test_an_edit_that_changes_nothing_keeps_the_approval(acme, person, cast):
    job = ask(acme, person)
    vote(job, cast("approver-1")[0])
    operator = person("acme-operator")
    drafts.submit_job(by=operator, draft=drafts.start_editing(by=operator, job=ServiceJob.objects.get(pk=job.pk)))
    job.refresh_from_db()
    assert job.approval is not None and job.approval.status == "approved"


class TestTheAdmin:
    def page(self, job):
        return f"/admin/approvals/approvalrequest/{job.approval_id}/change/"

    @pytest.fixture
    def job(self, acme, person):
        for name in ("acme-operator", "acme-approver-1", "acme-viewer", "globex-operator"):
            account = person(name)
            account.is_staff = True
            account.save()
        return ask(acme, person)

    def test_an_approver_sees_his_queue_and_the_plan_and_approves(self, job, browser):
        client = browser("acme-approver-1")
        queue = client.get("/admin/approvals/approvalrequest/").content.decode()
        assert job.name in queue and "icon-yes" in queue
        page = client.get(self.page(job)).content.decode()
        assert "ntp server" in page and job.approval.digest in page and 'value="approve"' in page
        client.post(self.page(job), {"action": "approve", "digest": job.approval.digest, "message": "fine"})
        job.approval.refresh_from_db()
        assert job.approval.status == "approved" and job.approval.events.last().message == "fine"

    @pytest.mark.parametrize("name,status", [("acme-operator", 200), ("acme-viewer", 200), ("globex-operator", 302)])
    def test_others_decide_nothing_there(self, name, status, job, browser):
        client = browser(name)
        answer = client.post(self.page(job), {"action": "approve", "digest": job.approval.digest})
        assert answer.status_code == status
        job.approval.refresh_from_db()
        assert job.approval.status == "requested"

    def test_no_field_can_be_written_and_no_bulk_action_exists(self, job, browser):
        client = browser("acme-approver-1")
        client.post(self.page(job), {"status": "approved", "_save": "Save"})
        client.post("/admin/approvals/approvalrequest/", {"action": "approve", "_selected_action": [job.approval_id]})
        job.approval.refresh_from_db()
        assert job.approval.status == "requested"
        assert client.get("/admin/approvals/approvalrequest/add/").status_code == 403
        assert client.get(self.page(job).replace("change", "delete")).status_code == 403

    def test_a_stale_digest_changes_nothing(self, job, browser):
        page = (
            browser("acme-approver-1").post(self.page(job), {"action": "approve", "digest": "0" * 64}).content.decode()
        )
        assert "not what would run now" in page


def test_hidden_characters_in_a_request_are_made_visible(acme, person, browser):
    job = ask(acme, person)
    asked = ApprovalRequest.objects.get(pk=job.approval_id)
    import json
    import zlib

    content = asked.content
    content["devices"][0]["steps"][0]["commands"] = ["no shut\u202edown"]
    ApprovalRequest.objects.filter(pk=asked.pk).update(content_z=zlib.compress(json.dumps(content).encode()))
    page = browser("acme-approver-1").get(f"/jobs/{job.pk}/approval/").content.decode()
    assert "‹U+202E›" in page and "\u202e" not in page


def test_revisions_are_compared_and_the_plan_is_searched_and_paged(acme, person, browser, cast):
    job = ask(acme, person, chosen=make.devices(acme))
    vote(job, cast("approver-1")[0], action=Action.REJECT, message="other server")
    operator = person("acme-operator")
    draft = drafts.start_editing(by=operator, job=ServiceJob.objects.get(pk=job.pk))
    drafts.save_draft(by=operator, draft=draft, spec=replace(spec_of(draft), variables={"ntp_server": "198.51.100.77"}))
    job = drafts.request_job(by=operator, draft=draft, message="again")
    client = browser("acme-approver-1")
    page = client.get(f"/jobs/{job.pk}/approval/").content.decode()
    assert "Compared with request" in page and "+    ntp server 198.51.100.77" in page.replace("&#x27;", "'")
    name = make.devices(acme)[0].name
    found = client.get(f"/jobs/{job.pk}/approval/", {"q": name}).context["groups"]
    assert [device["name"] for group in found for device, *_ in group.devices] == [name]
    old = client.get(f"/jobs/{job.pk}/approval/", {"request": job.approval.previous_id}).content.decode()
    assert "Rejected" in old and "198.51.100.77" not in old


def test_every_decision_is_in_the_audit_trail_with_its_actor(acme, person, cast):
    from devices.services.audit import verify

    job = ask(acme, person)
    services.comment(by=cast("approver-2")[0], request=job.approval, message="hm", now=NOW())
    vote(job, cast("approver-1")[0])
    run(job, person)
    rows = (
        AuditEvent.objects.filter(subject=job.name, action__startswith="approval.")
        .order_by("pk")
        .values_list("action", "actor_name")
    )
    assert list(rows) == [
        ("approval.requested", "acme-operator"),
        ("approval.commented", "acme-approver-2"),
        ("approval.approved", "acme-approver-1"),
        ("approval.executed", "system"),
    ]
    assert verify(acme) >= 4


def test_the_people_who_are_asked_are_those_who_may_decide(acme, person, cast):
    job = ask(acme, person)
    names = {p.get_username() for p in deciders.of(job.approval, NOW())}
    assert names >= {"acme-approver-1", "acme-approver-2"} and not names & {"acme-operator", "acme-viewer"}
    assert {n.recipient.get_username() for n in Notice.objects.filter(text__startswith="Approval requested")} == names


def test_what_waits_for_somebody_takes_as_many_queries_for_many_requests(acme, person, cast):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def count():
        with CaptureQueriesContext(connection) as queries:
            found = len(selectors.waiting_for(person("acme-approver-1")))
        return found, len(queries)

    ask(acme, person)
    _, few = count()
    for _ in range(9):
        ask(acme, person)
    many, queries = count()
    assert many == 10 and queries == few <= 11
