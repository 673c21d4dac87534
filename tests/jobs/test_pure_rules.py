"""Run statuses, outcomes, the words of an interruption, and the engine's order of events with a scripted device."""

import itertools

import pytest

from devices.domain.errors import CommandRejected, PromptTimeout
from jobs.domain.plan import PlannedStep
from jobs.domain.states import COLOURS, DEVICE_MOVES, ENDED, LABELS, OPEN, RUN_MOVES, RunStatus, may_move, outcome
from jobs.domain.step_runner import interruption, run_steps


@pytest.mark.parametrize("moves", [RUN_MOVES, DEVICE_MOVES])
@pytest.mark.parametrize("old,new", list(itertools.product(RunStatus, RunStatus)))
def test_an_ended_run_never_changes_and_no_run_goes_back(old, new, moves):
    if old in ENDED:
        assert not may_move(moves, old, new)
    again = {("waiting", "queued"), *([("running", "queued")] if moves is DEVICE_MOVES else [])}
    if may_move(moves, old, new) and new in OPEN and (old, new) not in again:
        assert list(RunStatus).index(new) > list(RunStatus).index(old)


def test_every_status_has_moves_a_label_and_a_colour():
    assert set(RUN_MOVES) - {None} == set(DEVICE_MOVES) - {None} == set(LABELS) == set(COLOURS) == set(RunStatus)


def test_every_status_is_reached_and_devices_are_never_partial():
    assert frozenset().union(*RUN_MOVES.values()) == set(RunStatus)
    assert frozenset().union(*DEVICE_MOVES.values()) == set(RunStatus) - {RunStatus.PARTIAL}


@pytest.mark.parametrize(
    "statuses,expected",
    [
        (["succeeded"] * 3, "succeeded"),
        (["failed"], "failed"),
        (["succeeded", "failed"], "partial"),
        (["succeeded", "interrupted"], "partial"),
        (["failed", "interrupted"], "interrupted"),
        (["failed", "errored"], "errored"),
        (["cancelled"], "cancelled"),
        (["cancelled", "failed"], "failed"),
        ([], "skipped"),
        (["succeeded", "cancelled"], "partial"),
    ],
)
def test_the_outcome_of_a_run(statuses, expected):
    assert outcome(statuses) == expected


@pytest.mark.parametrize(
    "intended,confirmed,words",
    [
        (0, 0, "no command that changes the device had been sent"),
        (1, 0, "command 1 'c1' was sent or about to be, its outcome is unknown; commands 2–5 never sent"),
        (
            4,
            3,
            "commands 1–3 confirmed; command 4 'c4' was sent or about to be, its outcome is unknown; "
            "command 5 never sent",
        ),
        (5, 4, "commands 1–4 confirmed; command 5 'c5' was sent"),
    ],
)
def test_an_interruption_says_what_is_known(intended, confirmed, words):
    assert words in interruption("The worker vanished", tuple(f"c{n}" for n in range(1, 6)), intended, confirmed)


class Recorder:
    def __init__(self):
        self.events = []

    def step_started(self, step):
        self.events.append(("start", step.name))

    def sending(self, step, index, command):
        self.events.append(("sending", command))

    def arriving(self, step, index, text):
        pass

    def answered(self, step, index, command, answer, rejected):
        self.events.append(("rejected" if rejected else "answered", command))

    def amended(self, text, rejected):
        self.events.append(("amended", text, rejected))

    def unsent(self):
        self.events.append(("unsent",))

    def step_ended(self, step, status, message, verdict=""):
        self.events.append(("end", step.name, status.value))


class Device:
    def __init__(self, **answers):
        self.answers, self.sent, self.late, self.remarks = answers, [], "", []

    def settle(self):
        pass

    def send(self, line, *, timeout=None, progress=None, answers=(), changes=False):
        self.sent.append(line)
        answer = self.answers.get(line, "fine\n")
        if isinstance(answer, Exception):
            raise answer
        return answer


STEPS = (
    PlannedStep(position=0, name="one", kind="config", commands=("a", "b")),
    PlannedStep(position=1, name="empty", kind="read", commands=(), timeout=30, note="nothing for it"),
    PlannedStep(position=2, name="two", kind="read", commands=("c",)),
)


def test_every_command_is_announced_before_it_is_sent_and_confirmed_after():
    device, seen = Device(), Recorder()
    assert run_steps(device, STEPS, seen).status == "succeeded"
    assert device.sent == ["a", "b", "c"]
    assert seen.events == [
        ("start", "one"),
        ("sending", "a"),
        ("answered", "a"),
        ("sending", "b"),
        ("answered", "b"),
        ("end", "one", "succeeded"),
        ("start", "empty"),
        ("end", "empty", "skipped"),
        ("start", "two"),
        ("sending", "c"),
        ("answered", "c"),
        ("end", "two", "succeeded"),
    ]


def test_after_a_rejection_nothing_more_is_sent():
    device, seen = Device(a=CommandRejected("a", "% Invalid input")), Recorder()
    result = run_steps(device, STEPS, seen)
    assert device.sent == ["a"] and result.reason == "rejected"
    assert result.message == "The device rejected 'a' in step 'one': % Invalid input. The line after it was not sent."
    assert seen.events[-1] == ("end", "one", "failed")


def test_after_silence_nothing_more_is_sent_and_the_command_is_not_confirmed():
    device, seen = Device(b=PromptTimeout("No prompt.")), Recorder()
    assert run_steps(device, STEPS, seen).reason == "timeout"
    assert device.sent == ["a", "b"] and ("answered", "b") not in seen.events
