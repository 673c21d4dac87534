"""One content, whole: each column of what decides about a run moves the digest, or says why it need not."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from devices.domain.secrets import Secret
from devices.models import Credential, Device, JumpHost, Network
from devices.services.inventory import save_credential
from jobs.authoring import drafts
from jobs.dispatch import approval_gate
from jobs.domain.approval_content import PARTS, digest_of
from jobs.domain.approval_words import leaves, rows, text
from jobs.domain.spec import Account, TaskSpec, once_at
from jobs.models import JobTask, ScheduleFilter, ServiceJob, Trigger
from jobs.plan.job_mapping import spec_of
from templates_app.domain.content import RuntimeVariable, StepKind, TemplateContent, TemplateStep, VariableType
from templates_app.models import ConfigurationProfile, ServiceTemplate, TemplateVersion
from templates_app.services import authoring
from tests import make
from tests.ways.servers import SECRET, a_key

pytestmark = pytest.mark.django_db

#: Columns that may change without a new request, and why. A column that is neither here nor moves the digest is a hole.
FREE = {
    ServiceJob: {
        "id": "it is the job",
        "tenant": "a trigger of the database keeps it",
        "status": "a saved job is never a draft again",
        "draft_of": "it is of copies under edit",
        "version": "it is pinned; moved below by another one",
        "enabled": "switching a job off sends nothing, and on sends what was approved",
        "visibility": "it decides who sees the job",
        "wants_approval": "it decides whether approval is asked for",
        "compat": "it is given back in answers, and nothing is decided by it",
        "approval_subject": "it is what requests are about",
        "approval": "it is the request itself",
        "changed_by": "it says who edited last",
        "edits": "it says who edited when; the four eyes and a bypass ask it",
        "revision": "it counts edits",
        "created_at": "history",
        "changed_at": "history",
        "deleted_at": "a deleted job does not run",
    },
    JobTask: {"id": "its row", "tenant": "as above", "job": "it is a part of it"},
    TemplateVersion: {
        "id": "its row",
        "tenant": "as above",
        "template": "it is a part of it",
        "data": "a version never changes; an edit makes the next one, which a job takes only by an edit",
        "created_by": "history; a policy may bar authors",
        "created_at": "history",
    },
    ServiceTemplate: {
        "id": "its row",
        "tenant": "as above",
        "description": "words",
        "status": "it says whether new jobs may be made of it",
        "current": "a job pins its version",
        "built_in": "it is the product's own",
        "script": "it is in the pinned version's lines",
        "created_at": "history",
        "changed_at": "history",
    },
    ConfigurationProfile: {
        "id": "its row",
        "tenant": "as above",
        "description": "words",
        "changed_by": "a bypass asks it",
        "changed_at": "a bypass asks it",
    },
    Device: {
        "id": "its row",
        "tenant": "as above",
        "network": "a network holds no address and no login but its jump host, which is bound",
        "agent": "a job runs by its own agent",
        "host_key": "it is pinned at the first contact, and another one stops the session",
    },
    Network: {"id": "its row", "tenant": "as above", "name": "words", "description": "words"},
    JumpHost: {
        "id": "its row",
        "tenant": "as above",
        "host_key": "it is pinned at the first contact, and another one stops the session",
    },
    Credential: {
        "id": "its row",
        "tenant": "as above",
        "is_default": "what wins is bound by name",
        "changed_at": "history",
    },
    Trigger: {
        "id": "its row",
        "tenant": "as above",
        "job": "it is a part of it",
        "kind": "it stands in the rule",
        "retired": "a retired one never fires",
        "cause": "history",
        "next_run_at": "it is computed from the rule",
    },
    ScheduleFilter: {"id": "its row", "tenant": "as above"},
}


@pytest.fixture
def asked(tenant, person, wakeups):
    """A job that uses everything that a job can use, with an open request."""
    acme = tenant("acme")
    content = TemplateContent(
        (TemplateStep(name="Step", kind=StepKind.CONFIG, commands={"*": "ntp server {{ ntp }}\nkey {{ key }}"}),),
        variables=(
            RuntimeVariable(name="ntp", default="198.51.100.1"),
            RuntimeVariable(name="key", type=VariableType.SECRET, required=False),
        ),
    )
    values = {"tenant": acme, "name": "All of it", "description": "", "status": "ready"}
    template = authoring.save_template(by=None, content=content, **values)
    profile = authoring.save_profile(by=None, tenant=acme, name="Branch", values={"ntp": "198.51.100.2"})
    window = ScheduleFilter.objects.create(tenant=acme, name="Always", rules=[{"weekdays": ["sunday"]}])
    other = save_credential(
        by=None, tenant=acme, name="Task login", username="task", secrets={"password": Secret("tasktask")}
    )
    login = save_credential(
        by=None,
        tenant=acme,
        name="Device login",
        username="dev",
        secrets={"password": Secret("devdevdev"), "totp_secret": Secret(SECRET)},
    )
    devices = make.devices(acme, "cisco_ios", "arista_eos")
    Device.objects.filter(pk__in=[d.pk for d in devices]).update(credential=login)
    new_jump = partial(JumpHost.objects.create, tenant=acme, host="192.0.2.1", credential=login)
    _, jump = new_jump(name="Another"), new_jump(name="Bastion")
    Network.objects.filter(devices__in=devices).update(jump_host=jump)
    operator = person("acme-operator")
    draft = make.draft(
        operator,
        template,
        devices,
        triggers=(replace(once_at(timezone.now() + timedelta(days=5)), schedule_filter=window.pk),),
        window=window.pk,
        secret_variables={"key": Secret("hush-hush")},
        tasks=(TaskSpec(step=0, profile=profile.pk, credential=str(other.pk)),),
    )
    job = drafts.request_job(by=operator, draft=draft, message="As discussed.")
    return ServiceJob.objects.get(pk=job.pk)


def moved(job):
    """Say whether the job is not what was asked for any more."""
    job = ServiceJob.objects.get(pk=job.pk)
    return digest_of(approval_gate.present(job, job.approval)) != job.approval.digest


#: How each other column is changed; what is not here is a text that gets a letter, a number that grows, a flag that
#: turns.
CHANGES = {
    "search": {"words": "other"},
    "variables": {"ntp": "198.51.100.9"},
    "sealed_variables": {},
    "values": {"ntp": "198.51.100.9"},
    "rules": [{"weekdays": ["monday"]}],
    "rule": {"kind": "once", "time_zone": "UTC", "start_at": "2031-01-01T00:00:00"},
    "rollout": {"canary": 1, "wave": 0, "soak": 0, "stop_count": 0, "stop_percent": 0, "sample": 1},
    "selection_mode": "search",
    "protocol": "telnet",
    "platform": "linux",
    "address": "198.51.100.250",
    "time_zone": "Europe/Berlin",
    "overlap": "skip",
    "missed": "skip",
    "account": "a credential",
    "job_type": "script",
    "window": None,
    "schedule_filter": None,
    "profile": None,
    "credential": None,
    "totp_digits": 8,
    "totp_algorithm": "sha512",
    "agent": "another",
    "jump_host": "another",
    "through": "another",
    "created_by": "another",
    "template": "another",
}


def row_of(model, job):
    if model is ServiceJob:
        return job
    task = job.tasks.get()
    return {
        JobTask: task,
        TemplateVersion: job.version,
        ServiceTemplate: job.template,
        ConfigurationProfile: task.profile,
        Device: job.devices.order_by("name")[0],
        Credential: job.devices.order_by("name")[0].credential,
        Network: job.devices.order_by("name")[0].network,
        JumpHost: JumpHost.objects.get(name="Bastion"),
        Trigger: job.triggers.get(),
        ScheduleFilter: job.window,
    }[model]


def another_secret(name):
    """Another value of a secret, with what must go with it."""
    if name == "passphrase":
        return {"private_key": Secret(a_key(passphrase="another")[1]), "passphrase": Secret("another")}
    texts = {"private_key": a_key()[1], "totp_secret": "A" * 32}
    return {name: Secret(texts.get(name, "another-secret"))}


def change(row, field, person):
    """Give a column another value, as the database lets one."""
    name, rows = field.name, type(row).objects.filter(pk=row.pk)
    if name.endswith("_sealed"):
        secrets = another_secret(name.removesuffix("_sealed"))
        save_credential(by=None, tenant=row.tenant, instance=row, name=row.name, username=row.username, secrets=secrets)
        return
    if name in CHANGES:
        value = CHANGES[name]
        if name == "credential" and isinstance(row, JumpHost):
            value = Credential.objects.filter(tenant=row.tenant).exclude(pk=row.credential_id).first()
        elif value == "a credential" or (name == "credential" and row.credential is None):
            value = Credential.objects.filter(tenant=row.tenant).first()
        elif value == "another":
            model = field.related_model
            value = model.objects.exclude(pk=getattr(row, field.attname) or (row.pk if model is type(row) else None))
            value = (value.filter(tenant=row.tenant) if hasattr(model, "tenant") else value).first()
            if value is None:
                value = model.objects.create(tenant=row.tenant, name="Another")
    else:
        old = getattr(row, name)
        value = not old if isinstance(old, bool) else old + 1 if isinstance(old, int) else f"{old}x"
    rows.update(**{name: value})


COLUMNS = [
    pytest.param(model, field, id=f"{model.__name__}.{field.name}")
    for model, free in FREE.items()
    for field in model._meta.local_fields
    if field.name not in free
]


@pytest.mark.parametrize("model,field", COLUMNS)
def test_a_column_that_is_not_free_moves_the_digest(model, field, asked, person):
    assert not moved(asked)
    change(row_of(model, asked), field, person)
    assert moved(asked), f"{model.__name__}.{field.name} decides and is not in the content"


@pytest.mark.parametrize("model", FREE)
def test_what_is_free_exists_and_says_why(model):
    assert set(FREE[model]) <= {field.name for field in model._meta.local_fields}
    assert all(FREE[model].values())


def test_fewer_devices_move_it(asked, person):
    draft = drafts.start_editing(by=person("acme-operator"), job=asked)
    spec = spec_of(draft)
    drafts.save_draft(
        by=person("acme-operator"),
        draft=draft,
        spec=replace(spec, selection=replace(spec.selection, devices=spec.selection.devices[:1])),
    )
    drafts.submit_job(by=person("acme-operator"), draft=draft)
    assert ServiceJob.objects.get(pk=asked.pk).approval is None


@pytest.mark.parametrize("what", ["profile", "task credential", "job account", "job credential"])
def test_what_the_job_says_is_bound_for_dynamic_devices_too(what, asked, person, tenant):
    """All of these were exchanged after the approval, and went to the device."""
    operator = person("acme-operator")
    approval_gate.approvals.close(by=operator, request=asked.approval, message="", now=timezone.now())
    job = approval_gate.request(
        by=operator, job=ServiceJob.objects.get(pk=asked.pk), message="", now=timezone.now(), at_most=9
    )
    assert not moved(job)
    task = job.tasks.get()
    if what == "profile":
        ConfigurationProfile.objects.filter(pk=task.profile_id).update(values={"ntp": "198.51.100.66"})
    elif what == "task credential":
        save_credential(
            by=None, tenant=job.tenant, instance=task.credential, name="Task login", username="root", secrets={}
        )
    elif what == "job account":
        draft = drafts.start_editing(by=operator, job=job)
        spec = replace(spec_of(draft), account=Account("root", password=Secret("toortoor")))
        drafts.save_draft(by=operator, draft=draft, spec=spec)
        drafts.submit_job(by=operator, draft=draft)
        assert ServiceJob.objects.get(pk=job.pk).approval is None
        return
    else:
        ServiceJob.objects.filter(pk=job.pk).update(credential=task.credential)
    assert moved(job)


def test_whatever_is_bound_is_shown(asked, browser):
    page = " ".join(browser("acme-approver-1").get(f"/jobs/{asked.pk}/approval/").content.decode().split())
    content = asked.approval.content
    assert set(content) <= set(PARTS)
    hidden = {"device"}  # the id of a row; its name and address are shown
    for words, values in rows(content):
        assert escaped(words) in page
        for name, value in values:
            assert escaped(value) in page, (words, name, value)
    for device in content["devices"]:
        # Of a jump host the ids of rows are hidden, too.
        shown = {k: v for k, v in device.items() if k not in hidden and k != "credential"}
        shown["via"] = [hop[1:3] + hop[4:] for hop in device.get("via", ())]
        for name, value in leaves(shown):
            parts = value.split(", ") if value != "none" else []
            assert all(escaped(one) in page for one in parts), (name, value)
    for login in content["logins"].values():
        assert all(escaped(text(value)) in page for value in login.values())


def escaped(value):
    from django.utils.html import escape

    return " ".join(escape(str(value)).split())


def test_letters_that_look_like_others_are_marked(tenant, person, browser, wakeups):
    acme = tenant("acme")
    template = make.new_template(acme, "hostname \u0455witch", "config", name="Set n\u0430me")
    draft = make.draft(person("acme-operator"), template, make.devices(acme, "cisco_ios"))
    job = drafts.request_job(by=person("acme-operator"), draft=draft, message="")
    page = browser("acme-approver-1").get(f"/jobs/{job.pk}/approval/").content.decode()
    assert 'title="U+0455 CYRILLIC SMALL LETTER DZE"' in page and 'title="U+0430 CYRILLIC SMALL LETTER A"' in page


def test_devices_with_the_same_lines_are_one_group(tenant, person, browser, wakeups):
    acme = tenant("acme")
    template = make.new_template(acme, "ntp server 198.51.100.1", "config", name="Same")
    chosen = list(Device.objects.filter(tenant=acme, platform="cisco_ios"))[:3]
    job = drafts.request_job(
        by=person("acme-operator"), draft=make.draft(person("acme-operator"), template, chosen), message=""
    )
    groups = browser("acme-approver-1").get(f"/jobs/{job.pk}/approval/").context["groups"]
    assert [len(group.devices) for group in groups] == [len(chosen)]
