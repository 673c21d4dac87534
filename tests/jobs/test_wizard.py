"""The wizard's pages without a browser: CSV import row by row, foreign rows, tampering, long output on its page."""

from dataclasses import replace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from config.errors import Conflict
from devices.services import tenants
from jobs import selectors
from jobs.authoring import drafts
from jobs.plan.job_mapping import spec_of
from templates_app.models import ServiceTemplate
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft(person, tenant, wakeups):
    return make.draft(person("acme-operator"), make.template(tenant("acme")), triggers=())


def upload(client, draft, text, encoding="utf-8"):
    url = reverse("wizard", args=[draft.pk, "details"])
    data = {
        "action": "import",
        "csv": SimpleUploadedFile("d.csv", text.encode(encoding)),
        "name": "Kept",
        "description": "Kept too",
        "job_type": "regular",
        "selection_mode": "static",
        "agent": draft.agent_id,
    }
    return client.post(url, data).content.decode()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_csv_adds_devices_and_says_why_each_other_line_is_not(encoding, draft, browser, tenant):
    own, foreign = make.devices(tenant("acme"))[0], make.devices(tenant("globex"))[0]
    body = upload(
        browser("acme-operator"),
        draft,
        f"IP address\n{own.address}\n{foreign.address}\n203.0.113.1\nx\n{own.address}\n",
        encoding,
    )
    assert "1 of 5 lines were added" in body and 'value="Kept"' in body and "Kept too" in body
    assert body.count("No device that you can choose here has this address.") == 2, (
        "a foreign device must read like an unknown one"
    )
    assert "&#x27;x&#x27; is not an IP address" in body and "The same address stands in line 2" in body
    assert foreign.name not in body
    draft.refresh_from_db()
    assert [device.pk for device in draft.devices.all()] == [own.pk]


def test_a_file_that_is_no_csv_is_refused_and_nothing_is_lost(draft, browser):
    body = upload(browser("acme-operator"), draft, "ä", "latin-1")
    assert "is not UTF-8" in body and 'value="Kept"' in body


def test_another_persons_draft_does_not_exist(draft, browser):
    for name in ("acme-admin", "globex-operator"):
        assert browser(name).get(reverse("wizard", args=[draft.pk, "details"])).status_code == 404


@pytest.mark.parametrize(
    "field,value",
    [
        ("agent", "99999"),
        ("devices", "00000000-0000-0000-0000-000000000000"),
        ("tags", "99999"),
        ("credential", "x"),
        ("job_type", "os_upgrade"),
        ("notifier", "u99999"),
    ],
)
def test_a_tampered_choice_is_an_error_beside_its_field(field, value, draft, browser):
    data = {
        "name": "N",
        "description": "D",
        "job_type": "regular",
        "selection_mode": "static",
        "agent": draft.agent_id,
        field: value,
    }
    answer = browser("acme-operator").post(reverse("wizard", args=[draft.pk, "details"]), data)
    assert answer.status_code == 200 and field in answer.context["form"].errors


def test_a_time_that_the_clock_skips_is_refused(draft, browser):
    data = {
        "execute": "schedule",
        "order": "0",
        "t0-kind": "once",
        "t0-at": "2027-03-28T02:30",
        "t0-time_zone": "Europe/Berlin",
        "visibility": "public",
        "action": "submit",
    }
    body = browser("acme-operator").post(reverse("wizard", args=[draft.pk, "schedule"]), data).content.decode()
    assert "does not exist in Europe/Berlin" in body


def test_the_live_panel_keeps_the_draft_and_counts_devices(draft, browser, tenant):
    devices = make.devices(tenant("acme"))[:2]
    data = {
        "name": "Typing",
        "description": "",
        "job_type": "regular",
        "selection_mode": "static",
        "agent": draft.agent_id,
        "devices": [str(d.pk) for d in devices],
    }
    answer = browser("acme-operator").post(reverse("wizard-live", args=[draft.pk, "details"]), data)
    assert '<div class="count" id="device-count">2</div>' in answer.content.decode()
    draft.refresh_from_db()
    assert draft.name == "Typing"


def test_a_new_customer_is_offered_the_built_in_templates(browser, tenant, person):
    made = tenants.create_tenant(by=None, key="fresh", name="Fresh", kind="customer", parent=tenant("msp_12"))
    tenants.give_role(by=None, user=person("acme-operator"), tenant=made, role="operator")
    for _ in range(2):
        body = browser("acme-operator").get(reverse("new-job")).content.decode()
        assert "AD check list" in body and "Fresh" in body
    assert ServiceTemplate.objects.filter(tenant=made).count() == 3


def test_what_the_page_keeps_after_submit_changes_nothing(browser, tenant, person, wakeups):
    """The page saves by itself; what it sent last may be read while Submit is being answered."""
    operator, acme = person("acme-operator"), tenant("acme")
    draft = make.draft(operator, make.template(acme), make.devices(acme)[:1], name="Mine")
    stale = selectors.editable_job(operator, draft.pk)
    job, run = drafts.submit_job(by=operator, draft=draft)
    with pytest.raises(Conflict, match="submitted already"):
        drafts.save_draft(by=operator, draft=stale, spec=replace(spec_of(stale), name="Overwritten", triggers=()))
    job.refresh_from_db()
    assert (job.status, job.name, job.triggers.count()) == ("saved", "Mine", 1) and run is not None
    url = reverse("wizard-live", args=[draft.pk, "details"])
    assert browser("acme-operator").post(url, {"name": "Later"}).status_code == 204
    assert browser("globex-operator").post(url, {"name": "Later"}).status_code == 404


def test_hostile_and_long_output_is_shown_escaped_marked_and_cut(person, tenant, browser, wakeups):
    _, run = make.job(person("acme-operator"), make.template(tenant("acme")), make.devices(tenant("acme"), "linux"))
    row = run.device_runs.get()
    text = "<script>alert(1)</script> \u202etxt \x07" + "x" * 10_000_000
    said = {"name": "S", "kind": "read", "status": "succeeded", "started_at": run.created_at}
    make.step(row, [("show", text, False)], position=0, **said)
    body = browser("acme-operator").get(reverse("device-run", args=[run.pk, row.pk])).content.decode()
    assert "<script>alert" not in body and "&lt;script&gt;" in body
    assert "‹U+202E›" in body and "‹U+0007›" in body and "\u202e" not in body
    assert len(body) < 400_000 and "download the raw text" in body
    raw = browser("acme-operator").get(reverse("device-run-raw", args=[run.pk, row.pk]))
    assert len(raw.content) > 10_000_000 and raw["Content-Disposition"].startswith("attachment")
