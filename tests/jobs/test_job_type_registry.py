"""A job type is one folder and one line: one that the product does not have is driven from the wizard to its result."""

from pathlib import Path

import pytest
from django.template import engines
from django.template.loader import get_template
from django.urls import reverse

from approvals import kinds
from config.errors import NotFound
from config.ui import ICONS
from devices.models import Agent
from jobs import types
from jobs.models import JobRun, ServiceJob
from jobs.types.base import FOLDER, JobType
from templates_app.models import ServiceTemplate
from tests import make
from tests.jobs.uptime_type import UPTIME

pytestmark = pytest.mark.django_db
OPERATOR = "acme-operator"


@pytest.fixture
def uptime(monkeypatch):
    monkeypatch.setattr(types, "BY_KEY", {**types.BY_KEY, UPTIME.key: UPTIME})
    monkeypatch.setattr(engines["django"].engine, "dirs", [*engines["django"].engine.dirs, Path(__file__).parent])
    return UPTIME


def through_the_wizard(client, draft, device, parameters):
    """Fill in the three steps as a browser would post them; return the run that begins."""
    details = {
        "name": "Watch",
        "description": "Looks how long a device runs.",
        "job_type": UPTIME.key,
        "agent": Agent.objects.filter(tenant=draft.tenant).first().pk,
        "selection_mode": "static",
        "devices": [str(device.pk)],
        "enabled": "on",
    }
    tasks = {**parameters, "t0_who": "all", "t0_connection": "ssh", "t0_transfer": "terminal"}
    for step, data in (("details", details), ("tasks", tasks)):
        answer = client.post(reverse("wizard", args=[draft.pk, step]), {**data, "action": "next"})
        assert answer.status_code == 302, answer.context["form"].errors
    data = {"execute": "now", "order": "", "visibility": "public", "overlap": "queue", "max_parallel": "5"}
    answer = client.post(reverse("wizard", args=[draft.pk, "schedule"]), {**data, "action": "submit"})
    assert answer.status_code == 302, answer.context["form"].errors
    return JobRun.objects.get(job=draft)


def test_it_goes_from_the_wizard_to_its_result(uptime, tmp_path, browser, tenant, wakeups):
    with make.fleet(tmp_path, "acme"):
        client, acme = browser(OPERATOR), tenant("acme")
        offered = client.get(reverse("new-job")).context["templates"]
        template = next(t for t in offered if t.tenant == acme and t.name == "Device uptime")
        details = client.post(reverse("new-job"), {"template": template.pk}, follow=True)
        assert "Uptime watch" in details.content.decode()
        device = make.devices(acme, "cisco_ios")[0]
        draft = ServiceJob.objects.get(status="draft", template=template)
        run = through_the_wizard(client, draft, device, {"var_least_days": "3"})
        make.finish(run)
        row = run.device_runs.get()
        assert row.plan.steps[0].note == "At least 3 days.", "its own planner planned it"
        assert (row.status, row.reason) == ("failed", "restarted_lately"), "its own judge judged it"
        page = client.get(reverse("run", args=[run.pk])).content.decode()
        assert f"{device.name}: restarted_lately" in page, "its own page shows it"
        history = client.get(reverse("runs"), {"type": "uptime"}).content.decode()
        assert "Uptime watch" in history and reverse("run", args=[run.pk]) in history
        assert reverse("run", args=[run.pk]) not in client.get(reverse("runs"), {"type": "backup"}).content.decode()


def test_api_filters_and_policies_know_it(uptime, api, person, acme):
    rows = api(OPERATOR).get("/api/v1/job-types/").json()["results"]
    assert [row["key"] for row in rows] == [*(key for key, _ in types.choices())] and rows[-1]["key"] == "uptime"
    shown = api(OPERATOR).get("/api/v1/job-types/uptime/").json()
    assert shown["parameters"]["properties"]["least_days"]["default"] == "1" and shown["changes_devices"] is False
    make.job(person(OPERATOR), ServiceTemplate.objects.get(tenant=acme, name="Show version"), make.devices(acme)[:1])
    assert api(OPERATOR).get("/api/v1/jobs/?job_type=uptime").json()["results"] == []
    assert api(OPERATOR).get("/api/v1/runs/?job_type=regular").json()["results"]
    assert api(OPERATOR).get("/api/v1/jobs/?job_type=nonsense").status_code == 400
    assert kinds.words_of(person("acme-admin"))["type:uptime"] == "Uptime watch"


def test_an_unknown_type_is_said_to_be_unknown(api):
    assert api(OPERATOR).get("/api/v1/job-types/telemetry/").status_code == 404
    with pytest.raises(NotFound):
        types.get("telemetry")


@pytest.mark.parametrize("one", types.BY_KEY.values(), ids=lambda one: one.key)
def test_every_type_is_whole(one: JobType):
    assert (FOLDER / one.key / "__init__.py").exists() and one.documentation.strip()
    assert one.label and one.audience.endswith(".") and one.icon in ICONS and one.families
    assert len(one.key) <= 40 and one.key.isidentifier()
    if one.page:
        assert get_template(one.page)
    if one.template:
        made = one.template()
        assert types.of_template(made.key) is one
        names = {variable.name for variable in made.content.variables}
        assert not one.starts_on_trap or one.starts_on_trap in names


def test_no_folder_is_forgotten():
    folders = {path.parent.name for path in FOLDER.glob("*/__init__.py")}
    assert folders == set(types.BY_KEY)
