"""Rows written many at a time are what the ORM would have written, in both databases."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, DataError, connection, transaction
from django.utils import timezone

from jobs.models import DeviceRun, JobRun, StepResult
from jobs.models.sql.bulk import add_rows, write_columns
from tests import make

pytestmark = pytest.mark.django_db
#: What a copy, an array or a statement could take for something of its own.
AWKWARD = 'tab\there, line\nthere, \\N, {"a": null}, "quoted", \'single\', %s, Zürich 東京 🛰, comma, NULL'


@pytest.fixture
def rows(tenant, person, wakeups):
    acme = tenant("acme")
    _, run = make.job(person("acme-operator"), make.template(acme), make.devices(acme))
    return list(run.device_runs.order_by("pk"))


def steps(row, count, **more):
    now = timezone.now()
    given = {"name": AWKWARD[:100], "kind": "read", "status": "succeeded", "message": AWKWARD, "started_at": now}
    given |= {"exchanges_sealed": bytes(range(256)), "output_size": 7, **more}
    return [StepResult(tenant_id=row.tenant_id, device_run_id=row.pk, position=n, **given) for n in range(count)]


def values(found):
    return [
        {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if not field.primary_key}
        | {"exchanges_sealed": bytes(row.exchanges_sealed)}
        for row in found
    ]


@pytest.mark.parametrize("count", [0, 1, 400])
def test_what_is_added_is_read_again(rows, count):
    made = steps(rows[0], count, ended_at=timezone.now() + timedelta(seconds=3, microseconds=4))
    add_rows(made)
    assert values(StepResult.objects.filter(device_run=rows[0]).order_by("position")) == values(made)


def test_what_only_some_rows_have_stays_with_them(rows):
    made = steps(rows[0], 3)
    made[1].ended_at = timezone.now()
    add_rows(made)
    assert [row.ended_at for row in StepResult.objects.order_by("position")] == [None, made[1].ended_at, None]


def test_a_row_of_another_tenant_is_refused(rows, tenant):
    made = steps(rows[0], 2)
    made[1].tenant = tenant("globex")
    with pytest.raises(DatabaseError), transaction.atomic():
        add_rows(made)
    assert not StepResult.objects.exists()


def test_columns_of_many_rows_are_written_each_with_its_own(rows):
    for number, row in enumerate(rows):
        row.status, row.message = ("cancelled", AWKWARD) if number % 2 else ("failed", "")
        row.ended_at, row.lease_expires_at = (timezone.now() if number % 3 else None), None
        row.intended, row.reason = number, "x" * number
    write_columns(rows, ("status", "message", "ended_at", "lease_expires_at", "intended", "snapshot_before"))
    stored = DeviceRun.objects.in_bulk([row.pk for row in rows])
    for row in rows:
        found = stored[row.pk]
        assert (found.status, found.message, found.ended_at) == (row.status, row.message, row.ended_at)
        assert (found.intended, found.reason, found.snapshot_before_id) == (row.intended, "", None)


def test_a_row_that_has_something_else_in_the_guarded_column_is_left_alone(rows):
    DeviceRun.objects.filter(pk=rows[0].pk).update(status="running")
    for row in rows:
        row.message = "written"
    assert write_columns(rows, ("message",), was=("status", ["queued"] * len(rows))) == len(rows) - 1
    assert not DeviceRun.objects.get(pk=rows[0].pk).message
    assert DeviceRun.objects.filter(message="written").count() == len(rows) - 1


def test_json_and_references_are_written_too(rows):
    run = rows[0].run
    for run.rollout, run.only in (({"canary": 1, "text": AWKWARD}, ["a"]), ({}, None)):
        write_columns([run], ("rollout", "only", "approval"))
        found = JobRun.objects.get(pk=run.pk)
        assert (found.rollout, found.only, found.approval_id) == (run.rollout, run.only, None)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite takes a text of any length.")
def test_a_text_that_is_too_long_is_not_cut(rows):
    rows[0].reason = "x" * 41
    with pytest.raises(DataError), transaction.atomic():
        write_columns(rows[:1], ("reason",))
