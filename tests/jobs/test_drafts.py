"""Jobs: drafts, names, what is missing, copies under edit, deleting, scheduled runs and their reasons."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from config.errors import Conflict, Forbidden, Invalid
from devices.domain.secrets import Secret
from devices.domain.selection import DeviceSearch, DeviceSelection, SelectionMode
from devices.models import Device, DeviceTag, Network
from devices.services import vault
from jobs.authoring import drafts
from jobs.dispatch import starter
from jobs.domain.spec import Account, once_at
from jobs.models import JobRun, ServiceJob
from jobs.plan import builder
from jobs.plan.job_mapping import spec_of
from templates_app.domain.content import RuntimeVariable, StepKind, TemplateContent, TemplateStep, VariableType
from templates_app.services import authoring
from tests import make

pytestmark = pytest.mark.django_db


def test_execute_now_starts_a_run_and_hints_the_agent(acme, person, wakeups, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        job, run = make.job(person("acme-operator"), make.template(acme), make.devices(acme, "linux"))
    assert run.status == "queued" and run.device_runs.count() == 1
    assert wakeups == [("jobs.work", [], "agent.acme.acme-agent-1")]


@pytest.mark.parametrize("name", ["Nightly check", "NIGHTLY CHECK", " nightly check "])
def test_a_name_is_taken_once_per_tenant_whatever_the_case(name, acme, person, tenant):
    make.job(person("acme-operator"), make.template(acme), make.devices(acme, "linux"), name="Nightly check")
    make.job(
        person("globex-operator"),
        make.template(tenant("globex")),
        make.devices(tenant("globex"), "linux"),
        name="Nightly check",
    )
    with pytest.raises(Invalid, match="exists in Acme"):
        make.draft(person("acme-operator"), make.template(acme), name=name)


def test_what_is_missing_is_listed_by_field(acme, person):
    draft = drafts.start_draft(by=person("acme-operator"), template_id=make.template(acme, "Describe interface").pk)
    assert set(drafts.problems_of(draft, person("acme-operator"))) == {
        "name",
        "description",
        "agent",
        "devices",
        "schedule",
        "variables.interface",
        "variables.text",
    }
    with pytest.raises(Invalid):
        drafts.submit_job(by=person("acme-operator"), draft=draft)
    assert JobRun.objects.filter(job=draft).count() == 0


def test_a_viewer_makes_no_job(acme, person):
    with pytest.raises(Invalid):
        drafts.start_draft(by=person("acme-viewer"), template_id=make.template(acme).pk)


def test_the_customer_comes_from_the_template(acme, person):
    draft = make.draft(person("msp-admin"), make.template(acme), make.devices(acme, "linux"))
    assert draft.tenant == acme


def test_editing_leaves_the_job_as_it_is_until_the_copy_is_submitted(acme, person):
    operator = person("acme-operator")
    account = Account("root", Secret("first-password"))
    job, _ = make.job(operator, make.template(acme), make.devices(acme, "linux"), name="Before", account=account)
    copy = drafts.start_editing(by=operator, job=job)
    assert drafts.start_editing(by=operator, job=job).pk == copy.pk
    drafts.save_draft(by=operator, draft=copy, spec=replace(spec_of(copy), name="After"))
    job.refresh_from_db()
    assert job.name == "Before"
    saved, run = drafts.submit_job(by=operator, draft=copy)
    assert (saved.pk, saved.name, run) == (job.pk, "After", None)
    assert vault.open_login(saved.account).password.reveal() == "first-password"
    assert not ServiceJob.objects.filter(pk=copy.pk).exists()


def test_a_password_typed_while_editing_replaces_the_stored_one(acme, person):
    operator = person("acme-operator")
    job, _ = make.job(
        operator, make.template(acme), make.devices(acme, "linux"), account=Account("root", Secret("old-password"))
    )
    copy = drafts.start_editing(by=operator, job=job)
    drafts.save_draft(
        by=operator, draft=copy, spec=replace(spec_of(copy), account=Account("root", Secret("new-password")))
    )
    saved, _ = drafts.submit_job(by=operator, draft=copy)
    assert vault.open_login(saved.account).password.reveal() == "new-password"


def test_submitting_opens_no_login_and_seals_anew_only_what_was_typed(acme, person, monkeypatch):
    operator = person("acme-operator")
    content = TemplateContent(
        (TemplateStep(name="Step", kind=StepKind.READ, commands={"cisco_ios": "show version {{ word }} {{ other }}"}),),
        tuple(RuntimeVariable(name=name, type=VariableType.SECRET, label=name) for name in ("word", "other")),
    )
    of = authoring.save_template(by=None, tenant=acme, name="S", description="", status="ready", content=content)
    account = Account("root", Secret("old-password"), Secret("old-enable"))
    secrets = {"word": Secret("old-word"), "other": Secret("old-other")}
    job, _ = make.job(operator, of, make.devices(acme, "cisco_ios"), account=account, secret_variables=secrets)
    copy = drafts.start_editing(by=operator, job=job)
    typed = {"account": Account("root", Secret("new-password")), "secret_variables": {"word": Secret("new-word")}}
    drafts.save_draft(by=operator, draft=copy, spec=replace(spec_of(copy), **typed))
    opened, unseal, open_login = [], vault.unseal, vault.open_login
    monkeypatch.setattr(vault, "unseal", lambda text, **at: opened.append(at["field"]) or unseal(text, **at))
    monkeypatch.setattr(vault, "open_login", lambda row: pytest.fail("A login was opened outside the worker."))
    saved, _ = drafts.submit_job(by=operator, draft=copy)
    assert sorted(opened) == ["password", "word"]
    login = open_login(ServiceJob.objects.get(pk=saved.pk).account)
    assert (login.password.reveal(), login.enable_password.reveal()) == ("new-password", "old-enable")
    found = {
        name: unseal(text, tenant_id=acme.pk, row=str(saved.pk), field=name).reveal()
        for name, text in ServiceJob.objects.get(pk=saved.pk).sealed_variables.items()
    }
    assert found == {"word": "new-word", "other": "old-other"}


def test_a_search_is_evaluated_when_the_job_runs(acme, person):
    operator = person("acme-operator")
    search = DeviceSelection(SelectionMode.SEARCH, DeviceSearch(platforms=("linux",)))
    job, first = make.job(operator, make.template(acme), selection=search, overlap="allow")
    network = Network.objects.filter(tenant=acme).first()
    Device.objects.create(tenant=acme, name="later", address="192.0.2.50", platform="linux", network=network)
    second = starter.run_now(by=operator, job=job, now=timezone.now())
    assert second.device_count == first.device_count + 1


def test_tags_add_the_devices_that_carry_them_when_it_runs(acme, person):
    cisco, linux = make.devices(acme, "cisco_ios", "linux")
    tag = DeviceTag.objects.filter(device=cisco).get().tag
    selection = DeviceSelection(SelectionMode.STATIC, devices=(str(linux.pk),), tags=(tag.pk,))
    draft = make.draft(person("acme-operator"), make.template(acme), selection=selection)
    expected = {linux.pk} | set(DeviceTag.objects.filter(tag=tag).values_list("device_id", flat=True))
    assert set(builder.target_devices(draft, person("acme-operator")).values_list("pk", flat=True)) == expected


def test_a_template_for_some_platforms_offers_their_devices_only(acme, person):
    selection = DeviceSelection(SelectionMode.ALL)
    draft = make.draft(person("acme-operator"), make.template(acme, "Describe interface"), selection=selection)
    found = set(builder.target_devices(draft, person("acme-operator")).values_list("platform", flat=True))
    assert found == {"cisco_ios", "arista_eos"}


@pytest.mark.parametrize(
    "given,source",
    [
        ("task", "task"),
        ("account", "job account"),
        ("job", "job"),
        ("device", "device"),
        ("default", "default of the tenant"),
    ],
)
def test_the_winning_credential(given, source, acme, person):
    """X-18: task > job account > job > device > default of the tenant; each level also beats all below it."""
    from devices.services.inventory import save_credential
    from jobs.domain.spec import TaskSpec

    order = ["task", "account", "job", "device", "default"]
    levels = order[order.index(given) :]
    made = {name: save_credential(by=None, tenant=acme, name=name, username="u") for name in ("task", "job", "device")}
    device = make.devices(acme, "linux")[0]
    changes = {}
    if "task" in levels:
        changes["tasks"] = (TaskSpec(0, credential=str(made["task"].pk)),)
    if "account" in levels:
        changes["account"] = Account("u", Secret("password"))
    if "job" in levels:
        changes["credential"] = str(made["job"].pk)
    if "device" in levels:
        Device.objects.filter(pk=device.pk).update(credential=made["device"])
    draft = make.draft(person("acme-operator"), make.template(acme), [device], snapshots=False, **changes)
    (plan,) = builder.plan_of(draft, person("acme-operator")).devices
    assert (plan.steps[0].credential or plan.credential).source == source


def test_deleting_a_job_keeps_its_history_and_frees_its_name(acme, person, browser):
    operator = person("acme-operator")
    job, run = make.job(operator, make.template(acme), make.devices(acme, "linux"), name="Once")
    with pytest.raises(Conflict, match="is running"):
        drafts.delete_job(by=operator, job=job)
    make.end(JobRun.objects.filter(pk=run.pk))
    client = browser("acme-operator")
    assert "Yes, delete it" in client.get(f"/jobs/{job.pk}/delete/").content.decode()
    assert client.post(f"/jobs/{job.pk}/delete/").status_code == 302
    assert client.get(f"/jobs/{job.pk}/").status_code == 404
    assert "Once" in client.get(f"/runs/{run.pk}/").content.decode() and "Once" in client.get("/runs/").content.decode()
    make.job(operator, make.template(acme), make.devices(acme, "linux"), name="Once")


def test_nobody_edits_a_private_job_of_another(acme, person):
    from jobs.domain.spec import Visibility

    job, _ = make.job(
        person("acme-operator"), make.template(acme), make.devices(acme, "linux"), visibility=Visibility.PRIVATE
    )
    with pytest.raises(Forbidden):
        drafts.set_enabled(by=person("acme-admin"), job=job, enabled=False)


class TestScheduledOnce:
    def job(self, acme, person, by="acme-operator", **changes):
        self.at = timezone.now().replace(microsecond=0) + timedelta(hours=1)
        triggers = (once_at(self.at, "Europe/Berlin"),)
        job, run = make.job(person(by), make.template(acme), make.devices(acme, "linux"), triggers=triggers, **changes)
        assert run is None
        return job

    def test_it_runs_at_its_time_once_and_never_before(self, acme, person):
        self.job(acme, person)
        assert make.tick(self.at - timedelta(milliseconds=1)) == []
        (run,) = make.tick(self.at)
        assert run.scheduled_for == self.at and run.status == "queued"
        assert make.tick(self.at + timedelta(days=1)) == []

    def test_a_time_in_the_past_is_refused(self, acme, person):
        past = (once_at(timezone.now() - timedelta(minutes=1)),)
        with pytest.raises(Invalid, match="past"):
            make.job(person("acme-operator"), make.template(acme), make.devices(acme, "linux"), triggers=past)

    @pytest.mark.parametrize(
        "why,word",
        [
            ("off", "switched off"),
            ("tenant", "Acme is switched off"),
            ("right", "may no longer run"),
            ("device", "No device matches"),
        ],
    )
    def test_what_does_not_run_is_a_skipped_run_with_its_reason(self, why, word, acme, person):
        job = self.job(acme, person)
        if why == "off":
            drafts.set_enabled(by=person("acme-operator"), job=job, enabled=False)
        elif why == "tenant":
            type(acme).objects.filter(pk=acme.pk).update(enabled=False)
        elif why == "right":
            person("acme-operator").groups.clear()
        else:
            Device.objects.filter(tenant=acme).update(enabled=False)
        (run,) = make.tick(self.at)
        assert run.status == "skipped" and word in run.reason and run.device_runs.count() == 0

    def test_a_change_without_approval_is_skipped(self, acme, person):
        template = make.template(acme, "Set NTP server")
        triggers = (once_at(timezone.now() + timedelta(hours=1)),)
        make.job(person("acme-operator"), template, make.devices(acme, "linux"), triggers=triggers)
        (run,) = make.tick(timezone.now() + timedelta(minutes=60, seconds=10))
        assert run.status == "skipped" and "needs approval" in run.reason


def test_the_same_plan_has_the_same_digest_and_another_has_another(acme, person):
    draft = make.draft(person("acme-operator"), make.template(acme), make.devices(acme, "linux", "cisco_ios"))
    one, two = (builder.plan_of(draft, person("acme-operator")) for _ in range(2))
    assert one.digest == two.digest and len(one.digest) == 64
    drafts.save_draft(by=person("acme-operator"), draft=draft, spec=replace(spec_of(draft), snapshots=True))
    assert builder.plan_of(ServiceJob.objects.get(pk=draft.pk), person("acme-operator")).digest != one.digest


def test_a_draft_is_submitted_once_however_often_one_clicks(acme, person):
    operator = person("acme-operator")
    draft = make.draft(operator, make.template(acme), make.devices(acme, "linux"))
    stale = ServiceJob.objects.get(pk=draft.pk)
    drafts.submit_job(by=operator, draft=draft)
    with pytest.raises(Conflict, match="submitted already"):
        drafts.submit_job(by=operator, draft=stale)
    assert JobRun.objects.filter(job=draft).count() == 1


def test_one_job_that_cannot_start_does_not_hold_up_the_others(acme, person, monkeypatch):
    operator = person("acme-operator")
    at = timezone.now().replace(microsecond=0) + timedelta(hours=1)
    once = (once_at(at),)
    broken, _ = make.job(operator, make.template(acme), make.devices(acme, "linux"), triggers=once)
    fine, _ = make.job(operator, make.template(acme), make.devices(acme, "linux"), triggers=once)
    admit, mad = (
        starter.admit,
        make.job(operator, make.template(acme), make.devices(acme, "linux"), triggers=once)[0],
    )

    def refuses(run, job, *more):
        if job.pk == broken.pk:
            raise Conflict("Somebody else was first.")
        if job.pk == mad.pk:
            raise ZeroDivisionError
        return admit(run, job, *more)

    monkeypatch.setattr(starter, "admit", refuses)
    found = {run.job_id: (run.status, run.reason) for run in make.tick(at)}
    words = "Interlock itself failed while planning; the server log has the details."
    assert found == {
        broken.pk: ("skipped", "Somebody else was first."),
        mad.pk: ("errored", words),
        fine.pk: ("queued", ""),
    }


def test_a_name_that_somebody_takes_at_the_same_moment_is_said_beside_its_field(acme, person, monkeypatch):
    operator = person("acme-operator")
    make.job(
        operator, make.template(acme), make.devices(acme, "linux"), name="Taken", triggers=(), needs_schedule=False
    )
    draft = make.draft(operator, make.template(acme), make.devices(acme, "linux"))
    monkeypatch.setattr(drafts, "_check_name", lambda job, name: None)  # it looked a moment too early
    with pytest.raises(Invalid) as refused:
        drafts.save_draft(by=operator, draft=draft, spec=replace(spec_of(draft), name="taken"))
    assert "just now" in refused.value.fields["name"][0]


def test_a_discarded_copy_takes_its_password_along_and_leaves_the_job_as_it_was(acme, person, browser):
    from devices.models import Credential

    operator = person("acme-operator")
    job, _ = make.job(
        operator, make.template(acme), make.devices(acme, "linux"), account=Account("root", Secret("old-password"))
    )
    copy = drafts.start_editing(by=operator, job=job)
    drafts.save_draft(
        by=operator,
        draft=copy,
        spec=replace(spec_of(copy), name="Other", account=Account("root", Secret("typed-password"))),
    )
    accounts = Credential.objects.filter(name="").count()
    assert browser("acme-operator").post(f"/drafts/{copy.pk}/discard/").status_code == 302
    job.refresh_from_db()
    assert job.name != "Other" and vault.open_login(job.account).password.reveal() == "old-password"
    assert Credential.objects.filter(name="").count() == accounts - 1
