"""Every route, asked by a user of another tenant about what is acme's.

A route that this test does not know fails it.
"""

import re

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from approvals import policies
from approvals.domain import Step
from devices.access import make_role
from devices.channels import CHANNELS
from devices.channels.webhook import WEBHOOK
from devices.models import Agent, AssetTag, AuditEvent, Credential, Network, Notice, OutboxMessage, Tenant
from devices.services import channels, jump_hosts, outbox
from devices.services.snapshots import Content, keep_snapshots
from jobs.authoring import drafts, triggers
from jobs.domain.spec import TriggerKind, TriggerSpec
from jobs.schedule import filters
from templates_app.models import ConfigurationProfile
from templates_app.services import library
from tests import make

pytestmark = pytest.mark.django_db

#: Routes without an object: what a stranger gets must not name anything of acme's.
OPEN = {
    "sign-in",
    "admin-sign-in",
    "sign-out",
    "healthz",
    "choose-tenant",
    "notices",
    "tokens",
    "dashboard",
    "jobs",
    "new-job",
    "sample-csv",
    "runs",
    "approval-log",
    "templates",
    "new-template",
    "profiles",
    "new-profile",
    "devices",
    "networks",
    "tags",
    "agents",
    "credentials",
    "jump-hosts",
    "tenants",
    "new-tenant",
    "audit",
    "filters",
    "new-filter",
    "calendar",
    "policies",
    "new-policy",
    "delegations",
    "channels",
    "new-channel",
    "deliveries",
    "api:upcoming",
    "api:job-type-list",
    "new-thing",
    "api:schema",
    "api:docs",
    "api:api-root",
    *(
        f"api:{name}-list"
        for name in (
            "tenant",
            "network",
            "asset-tag",
            "device",
            "credential",
            "jump-host",
            "agent",
            "audit",
            "service-template",
            "configuration-profile",
            "script",
            "approval",
            "job",
            "run",
            "device-run",
            "schedule-filter",
            "snapshot",
            "notice",
            "draft",
            "trigger",
        )
    ),
    "api:device-export",
    "api:device-bring-in",
}
#: Routes with an argument that is the same for everybody.
SHARED = {"api:job-type-detail"}
#: Django's admin is swept by model below; these have no object of a tenant.
ADMIN = re.compile(r"^admin:")


def routes(resolver=None, namespace=""):
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from routes(entry, inner)
        elif isinstance(entry, URLPattern) and entry.name:
            yield f"{namespace}{entry.name}"


@pytest.fixture(scope="module")
def made(shared_world):
    """What `acme` tells, made once."""
    with shared_world():
        return something_of_every_kind()


@pytest.fixture
def acme(made, db, wakeups):
    """Something of every kind that belongs to acme, by route name: the arguments of its URL."""
    return made


def something_of_every_kind():
    operator = make.user("acme-operator")
    tenant = Tenant.objects.get(key="acme")
    read, change = make.template(tenant), make.template(tenant, "Set NTP server")
    device = make.devices(tenant)[0]
    job, run = make.job(operator, read, [device])
    asked = drafts.request_job(by=operator, draft=make.draft(operator, change, [device]), message="please")
    draft = make.draft(operator, read, [device])
    device_run = run.device_runs.get()
    nightly = triggers.save_trigger(
        by=operator,
        job=job,
        spec=TriggerSpec(
            kind=TriggerKind.CRON,
            name="Acme nightly",
            rule={"kind": "cron", "start_at": "2026-01-01T00:00:00", "expression": "0 3 * * *"},
        ),
    )
    freeze = filters.save_filter(
        by=None, tenant=tenant, name="Acme freeze", rules=[{"mode": "exclude", "yearly": ["12-24"]}]
    )
    make_role(tenant, "secret", "Acme secret role", ())
    admin, today = make.user("acme-admin"), timezone.now()
    policy = policies.save_policy(by=admin, tenant=tenant, steps=[Step(2)])
    stand_in = policies.delegate(
        by=make.user("acme-approver-1"), tenant=tenant, to=admin, first=today.date(), last=today.date()
    )
    hook = channels.save_channel(
        by=admin, tenant=tenant, channel=WEBHOOK, secrets={}, name="Acme hook", url="https://acme.example/"
    )
    content = Content(tenant.pk, device, "hostname acme-secret-host\nenable secret 5 $1$abcd\n", "kept")
    snapshot = keep_snapshots([content], taken_at=today)[0]
    script = library.save_script(by=admin, tenant=tenant, name="Acme script", execution_type="SHELL", body="df\n")
    notice = Notice.objects.create(
        tenant=tenant, recipient=make.user("acme-operator"), key="n", text="Acme notice", url="/", created_at=today
    )
    event = outbox.Event(
        tenant=tenant, event="closed", key="k", subject="Acme secret event", text="", url="", recipients=[]
    )
    outbox.announce(event, now=today)
    message = OutboxMessage.objects.get(subject="Acme secret event")
    jump = jump_hosts.save_jump_host(
        by=admin,
        tenant=tenant,
        name="Acme bastion",
        host="192.0.2.99",
        credential=Credential.objects.get(tenant=tenant),
    )
    jump_hosts.save_jump_host(
        by=None,
        tenant=Tenant.objects.get(key="globex"),
        name="Globex bastion",
        host="192.0.2.98",
        credential=Credential.objects.get(tenant__key="globex"),
    )
    ids = {
        "jump host": jump.pk,
        "device": device.pk,
        "network": Network.objects.filter(tenant=tenant).first().pk,
        "tag": AssetTag.objects.filter(tenant=tenant).first().pk,
        "agent": Agent.objects.get(tenant=tenant).pk,
        "credential": Credential.objects.get(tenant=tenant).pk,
        "profile": ConfigurationProfile.objects.filter(tenant=tenant).first().pk,
        "template": read.pk,
        "tenant": tenant.pk,
        "audit": AuditEvent.objects.filter(tenant=tenant).first().pk,
        "snapshot": snapshot.pk,
        "notice": notice.pk,
    }
    one = lambda pk: [{"pk": pk}]  # noqa: E731
    found = {
        name: one(job.pk)
        for name in ("job", "request-approval", "run-now", "run-unapproved", "edit-job", "switch-job", "delete-job")
    }
    found |= {
        "approval": one(asked.pk),
        "wizard": [{"pk": draft.pk, "step": s} for s in ("details", "tasks", "schedule")],
        "wizard-live": [{"pk": draft.pk, "step": s} for s in ("details", "tasks", "schedule")],
        "wizard-picker": one(draft.pk),
        "discard-draft": one(draft.pk),
        "run": one(run.pk),
        "run-board": one(run.pk),
        "cancel-run": one(run.pk),
        "resume-run": one(run.pk),
        "run-again": one(run.pk),
        "cancel-device": [{"pk": run.pk, "device_pk": device_run.pk}],
        "release-device": [{"pk": run.pk, "device_pk": device_run.pk}],
        "device-run": [{"pk": run.pk, "device_pk": device_run.pk}],
        "device-run-raw": [{"pk": run.pk, "device_pk": device_run.pk}],
        "edit-tenant": one(tenant.pk),
        "template": one(read.pk),
        "edit-template": one(read.pk),
        "edit-profile": one(ids["profile"]),
        "device": one(device.pk),
        "forget-key": one(device.pk),
        "edit-thing": [
            {"kind": k, "pk": ids[v]}
            for k, v in (
                ("devices", "device"),
                ("networks", "network"),
                ("tags", "tag"),
                ("agents", "agent"),
                ("credentials", "credential"),
                ("jump-hosts", "jump host"),
            )
        ],
        "jump-host": one(jump.pk),
        "forget-jump-host-key": one(jump.pk),
        "api:jump-host-detail": one(jump.pk),
        "edit-policy": one(policy.pk),
        "end-delegation": one(stand_in.pk),
        "edit-channel": [{"kind": "webhooks", "pk": hook.pk}],
        "send-again": one(message.pk),
        "edit-filter": one(freeze.pk),
        "calendar-feed": [{"token": "ilk_unknown"}],
        "api:schedule-filter-detail": one(freeze.pk),
        "drop-token": [],
        "api:job-detail": one(job.pk),
        "api:job-run": one(job.pk),
        "api:job-request-approval": one(job.pk),
        "api:job-plan": one(job.pk),
        "api:job-upcoming": one(job.pk),
        "api:run-detail": one(run.pk),
        "api:run-cancel": one(run.pk),
        "api:run-resume": one(run.pk),
        "api:run-again": one(run.pk),
        "api:device-run-cancel": one(device_run.pk),
        "api:device-run-diff": one(device_run.pk),
        "api:run-devices": one(run.pk),
        "api:device-run-detail": one(device_run.pk),
        "api:device-run-output": one(device_run.pk),
        "api:trigger-detail": one(nightly.pk),
        "api:draft-detail": one(draft.pk),
        "api:draft-submit": one(draft.pk),
        "api:approval-detail": one(asked.approval_id),
        "api:approval-decide": one(asked.approval_id),
        "api:tenant-detail": one(ids["tenant"]),
        "api:network-detail": one(ids["network"]),
        "api:asset-tag-detail": one(ids["tag"]),
        "api:device-detail": one(device.pk),
        "api:credential-detail": one(ids["credential"]),
        "api:agent-detail": one(ids["agent"]),
        "api:audit-detail": one(ids["audit"]),
        "api:service-template-detail": one(read.pk),
        "api:configuration-profile-detail": one(ids["profile"]),
        "api:script-detail": one(script.pk),
        "api:snapshot-detail": one(ids["snapshot"]),
        "api:snapshot-diff": one(ids["snapshot"]),
        "api:notice-detail": one(ids["notice"]),
        **{f"api:opsramp-{name}": [{"tenant": "acme"}] for name in ("jobs", "search", "types")},
        "api:opsramp-outputs": [{"tenant": "acme", "script": 7}],
        **{
            f"api:opsramp-{name}": [{"tenant": key, "job": job.pk} for key in ("acme", "globex")]
            for name in ("job", "run", "script-run")
        },
    }
    found["names"] = [
        device.name,
        "Acme freeze",
        "Acme nightly",
        "Acme hook",
        "Acme bastion",
        "192.0.2.99",
        "Acme secret event",
        "Acme secret role",
        "Acme script",
        job.name,
        "acme-agent-1",
        "acme-operator",
        device.address,
    ]
    return found


def test_no_route_is_unknown(acme):
    known = OPEN | SHARED | set(acme)
    unknown = sorted({name for name in routes() if name not in known and not ADMIN.match(name)})
    assert not unknown, f"Add these routes to the sweep: {unknown}"


def test_a_stranger_gets_404_for_everything_of_acme(acme, browser):
    client = browser("globex-operator")
    wrong = []
    for name, arguments in acme.items():
        for kwargs in arguments if name != "names" else []:
            url = reverse(name, kwargs=kwargs)
            for method in ("get", "post", "put", "patch", "delete", "options"):
                answer = client.generic(method.upper(), url, content_type="application/json")
                allowed = {404, 405}
                if answer.status_code not in allowed:
                    wrong.append(f"{method} {name} {answer.status_code}")
                if answer.status_code == 404 and any(word in answer.content.decode() for word in acme["names"]):
                    wrong.append(f"{method} {name} names something of acme's")
    assert not wrong, wrong


def test_the_same_urls_work_for_their_owner(acme, browser):
    """The sweep would prove nothing if its URLs were wrong."""
    client = browser("acme-operator")
    readable = [
        n
        for n in acme
        if n
        in (
            "job",
            "approval",
            "wizard",
            "run",
            "run-board",
            "device-run",
            "template",
            "device",
            "api:job-detail",
            "api:run-detail",
            "api:device-run-detail",
            "api:approval-detail",
            "api:device-detail",
            "api:credential-detail",
            "api:device-run-output",
            "api:trigger-detail",
            "api:draft-detail",
        )
    ]
    assert len(readable) == 17
    for name in readable:
        for kwargs in acme[name]:
            assert client.get(reverse(name, kwargs=kwargs)).status_code == 200, name


def test_lists_and_forms_of_a_stranger_name_nothing_of_acme(acme, browser):
    client = browser("globex-operator")
    for name in sorted(OPEN - {"sign-out", "choose-tenant", "sign-in", "admin-sign-in"}):
        kwargs = (
            [{"kind": k} for k in ("devices", "networks", "tags", "agents", "credentials", "jump-hosts")]
            if name == "new-thing"
            else [{"kind": channel.slug} for channel in CHANNELS.values()]
            if name in ("channels", "new-channel")
            else [{}]
        )
        for arguments in kwargs:
            for accept in ("text/html", "application/json"):
                answer = client.get(reverse(name, kwargs=arguments), headers={"accept": accept})
                body = (answer.getvalue() if answer.streaming else answer.content).decode()
                leaked = [word for word in acme["names"] if word in body]
                assert not leaked, f"{name} shows {leaked}"


def test_the_admin_shows_a_stranger_nothing_of_acme(acme, browser):
    client = browser("globex-operator")
    from django.contrib import admin

    for model in admin.site._registry:
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        answer = client.get(url)
        assert answer.status_code in (200, 403), url
        assert not [word for word in acme["names"] if word in answer.content.decode()], url


@pytest.mark.parametrize(
    "field", ["agent", "credential", "devices", "tags", "task_profile", "task_credential", "template"]
)
def test_a_foreign_reference_is_refused_like_an_unknown_one(field, api, tenant, wakeups):
    own, foreign = tenant("globex"), tenant("acme")
    body = {
        "template": make.template(own).pk,
        "name": "x",
        "description": "x",
        "agent": Agent.objects.get(tenant=own).pk,
        "selection": {"mode": "static", "devices": [str(make.devices(own)[0].pk)]},
    }
    values = {
        "agent": (Agent.objects.get(tenant=foreign).pk, 99999),
        "credential": (str(Credential.objects.get(tenant=foreign).pk), "00000000-0000-0000-0000-000000000000"),
        "devices": (str(make.devices(foreign)[0].pk), "00000000-0000-0000-0000-000000000000"),
        "tags": (AssetTag.objects.filter(tenant=foreign).first().pk, 99999),
        "task_profile": (ConfigurationProfile.objects.filter(tenant=foreign).first().pk, 99999),
        "task_credential": (str(Credential.objects.get(tenant=foreign).pk), "00000000-0000-0000-0000-000000000000"),
        "template": (make.template(foreign).pk, 99999),
    }[field]
    answers = []
    for value in values:
        sent = {**body, "selection": dict(body["selection"])}
        if field in ("devices", "tags"):
            sent["selection"][field] = [value]
        elif field.startswith("task_"):
            sent["tasks"] = [{"step": 0, field.removeprefix("task_"): value}]
        else:
            sent[field] = value
        answer = api("globex-operator").post("/api/v1/jobs/", sent, format="json")
        answers.append(
            (answer.status_code, re.sub(rf"99999|\b{re.escape(str(value))}\b", "ID", answer.content.decode()))
        )
    assert answers[0] == answers[1]
    assert answers[0][0] == 400
