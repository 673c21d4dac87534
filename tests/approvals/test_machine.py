"""Six people, two tenants, everything they can do at random through services, admin and API: the invariants hold
after each step."""

import os
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from rest_framework.test import APIClient

from approvals import access, deciders, policies, selectors, services
from approvals.decisions import Decision, dispatch
from approvals.domain import Action, Scope, Step
from approvals.models import ApprovalEvent, ApprovalRequest
from config.errors import ServiceError
from devices.access import role_group
from devices.domain.secrets import Secret
from devices.models import AssetTag, AuditEvent, Device, DeviceTag, Tenant
from devices.services import vault
from jobs import access as jobs_access
from jobs import control
from jobs.authoring import drafts
from jobs.dispatch import approval_gate, starter
from jobs.domain.approval_content import digest_of
from jobs.domain.spec import Account, TaskSpec, Visibility, once_at
from jobs.models import JobRun, ServiceJob
from jobs.plan.job_mapping import spec_of
from templates_app.services import authoring
from tests import make

EDITS = ["variables", "trigger", "name", "description", "private", "public", "task", "account", "tag", "nothing"]
PEOPLE = ["acme-operator", "acme-approver-1", "acme-approver-2", "acme-admin", "acme-viewer", "globex-operator"]
#: What people usually do comes often, so that long stories are told; everything else comes as well.
people = st.sampled_from(PEOPLE)
makers = st.sampled_from(["acme-operator"] * 6 + ["acme-admin"] * 2 + PEOPLE)
voters = st.sampled_from(["acme-approver-1", "acme-approver-2"] * 4 + ["acme-operator"] * 2 + PEOPLE)
votes = st.sampled_from([Action.APPROVE] * 4 + [Action.REJECT])
mostly, seldom = st.sampled_from([True] * 4 + [False]), st.sampled_from([False] * 5 + [True])


class Approvals(RuleBasedStateMachine):
    """Each rule does what a person does, through one of the faces; refusals are fine, broken invariants are not."""

    def __init__(self):
        super().__init__()
        self.mark = transaction.savepoint()
        self.acme = Tenant.objects.get(key="acme")
        operator = User.objects.get(username="acme-operator")
        draft = make.draft(
            operator, make.template(self.acme, "Set NTP server"), make.devices(self.acme, "cisco_ios"), triggers=()
        )
        self.job, _ = drafts.submit_job(by=operator, draft=draft, needs_schedule=False)
        # The applicant holds the right to approve: only the four eyes keep him from it.
        for name in ("acme-operator", "acme-admin"):
            self.who(name).groups.add(role_group(self.acme, "approver"))
        self.looks, self.tag = 0, AssetTag.objects.filter(tenant=self.acme).first()
        self.now, self.comments, self.seen_runs = timezone.now(), 0, set()
        # Who has shaped what the job does since others last agreed to it, as this test sees it.
        self.shapers = {operator.username}
        self.profile = authoring.save_profile(by=None, tenant=self.acme, name="Branch", values={})

    def teardown(self):
        transaction.savepoint_rollback(self.mark)

    # What the rules share

    def who(self, name):
        return User.objects.get(username=name)

    def fresh(self):
        self.job = ServiceJob.objects.get(pk=self.job.pk)
        return self.job

    def attempt(self, verb):
        self.now += timedelta(seconds=7)
        try:
            with transaction.atomic():
                return verb()
        except ServiceError:
            return None

    def asked(self):
        return self.fresh().approval

    # Rules

    @rule(name=makers, series=st.booleans(), at_most=st.sampled_from([None, None, 3]))
    def request(self, name, series, at_most):
        scope = Scope(True, None, 2) if series else Scope()
        self.attempt(
            lambda: approval_gate.request(
                by=self.who(name), job=self.fresh(), message="", now=self.now, scope=scope, at_most=at_most
            )
        )

    @rule(name=st.sampled_from(["acme-admin", "acme-admin", "acme-operator", "globex-operator"]), series=st.booleans())
    def bypass(self, name, series):
        """Only he who may, and only when all who shaped it since others agreed may."""
        scope = Scope(True, None, 2) if series else Scope()
        job = self.attempt(
            lambda: approval_gate.bypass(by=self.who(name), job=self.fresh(), reason="Now.", now=self.now, scope=scope)
        )
        if job:
            without = [n for n in {name, *self.shapers} if not access.may_bypass(self.who(n), self.acme)]
            assert not without, f"it was allowed without approval though {without} may not"

    @rule(name=makers, which=st.sampled_from(["failed", "not_started"]), how=st.sampled_from(["run", "ask", "bypass"]))
    def again(self, name, which, how):
        ended = JobRun.objects.filter(job=self.job, ended_at__isnull=False).order_by("-pk").first()
        if ended is None:
            return
        by, now = self.who(name), self.now
        verbs = {
            "run": lambda: control.run_again(by=by, run=ended, which=which, now=now),
            "ask": lambda: control.request_again(by=by, run=ended, which=which, message="", now=now),
            "bypass": lambda: control.bypass_again(by=by, run=ended, which=which, reason="Now.", now=now),
        }
        made = self.attempt(verbs[how])
        if made and how == "bypass":
            assert not [n for n in {name, *self.shapers} if not access.may_bypass(self.who(n), self.acme)]
        self._end(self._check_new_runs())

    @rule(name=makers, value=st.integers(1, 200))
    def edit_the_profile(self, name, value):
        values = {"ntp_server": f"198.51.100.{value}"} if value > 100 else {}
        saved = self.attempt(
            lambda: authoring.save_profile(
                by=self.who(name), tenant=self.acme, instance=self.profile, name="Branch", values=values
            )
        )
        if saved and self.fresh().tasks.filter(profile=self.profile).exists():
            self.shapers.add(name)

    @precondition(lambda self: self.asked())
    @rule(name=voters, action=votes, face=st.sampled_from(["service", "api", "admin"]), stale=seldom)
    def vote(self, name, action, face, stale):
        asked, by = self.asked(), self.who(name)
        digest = "0" * 64 if stale else asked.digest
        verb = "approve" if action is Action.APPROVE else "reject"
        if face == "service":
            self.attempt(
                lambda: services.decide(by=by, request=asked, action=action, message="m", digest=digest, now=self.now)
            )
        elif face == "admin":
            self.attempt(lambda: dispatch(by=by, request=asked, decision=Decision(verb, "m", digest), now=self.now))
        else:
            client = APIClient()
            client.force_authenticate(by)
            answer = client.post(
                f"/api/v1/approvals/{asked.pk}/decide/",
                {"action": verb, "message": "m", "digest": digest},
                format="json",
            )
            assert answer.status_code in (200, 400, 403, 404, 409), answer.content
            if name == "globex-operator":
                assert answer.status_code == 404
        if asked.status == "requested" and self.asked() and self.asked().status == "approved":
            self.shapers = set()

    @precondition(lambda self: self.asked())
    @rule(name=people)
    def comment(self, name):
        asked = self.asked()
        before = asked.events.count()
        self.attempt(lambda: services.comment(by=self.who(name), request=asked, message="hm", now=self.now))
        self.comments += asked.events.count() - before

    @precondition(lambda self: self.asked())
    @rule(name=people)
    def close(self, name):
        self.attempt(lambda: services.close(by=self.who(name), request=self.asked(), message="", now=self.now))

    @rule(name=makers, what=st.sampled_from(EDITS), number=st.integers(1, 200))
    def edit(self, name, what, number):
        def change():
            draft = drafts.start_editing(by=self.who(name), job=self.fresh())
            spec = spec_of(draft)
            spec = {
                "variables": lambda: replace(spec, variables={"ntp_server": f"198.51.100.{number}"}),
                "trigger": lambda: replace(spec, triggers=(once_at(self.now + timedelta(days=number)),)),
                "name": lambda: replace(spec, name=f"Job {number}"),
                "description": lambda: replace(spec, description=f"Words {number}"),
                "private": lambda: replace(spec, visibility=Visibility.PRIVATE),
                "public": lambda: replace(spec, visibility=Visibility.PUBLIC),
                "task": lambda: replace(
                    spec, tasks=(TaskSpec(step=0, profile=self.profile.pk if number % 2 else None),)
                ),
                "account": lambda: replace(spec, account=Account(f"user{number}", password=Secret(f"pass{number}"))),
                "tag": lambda: replace(spec, selection=replace(spec.selection, tags=(self.tag.pk,) * (number % 2))),
                "nothing": lambda: spec,
            }[what]()
            drafts.save_draft(by=self.who(name), draft=draft, spec=spec)
            return drafts.submit_job(by=self.who(name), draft=draft, now=self.now)

        before = self.fresh().approval_id
        if self.attempt(change):
            self.shapers.add(name)
        elif before is not None:
            assert self.fresh().approval_id == before, "a refused edit left its traces"

    @rule(number=st.integers(1, 99))
    def rename_a_device(self, number):
        Device.objects.filter(pk=self.fresh().devices.get().pk).update(name=f"sw{number}")

    @rule(number=st.integers(1, 99))
    def edit_the_template(self, number):
        template = make.template(self.acme, "Set NTP server")
        steps = template.current.content.steps
        content = replace(template.current.content, steps=(replace(steps[0], name=f"Step {number}"), *steps[1:]))
        before = template.current.number
        saved = authoring.save_template(
            by=None,
            tenant=self.acme,
            name=template.name,
            description="",
            status="ready",
            content=content,
            instance=template,
        )
        assert saved.current.number >= before and self.fresh().version.number <= saved.current.number

    @rule(put=st.booleans())
    def tag_a_device(self, put):
        tag = AssetTag.objects.filter(tenant=self.acme).first()
        for device in make.devices(self.acme)[:2]:
            if put:
                DeviceTag.objects.get_or_create(tenant=self.acme, device=device, tag=tag)
            else:
                DeviceTag.objects.filter(device=device, tag=tag).delete()

    @rule(name=people, active=mostly)
    def switch_a_person(self, name, active):
        User.objects.filter(username=name).update(is_active=active)

    @rule(name=people, give=mostly)
    def change_a_right(self, name, give):
        group = role_group(self.acme, "approver")
        (self.who(name).groups.add if give else self.who(name).groups.remove)(group)

    @rule(required=st.integers(1, 3))
    def change_the_policy(self, required):
        self.attempt(lambda: policies.save_policy(by=self.who("acme-admin"), tenant=self.acme, steps=[Step(required)]))

    @rule(days=st.sampled_from([0, 0, 1, 3]))
    def time_passes(self, days):
        self.now += timedelta(days=days)
        services.watch(now=self.now)
        make.tick(self.now)

    @rule(name=makers)
    def run(self, name):
        self.attempt(lambda: starter.run_now(by=self.who(name), job=self.fresh(), now=self.now, confirmed=True))
        self._end(self._check_new_runs())

    def _end(self, runs):
        """End runs: some devices fail, so that they can be run again."""
        for found in runs:
            rows = found.device_runs.filter(status="queued")
            make.end(rows, "failed" if found.pk % 2 else "succeeded", ended_at=self.now)
            make.end(JobRun.objects.filter(pk=found.pk), "failed" if found.pk % 2 else "succeeded", ended_at=self.now)

    def _check_new_runs(self):
        """I-A3, I-A4: what runs was approved for this very content by enough others, or by right; return these runs."""
        fresh = []
        for found in (
            JobRun.objects.filter(job=self.job)
            .exclude(status__in=["skipped", "waiting"])
            .exclude(pk__in=self.seen_runs)
        ):
            self.seen_runs.add(found.pk)
            fresh.append(found)
            asked = found.approval
            assert asked is not None, "it ran without approval"
            self._check_what_is_sent(found, asked)
            assert bool(found.bypass) == asked.bypass
            assert asked.used <= (asked.series_runs or 1)
            if asked.bypass:
                assert access.may_bypass(asked.requested_by, self.acme)
                continue
            voters = set(asked.events.filter(action="approved").values_list("actor_id", flat=True))
            assert len(voters) >= asked.required and not voters & {asked.requested_by_id, *asked.barred}
            eligible = [
                v for v in User.objects.filter(pk__in=voters, is_active=True) if access.may_approve(v, self.acme)
            ]
            assert len(eligible) >= asked.required, "an approval of somebody who lost the right was counted"
        return fresh

    def _check_what_is_sent(self, run, asked):
        """By effect: what the devices will get, and by which login, is what stands in the request that allowed it."""
        meant = {body["device"]: body for body in asked.content["devices"]}
        if asked.content["selection"]["at_most"] is None:
            for row in run.device_runs.all():
                assert row.plan_data == meant[str(row.device_id)]
        job = ServiceJob.objects.get(pk=self.job.pk)
        now = vault.mark(job.account) if job.account else None
        assert now == (asked.content["account"] or {}).get("mark")
        values = [task.profile.values for task in job.tasks.all() if task.profile]
        assert values == [task["profile"]["values"] for task in asked.content["tasks"] if task["profile"]]

    # Invariants

    @invariant()
    def the_state_is_one_of_five_and_the_moves_are_known(self):
        for asked in ApprovalRequest.objects.filter(subject=ServiceJob.objects.get(pk=self.job.pk).approval_subject_id):
            assert asked.status in ("requested", "approved", "rejected", "closed")
            ends = asked.events.filter(action__in=["withdrawn", "voided", "expired", "closed"]).count()
            assert ends == 0 if asked.status != "closed" else ends <= 1

    @invariant()
    def approved_means_this_content_or_stopped_at_the_run(self):
        """I-A2: an edit of the job voids at once; a change of its devices is found when it would run."""
        asked = self.asked()
        if asked and asked.status == "approved":
            content = approval_gate.present(self.job, asked)
            # Whoever edits the profile, or the inventory, does not know the jobs that use it: it is found at the run.
            late = ("devices", "logins", "tasks")
            same = digest_of(content) == asked.digest
            assert same or {k: v for k, v in content.items() if k not in late} == {
                k: v for k, v in asked.content.items() if k not in late
            }

    @invariant()
    def a_private_job_is_seen_by_its_creator_and_who_may_decide(self):
        job = self.fresh()
        for name in PEOPLE:
            user = self.who(name)
            sees = jobs_access.jobs_of(user, ServiceJob.objects.filter(pk=job.pk)).exists()
            requests = selectors.visible_requests(user).filter(subject=job.approval_subject_id)
            assert sees or not requests.exists(), "a request is seen by somebody who does not see the job"
            if job.visibility == "private" and name != "acme-operator":
                may = bool(job.approval_subject_id) and user.is_active and access.may_approve(user, self.acme)
                assert sees == may

    @invariant()
    def nobody_decides_his_own_or_twice(self):
        for event in ApprovalEvent.objects.filter(action__in=["approved", "rejected"]).select_related("request"):
            assert event.actor_id not in {event.request.requested_by_id, *event.request.barred}
        assert ApprovalEvent.objects.filter(action="commented").count() == self.comments

    @invariant()
    def what_waits_for_somebody_is_what_he_may_decide(self):
        asked, self.looks = self.asked(), self.looks + 1
        user = self.who(PEOPLE[self.looks % len(PEOPLE)])
        if asked and asked.expires_at > timezone.now() and user.is_active:
            may = asked.status == "requested" and deciders.may_decide(user, asked, timezone.now())
            assert selectors.waiting_for(user).filter(pk=asked.pk).exists() == may

    @invariant()
    def each_move_has_one_audit_event(self):
        events = ApprovalEvent.objects.count()
        assert (
            AuditEvent.objects.filter(action__startswith="approval.").exclude(action__contains="deleg").count()
            == events
        )


def play(runs):
    chosen = settings(
        max_examples=runs, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    run_state_machine_as_test(Approvals, settings=chosen)


@pytest.mark.django_db
def test_no_sequence_of_actions_walks_around_an_approval(tenant, wakeups):
    play(4)


@pytest.mark.sweep
@pytest.mark.django_db
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("half", ["first", "second"])
def test_many_sequences_of_fifty_actions_do_not_either(half, tenant, wakeups):
    play(int(os.environ.get("N", 60)) // 2)
