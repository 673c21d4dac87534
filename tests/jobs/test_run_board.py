"""The board of a run: a column for each step that any of its devices has, known by its place and not by its name."""

import re

import pytest
from django.urls import reverse

from devices.models import Device, Network
from jobs.domain.spec import TaskSpec
from jobs.models import StepResult
from templates_app.domain.content import StepKind, TemplateContent, TemplateStep
from templates_app.services import authoring
from tests import make

pytestmark = pytest.mark.django_db


def template(tenant, *names):
    steps = tuple(TemplateStep(name=name, kind=StepKind.READ, commands={"linux": "uname -a"}) for name in names)
    content = TemplateContent(steps)
    return authoring.save_template(
        by=None, tenant=tenant, name="Board", description="", status="ready", content=content
    )


def gave(row, position, status):
    step = next(step for step in row.plan.steps if step.position == position)
    StepResult.objects.create(
        tenant=row.tenant,
        device_run=row,
        position=position,
        name=step.name,
        kind=step.kind,
        status=status,
        started_at=row.run.created_at,
    )


def board(client, run, **query):
    return client.get(reverse("run-board", args=[run.pk]), query).content.decode()


def headings(page):
    found = re.findall(r'<th class="cell"[^>]*>(.*?)</th>', page, re.DOTALL)
    return [name.strip() for name in found]


def dots(page):
    return re.findall(r'role="img"\s+aria-label="([^"]+)"', page)


def test_a_failed_check_stands_beside_a_passed_one_of_the_same_name(acme, person, browser):
    of = template(acme, "Check", "Other", "Check")
    _, run = make.job(person("acme-operator"), of, make.devices(acme, "linux"), snapshots=False)
    row = run.device_runs.get()
    for position, status in ((0, "failed"), (1, "succeeded"), (2, "succeeded")):
        gave(row, position, status)
    page = board(browser("acme-operator"), run)
    assert headings(page) == ["Check", "Other", "Check"]
    assert dots(page) == ["Check: Failed", "Other: Succeeded", "Check: Succeeded"]


def test_a_step_that_only_the_twenty_first_device_has_has_a_column(acme, person, browser):
    network = Network.objects.filter(tenant=acme).first()
    Device.objects.bulk_create(
        Device(tenant=acme, name=f"more-{n:02}", address=f"192.0.2.{n}", platform="linux", network=network)
        for n in range(1, 31)
    )
    devices = list(Device.objects.filter(tenant=acme, name__startswith="more-").order_by("name"))
    last = devices[20]
    tasks = (TaskSpec(0), TaskSpec(1, devices=(str(last.pk),)), TaskSpec(2))
    of = template(acme, "First", "Only there", "Last")
    _, run = make.job(person("acme-operator"), of, devices, snapshots=False, tasks=tasks)
    for row in run.device_runs.filter(device__in=[devices[0], last]):
        for step in row.plan.steps:
            gave(row, step.position, "succeeded")
    page = board(browser("acme-operator"), run)
    assert headings(page) == ["First", "Only there", "Last"]
    assert dots(page).count("Only there: Succeeded") == 1 and dots(page).count("Last: Succeeded") == 2
    assert run.device_runs.count() == 30


def test_devices_without_a_startup_configuration_have_their_steps_in_the_same_columns(acme, person, browser):
    of = make.new_template(acme, {"cisco_ios": "hostname x", "linux": "hostname y"}, StepKind.CONFIG, name="Both")
    _, run = make.job(person("acme-admin"), of, make.devices(acme, "cisco_ios", "linux"), snapshots=True)
    places = {row.platform: [step.position for step in row.plan.steps] for row in run.device_runs.all()}
    assert places == {"cisco_ios": [0, 1, 2, 3, 4], "linux": [0, 2, 3]}
    names = ["Configuration before", "Startup configuration before", "Step", "Configuration after"]
    assert headings(board(browser("acme-admin"), run)) == [*names, "Startup configuration after"]


def test_a_board_asks_no_more_for_many_devices(acme, person, browser, django_assert_max_num_queries):
    _, run = make.job(person("acme-operator"), make.template(acme), make.devices(acme))
    client = browser("acme-operator")
    with django_assert_max_num_queries(20) as asked:
        board(client, run)
    assert not any('"plan_data"' in query["sql"].split("FROM")[0] for query in asked.captured_queries)
