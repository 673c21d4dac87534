"""The judge of `make chaos` sees what it is there for: each thing is put wrong in the database, and it says so."""

import json

import pytest
from django.db import connection

from jobs.models import DeviceRun, JobRun
from tests import make
from tests.chaos import checker, world

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="the harness runs on PostgreSQL"),
]


@pytest.fixture
def run(tenant, person, wakeups):
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
    JobRun.objects.filter(pk=run.pk).update(bypass="", approval=None)
    assert list(checker._rights()) == [f"I-10 run {run.pk} changed devices by no right"]


def test_a_password_in_a_table_or_a_log_is_seen(run, tmp_path):
    DeviceRun.objects.filter(run=run).update(message="login demo-login")
    (tmp_path / "worker.log").write_text("sent demo-enable\n")
    found = list(checker._secrets(tmp_path))
    assert any("jobs_devicerun" in words for words in found) and any("worker.log" in words for words in found)


def test_a_decision_that_is_not_there_is_seen(run, person):
    _, request, digest = world.ask_for_approval([run.job])[0]
    assert list(checker._decisions([request])) == [
        f"I-11 the approval of request {request} was promised and is not there"
    ]
    world.vote(run.job_id)
    assert list(checker._decisions([request])) == []


def test_a_password_that_is_given_again_is_seen(run, tmp_path):
    log = tmp_path / "fleet.jsonl"
    row = run.device_runs.get()
    host = row.endpoint.rpartition(":")[0]
    said = [{"device": host, "login": "netops", "accepted": accepted} for accepted in (False, True, False)]
    log.write_text("".join(json.dumps(line) + "\n" for line in [*said, {"device": host, "command": "enable"}]))
    DeviceRun.objects.filter(pk=row.pk).update(token=1)
    assert list(checker._logins(checker.refused(log))) == [f"I-19 {host} refused 2 passwords in 1 device runs"]
    log.write_text(json.dumps(said[0]) + "\n")
    assert list(checker._logins(checker.refused(log))) == []


def test_a_row_of_another_tenant_is_seen(run, tenant):
    without_triggers("UPDATE jobs_devicerun SET tenant_id = %s WHERE run_id = %s", tenant("globex").pk, run.pk)
    found = list(checker._tenants())
    assert "I-16 1 rows of jobs_devicerun refer to another tenant by run_id" in found


def test_a_wrong_count_is_seen(run):
    JobRun.objects.filter(pk=run.pk).update(device_count=7)
    assert list(checker._counts()) == [f"I-20 run {run.pk} counts 7 devices and has 1"]
