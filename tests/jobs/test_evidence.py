"""What a run shows of the configurations around it: read or not, and why; what is a warning; how long it is told."""

import itertools
import json
import re

import pytest
from django.urls import reverse
from django.utils import timezone

from devices.domain.masking import masker_of
from devices.services.snapshots import Content, keep_snapshots
from jobs import selectors
from jobs.domain import endings, evidence
from jobs.domain.evidence import Ending
from jobs.domain.plan import SNAPSHOTS
from jobs.domain.states import CHOICES, RunStatus
from jobs.domain.step_runner import DeviceResult, run_steps
from jobs.models import DeviceRun, JobRun, StepResult
from jobs.results import notifications
from jobs.results.transcripts import transcript
from jobs.worker import completion
from jobs.worker.journal import Journal
from tests import make

pytestmark = pytest.mark.django_db
KEEPS = tuple(SNAPSHOTS)
NOT_WHOLE = "The configuration of step 'X' ended without its end mark; it is not stored."
OLD, NEW = "hostname sw1\nend\n", "hostname sw1\nntp server 192.0.2.1\nend\n"


@pytest.fixture
def changed(acme, person):
    """Return a run of a change on one device, as it stands before it is worked on."""
    devices = make.devices(acme, "cisco_ios")
    _, run = make.job(
        person("acme-admin"), make.template(acme, "Set NTP server"), devices, variables={"ntp_server": "192.0.2.1"}
    )
    return run


def ended(run, *, read=(), failed=(), status="succeeded", reason="", message="", texts=(OLD, NEW)):
    """End the run's device: of the configurations (`keep`), some were read, some failed to be, others had no turn."""
    row, now = run.device_runs.get(), timezone.now()
    for step in row.plan.steps:
        if step.keep in (*read, *failed) or not step.keep:
            ends = {"status": "failed", "message": NOT_WHOLE} if step.keep in failed else {"status": "succeeded"}
            make.step(
                row, [], position=step.position, name=step.name, kind=step.kind, started_at=now, ended_at=now, **ends
            )
    contents = [Content(row.tenant_id, row.device, texts[keep.endswith("after")], "a test", "running") for keep in read]
    columns = {
        (keep if keep.startswith("startup") else f"snapshot_{keep}"): snapshot
        for keep, snapshot in zip(read, keep_snapshots(contents, taken_at=now), strict=True)
    }
    rows = DeviceRun.objects.filter(pk=row.pk)
    make.end(rows, status, reason=reason, message=message, started_at=now, ended_at=now, **columns)
    JobRun.objects.filter(pk=run.pk, status="queued").update(status="running", started_at=now)
    completion.complete([run.pk])
    run.refresh_from_db()
    return rows.get()


def page(client, row):
    text = client.get(reverse("device-run", args=[row.run_id, row.pk])).content.decode()
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("read", [r for n in range(5) for r in itertools.combinations(KEEPS, n)])
def test_what_was_not_read_is_never_no_difference(changed, browser, api, read):
    row = ended(changed, read=read, failed=[keep for keep in KEEPS if keep not in read], texts=(OLD, OLD))
    shown, found = page(browser("acme-admin"), row), api("acme-admin").get(f"/api/v1/device-runs/{row.pk}/diff/").json()
    pairs = [("unified", "before", "after"), ("startup", "startup_before", "startup_after")]
    both = [name for name, *pair in pairs if {*pair} <= {*read}]
    assert shown.count("The run changed nothing in it.") == len(both)
    assert shown.count("so nothing is compared.") == 2 - len(both)
    assert [name for name, *_ in pairs if found[name] == []] == both
    assert [name for name, *_ in pairs if found[name] is None] == [name for name, *_ in pairs if name not in both]
    told = {one["which"]: one for one in found["configurations"]}
    assert set(told) == set(KEEPS)
    for keep, one in told.items():
        assert one["read"] == (keep in read) == bool(one["snapshot"]) == bool(one["read_at"])
        assert one["why_not"] == ("" if keep in read else NOT_WHOLE)
    offered = [pair for _, *pair in pairs if len({*pair} & {*read}) == 1]
    assert shown.count("<summary>") == len(offered), "the one that was read can be read"


def test_the_one_that_was_read_is_shown_with_its_secrets_hidden(changed, browser):
    texts = (OLD, "snmp-server community s3cret RO\nend\n")
    shown = page(browser("acme-admin"), ended(changed, read=["after"], failed=["before"], texts=texts))
    assert "The configuration before was not read, so nothing is compared. " in shown
    assert "Configuration after, read" in shown and "snmp-server community *** RO" in shown and "s3cret" not in shown


def test_why_is_said_of_each_way_not_to_have_read():
    over, done = Ending("failed", "rejected"), Ending("succeeded")
    why = evidence.why_not_read
    assert why(Ending("running"), planned=True, step=None) == "The device run has not ended yet."
    assert why(over, planned=False, step=None) == "The job did not ask for it."
    assert "before its turn came" in why(over, planned=True, step=None)
    assert why(over, planned=True, step=Ending("failed", message=NOT_WHOLE)) == NOT_WHOLE
    assert "no longer kept" in why(done, planned=True, step=done)
    for status, planned, step in itertools.product(RunStatus, (True, False), (None, *(Ending(s) for s in RunStatus))):
        assert why(Ending(status), planned=planned, step=step).endswith("."), "never nothing"


@pytest.mark.parametrize(
    "status,reason,now",
    [
        ("succeeded", "", False),
        ("failed", "checks_failed", False),
        ("failed", "rejected", True),
        ("failed", "not_confirmed", True),
        ("failed", "echo_missing", True),
        ("interrupted", "session_lost", True),
        ("failed", "timeout", True),
    ],
)
def test_what_was_read_after_a_refusal_is_what_is_on_it_now(changed, browser, api, status, reason, now):
    message = "" if status == "succeeded" else "The device rejected a line."
    row = ended(changed, read=["before", "after"], status=status, reason=reason, message=message)
    shown = page(browser("acme-admin"), row)
    heading = f"Configuration before → {'what is on it now' if now else 'after'}"
    assert f"<h3>{heading}</h3>" in shown and "+ntp server 192.0.2.1" in shown
    assert ("this is what was on" in shown) == now
    found = api("acme-admin").get(f"/api/v1/device-runs/{row.pk}/diff/").json()
    assert found["headings"][0].startswith(heading) and "+ntp server 192.0.2.1" in found["unified"]


def test_a_mail_names_the_device_that_was_not_read(changed):
    row = ended(changed, read=["before"], failed=["after"], message="It could not be read afterwards.")
    changed.refresh_from_db()
    told = notifications._differences(changed)
    assert f"{row.device_name}:\nThe configuration after was not read, so nothing is compared. {NOT_WHOLE}" in told


def test_a_line_of_a_mail_has_an_end(changed):
    ended(changed, read=["before", "after"], texts=(OLD, OLD + "x" * 100_000))
    changed.refresh_from_db()
    assert len(notifications._differences(changed)) < 3_000


@pytest.mark.parametrize("status", RunStatus)
@pytest.mark.parametrize("text", ["", "It could not be read afterwards."])
def test_a_success_with_a_text_is_one_with_a_warning_wherever_it_is_told(status, text):
    warned = status == "succeeded" and bool(text)
    assert endings.has_warning(status, text) == warned
    assert endings.label(status, text) == ("Succeeded, with a warning" if warned else dict(CHOICES)[status])
    assert (endings.colour(status, text) == "ok") == (status == "succeeded" and not text)
    assert DeviceRun(status=status, message=text).warning == JobRun(status=status, reason=text).warning == warned
    assert JobRun(status=status, reason=text).label == endings.label(status, text)


def test_a_warning_is_seen_on_every_face(changed, browser, api, person):
    row = ended(changed, read=["before"], failed=["after"], message="It could not be read afterwards.")
    name, client, words = row.device_name, browser("acme-admin"), endings.WITH_WARNING
    assert (changed.status, changed.reason) == ("succeeded", f"with a warning: {name}")
    for address in (
        reverse("device-run", args=[changed.pk, row.pk]),
        reverse("run-board", args=[changed.pk]),
        reverse("run", args=[changed.pk]),
        reverse("runs"),
        reverse("dashboard"),
        reverse("calendar"),
    ):
        assert words in client.get(address).content.decode(), address
    chips = client.get(reverse("run-board", args=[changed.pk]) + "?only=warning").content.decode()
    assert f"{words} 1" in re.sub(r"\s+", " ", chips) and name in chips
    event = notifications._event(notifications.RunEvent(changed, "completed"), [])
    assert words in event.subject and words in event.text and f"with a warning: {name}" in event.text
    found = api("acme-admin")
    assert found.get(f"/api/v1/runs/{changed.pk}/").json()["warning"] is True
    assert found.get(f"/api/v1/device-runs/{row.pk}/").json()["warning"] is True
    for kind, pk in (("runs", changed.pk), ("device-runs", row.pk)):
        for wanted in (True, False):
            rows = found.get(f"/api/v1/{kind}/?warning={json.dumps(wanted)}&page_size=500").json()["results"]
            assert (pk in [one["id"] for one in rows]) == wanted and {one["warning"] for one in rows} <= {wanted}
    narrowed = client.get(reverse("runs") + "?status=warning").content.decode()
    assert changed.job_name in narrowed and narrowed.count(words) >= 1


def test_the_database_and_the_rule_know_the_same_warnings(changed):
    row = changed.device_runs.get()
    for status, text in itertools.product(RunStatus, ("", "x")):
        DeviceRun(status=status, message=text)
        for wanted in (True, False):
            query = str(selectors.with_warning(DeviceRun.objects.filter(pk=row.pk), wanted).query)
            assert "succeeded" in query and "message" in query
    ended(changed, read=["before", "after"])
    assert not selectors.with_warning(DeviceRun.objects.filter(pk=row.pk)).exists()
    assert selectors.with_warning(DeviceRun.objects.filter(pk=row.pk), False).exists()
    assert changed.reason == "" and not changed.warning and changed.label == "Succeeded"


def test_a_configuration_that_was_not_read_does_not_read_as_a_failed_device(changed, browser, api):
    row = ended(changed, read=["before"], failed=["after"], message="It could not be read afterwards.")
    shown = page(browser("acme-admin"), row)
    assert "pill-fail" not in shown and 'data-status="failed"' in shown and "Not read" in shown
    board = browser("acme-admin").get(reverse("run-board", args=[changed.pk])).content.decode()
    assert "Configuration after: Not read" in board and "dot-fail" not in board
    assert f"### Configuration after: not read. {NOT_WHOLE}" in transcript(row.steps.all())
    steps = api("acme-admin").get(f"/api/v1/device-runs/{row.pk}/").json()["steps"]
    assert {s["name"]: s["outcome"] for s in steps}["Configuration after"] == "Not read"


IOS = "Load for five secs: 1%/0%; one minute: {0}%; five minutes: 2%\nntp clock-period 171798{0}\nhostname sw1\nend\n"


def test_ignored_lines_are_counted_folded_and_can_be_shown(changed, browser, api):
    row = ended(changed, read=["before", "after"], texts=(IOS.format(11), IOS.format(22)))
    client, address = browser("acme-admin"), reverse("device-run", args=[row.run_id, row.pk])
    shown = page(client, row)
    assert "The run changed nothing in it." in shown and "4 ignored lines, which change by themselves" in shown
    assert "+ntp clock-period 17179822" in shown and "Show ignored lines" in shown
    switched = client.get(address + "?ignored=show").content.decode()
    assert "Hide ignored lines" in switched and "changed nothing" not in switched
    found = api("acme-admin").get(f"/api/v1/device-runs/{row.pk}/diff/").json()
    assert found["unified"] == [] and "-ntp clock-period 17179811" in found["ignored"] and len(found["ignored"]) == 4
    found = api("acme-admin").get(f"/api/v1/device-runs/{row.pk}/diff/?ignored=show").json()
    assert "+ntp clock-period 17179822" in found["unified"] and found["ignored"] == []
    assert api("acme-admin").get(f"/api/v1/device-runs/{row.pk}/diff/?ignored=x").status_code == 400
    old, new = row.snapshot_before_id, row.snapshot_after_id
    for query, words in (("", "The two configurations are equal."), ("&ignored=show", "+ntp clock-period 17179822")):
        answer = client.get(reverse("device", args=[row.device_id]) + f"?a={old}&b={new}{query}").content.decode()
        assert words in answer and "gnored lines" in answer
        answer = api("acme-admin").get(f"/api/v1/snapshots/{new}/diff/?other={old}{query}").json()
        assert bool(answer["unified"]) == bool(query) and len(answer["ignored"]) == (0 if query else 4)


SENTENCE = "The device rejected 'x' in step 'y': "


def test_a_message_is_cut_at_a_word_and_keeps_what_it_means():
    end = " The 3 lines after it were not sent. The change is not in the startup configuration."
    found = endings.capped(SENTENCE + "word " * 1000 + "over." + end)
    assert len(found) <= endings.MOST_MESSAGE
    assert found.startswith(SENTENCE + "word word") and " word … (the transcript has all of it)" in found
    assert found.endswith(end)
    plain = endings.capped("word " * 1000)
    assert plain.endswith("word … (the transcript has all of it)") and len(plain) <= endings.MOST_MESSAGE
    assert endings.capped("x" * 600) == "x" * 600 and len(endings.capped("x" * 601)) <= 600
    for n in range(560, 700):
        assert len(endings.capped("ab " * n)) <= endings.MOST_MESSAGE


class Everybody:
    """Knows one secret of the tenant."""

    def __init__(self, secret):
        self.masker = masker_of(frozenset([secret]))

    def of(self, device, tenant_id):
        return self.masker


def test_a_secret_at_the_cut_is_hidden_before_it_is_cut(changed):
    secret = "tiny correct-Horse&7 oak"  # cut between its words, what is left is too short to be known
    journal = Journal(changed.device_runs.get())
    for n in range(300, 640):
        told = journal.told("a" * n + " " + secret + " tail of it. " * 40, Everybody(secret))
        assert len(told) <= endings.MOST_MESSAGE
        assert not any(part in told for part in ("tiny", "Horse", " oak")), (n, told)


def test_five_megabytes_make_no_long_message_and_no_long_wait(changed):
    said = "the device says much more than anybody reads " * 120_000
    result = DeviceResult(
        RunStatus.FAILED, "rejected", f"{SENTENCE}{endings.quoted(said)}. The line after was not sent."
    )
    assert len(result.message) < 5_000
    journal, maskers = Journal(changed.device_runs.get()), Everybody("correct-Horse&7-battery")
    step = changed.device_runs.get().plan.steps[0]
    journal.step_started(step)
    journal.step_ended(step, RunStatus.FAILED, said)
    told = [journal.told(result.message, maskers), *(row.message for row in journal.take_rows(maskers))]
    assert [len(text) <= endings.MOST_MESSAGE for text in told] == [True, True]
    assert told[0].endswith("The line after was not sent.") and endings.CUT in told[0]
    assert StepResult.objects.count() == 0


def test_a_run_that_is_refused_in_its_middle_shows_what_is_on_it_now(tmp_path, tenant, person, browser, wakeups):
    with make.fleet(tmp_path, "acme") as (faults, _):
        device = make.devices(tenant("acme"), "cisco_ios")[0]
        faults(**{device.name: {"reject": "ntp server 198.51.100.9"}})
        lines = "logging host 198.51.100.8\nntp server 198.51.100.9\nlogging host 198.51.100.7"
        of = make.new_template(tenant("acme"), {"cisco_ios": lines}, kind="config")
        _, run = make.job(person("acme-admin"), of, [device])
        row = make.finish(run).device_runs.get()
    assert (row.status, row.reason) == ("failed", "rejected")
    shown = page(browser("acme-admin"), row)
    assert "Configuration before → what is on it now" in shown and "The device refused a line in the middle" in shown
    assert "+logging host 198.51.100.8" in shown and "+logging host 198.51.100.7" not in shown


def test_a_device_that_refuses_to_be_read_is_changed_with_a_warning(tmp_path, tenant, person, browser, wakeups):
    with make.fleet(tmp_path, "acme") as (faults, executed):
        device = make.devices(tenant("acme"), "cisco_ios")[0]
        faults(**{device.name: {"reject": "show running"}})
        of = make.new_template(tenant("acme"), {"cisco_ios": "ntp server 198.51.100.9"}, kind="config")
        _, run = make.job(person("acme-admin"), of, [device])
        row = make.finish(run).device_runs.get()
        assert executed(device).count("ntp server 198.51.100.9") == 1
    assert row.warning and run.warning and run.reason == f"with a warning: {device.name}"
    shown = page(browser("acme-admin"), row)
    assert "Neither configuration was read, so nothing is compared." in shown and "changed nothing in it" in shown
    assert endings.WITH_WARNING in shown


def test_a_device_that_shows_nothing_was_not_read(changed):
    """An empty configuration beside an empty one would look like no difference."""
    step = next(step for step in changed.device_runs.get().plan.steps if step.keep == "before")
    ends = []

    class Silent:
        late, remarks = "", []

        def send(self, line, **given):
            return "\n"

        def settle(self):
            pass

    class Recorder(Journal):
        def step_ended(self, step, status, message, verdict=""):
            ends.append((status, message))

    journal = Recorder(changed.device_runs.get())
    session = Silent()
    assert run_steps(session, (step,), journal).status == "succeeded"
    assert not journal.snapshots and ends == [("failed", session.remarks[0])] and "showed nothing" in ends[0][1]
