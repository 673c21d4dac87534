"""The judge of `make chaos` sees what it is there for: each thing is put wrong in the database, and it says so."""

import pytest
from django.db import connection

from jobs.models import DeviceRun, JobRun
from tests import make
from tests.chaos import checker

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="the harness runs on PostgreSQL"),
]


@pytest.fixture
def run(tenant, person, hints):
    made = make.template(tenant("acme"), "Set NTP server")
    _, run = make.job(
        person("acme-admin"), made, make.devices(tenant("acme"), "cisco_ios"), variables={"ntp_server": "198.51.100.9"}
    )
    DeviceRun.objects.filter(run=run).update(intended=3, confirmed=3)
    return run


def without_triggers(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(statement, values)
        cursor.execute("SET session_replication_role = DEFAULT")


def test_nothing_is_wrong_at_first(run, tmp_path):
    assert [*checker._rights(), *checker._secrets(tmp_path), *checker._tenants(), *checker._counts()] == []


def test_a_change_by_no_right_is_seen(run):
    JobRun.objects.filter(pk=run.pk).update(approval_note="")
    assert list(checker._rights()) == [f"I-10 run {run.pk} changed devices by no right"]


def test_a_password_in_a_table_or_a_log_is_seen(run, tmp_path):
    DeviceRun.objects.filter(run=run).update(message="login demo-login")
    (tmp_path / "worker.log").write_text("sent demo-enable\n")
    found = list(checker._secrets(tmp_path))
    assert any("jobs_devicerun" in words for words in found) and any("worker.log" in words for words in found)


def test_a_row_of_another_tenant_is_seen(run, tenant):
    without_triggers("UPDATE jobs_devicerun SET tenant_id = %s WHERE run_id = %s", tenant("globex").pk, run.pk)
    found = list(checker._tenants())
    assert "I-16 1 rows of jobs_devicerun refer to another tenant by run_id" in found


def test_a_wrong_count_is_seen(run):
    JobRun.objects.filter(pk=run.pk).update(device_count=7)
    assert list(checker._counts()) == [f"I-20 run {run.pk} counts 7 devices and has 1"]
