"""The number of queries of a list does not grow with its rows, and stays small."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from devices.models import Credential, Device, JumpHost, Network, Tenant
from jobs.models import DeviceRun
from tests import make

pytestmark = pytest.mark.django_db
LISTS = [
    "dashboard",
    "jobs",
    "runs",
    "devices",
    "networks",
    "tags",
    "agents",
    "credentials",
    "jump-hosts",
    "templates",
    "profiles",
    "approval-log",
    "filters",
    "audit",
    "calendar",
    *(
        f"api:{n}-list"
        for n in (
            "device",
            "network",
            "asset-tag",
            "credential",
            "jump-host",
            "agent",
            "service-template",
            "configuration-profile",
            "script",
            "approval",
            "job",
            "run",
            "device-run",
            "audit",
            "tenant",
            "schedule-filter",
            "snapshot",
            "notice",
            "draft",
            "trigger",
        )
    ),
]
#: Session, user, tenants of the frame, banner, notices and rights are about ten of a page's queries.
MOST, MOST_OF_API = 26, 12


def count(client, url):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


@pytest.fixture(scope="module")
def counted(shared_world):
    """The queries of each list, with few rows and with many: name → (few, many)."""
    with shared_world():
        operator, acme = make.user("acme-admin"), Tenant.objects.get(key="acme")
        make.job(operator, make.template(acme), make.devices(acme, "linux"))
        add_jump_host(acme, "first")
        client = Client()
        client.force_login(operator, backend="devices.web.sign_in.Guarded")
        few = {name: count(client, reverse(name)) for name in LISTS}
        add_rows(operator, acme)
        return {name: (few[name], count(client, reverse(name))) for name in LISTS}


def add_jump_host(tenant, name):
    credential = Credential.objects.filter(tenant=tenant).first()
    JumpHost.objects.create(tenant=tenant, name=name, host="192.0.2.1", credential=credential)


def add_rows(operator, acme):
    network = Network.objects.filter(tenant=acme).first()
    Device.objects.bulk_create(
        Device(tenant=acme, name=f"more-{i}", address=f"192.0.2.{i}", platform="linux", network=network)
        for i in range(1, 20)
    )
    for i in range(20):
        add_jump_host(acme, f"jump{i}")
    for i in range(8):
        make.job(operator, make.template(acme), make.devices(acme, "linux"), name=f"More {i}")
        make.new_template(acme, {"linux": "uname"}, name=f"More {i}")


@pytest.mark.parametrize("name", LISTS)
def test_a_list_needs_as_many_queries_for_thirty_rows_as_for_few(name, counted):
    few, many = counted[name]
    most = MOST_OF_API if name.startswith("api:") else MOST
    assert many <= few and many <= most, (few, many)


def test_a_run_page_with_many_devices_needs_few_queries(browser, person, tenant, wakeups):
    acme = tenant("acme")
    _, run = make.job(person("acme-operator"), make.template(acme), make.devices(acme))
    row = run.device_runs.first()
    plan = row.plan_data
    DeviceRun.objects.bulk_create(
        DeviceRun(tenant=acme, run=run, device_name=f"d{i}", address="192.0.2.1", platform="linux", plan_data=plan)
        for i in range(300)
    )
    assert count(browser("acme-operator"), reverse("run", args=[run.pk])) <= 24
