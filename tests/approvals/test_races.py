"""Two connections at once on PostgreSQL: two approvers, an approval and an edit, a rejection and the last approval."""

import os
import threading
from collections import Counter
from dataclasses import replace

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connections
from django.utils import timezone

from approvals import services
from approvals.domain import Action
from approvals.models import ApprovalEvent, ApprovalRequest
from config.errors import Conflict
from devices.models import Tenant
from jobs.authoring import drafts
from jobs.dispatch import approval_gate
from jobs.domain.approval_content import digest_of
from jobs.models import ServiceJob
from jobs.plan.job_mapping import spec_of
from tests import make

ROUNDS = int(os.environ.get("RACE_ROUNDS", 500))


def at_once(*verbs):
    """Do all at the same moment, each on a connection of its own; return what each gave: a value or a Conflict."""
    barrier, found = threading.Barrier(len(verbs)), [None] * len(verbs)

    def work(number, verb):
        try:
            barrier.wait(10)
            found[number] = verb()
        except Conflict as error:
            found[number] = error
        except Exception as error:  # noqa: BLE001 - the test looks at it
            found[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(verbs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found


def who(name):
    return User.objects.get(username=name)


def fresh_request(job):
    asked = ServiceJob.objects.get(pk=job.pk).approval
    if asked and asked.status in ("requested", "approved"):
        services.close(by=None, request=asked, message="", now=timezone.now())
    approval_gate.request(
        by=who("acme-operator"), job=ServiceJob.objects.get(pk=job.pk), message="", now=timezone.now()
    )
    return ServiceJob.objects.get(pk=job.pk).approval


def decision(asked, name, action):
    return lambda: services.decide(
        by=who(name), request=asked, action=action, message="m", digest=asked.digest, now=timezone.now()
    )


def two_approvers(job, number):
    """One needed approval, two people: one makes it Approved, the other is refused."""
    asked = fresh_request(job)
    found = at_once(
        decision(asked, "acme-approver-1", Action.APPROVE), decision(asked, "acme-approver-2", Action.APPROVE)
    )
    votes = ApprovalEvent.objects.filter(request=asked, action="approved").count()
    return (
        sorted(isinstance(f, Conflict) for f in found) == [False, True] and votes == 1 and status(asked) == "approved"
    )


def reject_and_approve(job, number):
    """The first decision wins and the other is refused."""
    asked = fresh_request(job)
    found = at_once(
        decision(asked, "acme-approver-1", Action.REJECT), decision(asked, "acme-approver-2", Action.APPROVE)
    )
    votes = list(
        ApprovalEvent.objects.filter(request=asked, action__in=["approved", "rejected"]).values_list(
            "action", flat=True
        )
    )
    return sorted(isinstance(f, Conflict) for f in found) == [False, True] and votes == [status(asked)]


def approve_and_edit(job, number):
    """Whatever comes first: the job never ends with an approval of other content."""
    asked, operator = fresh_request(job), who("acme-operator")
    draft = drafts.start_editing(by=operator, job=ServiceJob.objects.get(pk=job.pk))
    spec = replace(spec_of(draft), variables={"ntp_server": f"198.51.{number % 200}.{number // 200 + 1}"})
    drafts.save_draft(by=operator, draft=draft, spec=spec)
    found = at_once(
        decision(asked, "acme-approver-1", Action.APPROVE), lambda: drafts.submit_job(by=operator, draft=draft)
    )
    now = ServiceJob.objects.get(pk=job.pk)
    wrong = [f for f in found if isinstance(f, Exception) and not isinstance(f, Conflict)]
    if wrong or isinstance(found[1], Conflict):
        print(found)
        return False
    held = now.approval is None or digest_of(approval_gate.present(now, now.approval)) == now.approval.digest
    return held and status(asked) == "closed"


def status(asked):
    return ApprovalRequest.objects.get(pk=asked.pk).status


@pytest.mark.skipif(
    "postgresql" not in settings.DATABASES["default"]["ENGINE"],
    reason="Two writers at once need PostgreSQL; SQLite lets one in at a time.",
)
@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(400)
@pytest.mark.parametrize("race", [two_approvers, reject_and_approve, approve_and_edit])
def test_five_hundred_rounds_of_each_race(wakeups, race):
    acme = Tenant.objects.get(key="acme")
    draft = make.draft(
        who("acme-operator"), make.template(acme, "Set NTP server"), make.devices(acme, "cisco_ios"), triggers=()
    )
    job, _ = drafts.submit_job(by=who("acme-operator"), draft=draft, needs_schedule=False)
    ends = Counter(race(job, number) for number in range(ROUNDS))
    print(race.__name__, dict(ends))
    assert ends == {True: ROUNDS}
