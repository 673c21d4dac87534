"""A status moves by one function, by compare-and-set; the database refuses every other move."""

import itertools

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs.domain.states import ForbiddenMove, RunStatus, may_move
from jobs.models import DeviceRun, JobRun
from jobs.models.transitions import MOVES, Move, add, transition, transition_each
from tests import make

pytestmark = pytest.mark.django_db
#: How a queued row comes into each status in which it is open.
WAYS = {"queued": (), "waiting": ("waiting",), "running": ("running",)}


@pytest.fixture
def run(acme, person):
    options = {"variables": {"ntp_server": "198.51.100.7"}, "snapshots": False}
    return make.job(person("acme-operator"), make.template(acme), make.devices(acme)[:3], **options)[1]


def rows_of(model, run, *, old):
    """Return the run, or its first device run, in a status; None where a row cannot be in it."""
    rows = model.objects.filter(pk=run.pk if model is JobRun else run.device_runs.first().pk)
    ways = [(*way, old) for before, way in WAYS.items() if may_move(MOVES[model], before, old)]
    if old not in WAYS and not ways:
        return None
    for status in WAYS.get(old) if old in WAYS else ways[0]:
        rows.update(status=status)
    return rows


@pytest.mark.parametrize("model", [JobRun, DeviceRun])
def test_the_database_lets_a_status_move_as_the_table_says_and_no_other_way(run, model):
    for old, new in itertools.product(RunStatus, RunStatus):
        with transaction.atomic():
            rows = rows_of(model, run, old=old)
            if rows is None:
                assert (model, old) == (DeviceRun, "partial")
            elif old == new or may_move(MOVES[model], old, new):
                assert rows.update(status=new) == 1
            else:
                with pytest.raises(IntegrityError, match="must not move"), transaction.atomic():
                    rows.update(status=new)
            transaction.set_rollback(True)


@pytest.mark.parametrize("model", [JobRun, DeviceRun])
def test_the_function_moves_as_the_table_says_and_no_other_way(run, model):
    for old, new in itertools.product(RunStatus, RunStatus):
        with transaction.atomic():
            rows = rows_of(model, run, old=old)
            if rows is not None and may_move(MOVES[model], old, new):
                assert transition(rows, of=[old], to=new) == {rows.get().pk} and rows.get().status == new
            elif rows is not None:
                with pytest.raises(ForbiddenMove):
                    transition(rows, of=[old], to=new)
                if old != new:
                    with pytest.raises(ForbiddenMove):
                        transition_each([Move(rows.get(), old, new)], ())
            transaction.set_rollback(True)


def test_rows_in_another_status_or_with_another_token_are_left_alone(run):
    first, second, third = run.device_runs.order_by("pk")
    DeviceRun.objects.filter(pk=second.pk).update(status="running", token=7)
    with CaptureQueriesContext(transaction.get_connection()) as asked:
        moved = transition(run.device_runs.all(), of=["queued"], to="cancelled", reason="x", ended_at=timezone.now())
    assert moved == {first.pk, third.pk} and len(asked) == 1
    mine = DeviceRun.objects.filter(pk=second.pk)
    assert not transition(mine.filter(token=6), of=["running"], to="succeeded", token=F("token") + 1)
    assert transition(mine.filter(token=7), of=["running"], to="succeeded", token=F("token") + 1) == {second.pk}
    assert list(mine.values_list("status", "token")) == [("succeeded", 8)]
    assert transition(DeviceRun.objects.filter(pk__in=[]), of=["queued"], to="running") == set()


def test_many_rows_move_each_with_its_own_columns_and_one_that_moved_meanwhile_is_noticed(run):
    rows = list(run.device_runs.order_by("pk"))
    for row in rows:
        row.message = f"said {row.pk}"
    ends = [RunStatus.CANCELLED, RunStatus.SKIPPED, RunStatus.FAILED]
    moves = [Move(row, RunStatus.QUEUED, end) for row, end in zip(rows, ends, strict=True)]
    transition_each(moves, ("message",))
    stored = list(run.device_runs.order_by("pk").values_list("status", "message"))
    assert stored == [(end.value, f"said {row.pk}") for row, end in zip(rows, ends, strict=True)]
    assert [row.status for row in rows] == ends
    with pytest.raises(ForbiddenMove, match="somebody else"), transaction.atomic():
        transition_each(moves, ("message",))


def test_a_row_begins_in_a_status_that_one_may_begin_in(run):
    (first, *_) = run.device_runs.all()
    row = DeviceRun(tenant_id=first.tenant_id, run=run, device_name="new", address="", platform="linux", plan_data={})
    row.status = RunStatus.SUCCEEDED
    with pytest.raises(ForbiddenMove):
        add([row])
    row.status = RunStatus.FAILED
    add([row])
    assert run.device_runs.filter(device_name="new", status="failed").exists()
