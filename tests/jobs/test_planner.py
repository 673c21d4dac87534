"""What a plan says to each device: steps that speak of the device are its own, all others are rendered once."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.plan import CredentialChoice, Plan, PlannedStep
from jobs.domain.planner import DeviceFacts, Planner, PlatformWords, TaskFacts
from templates_app.domain.content import RuntimeVariable, StepKind, TemplateContent, TemplateStep, VariableType

WORDS = PlatformWords(config_enter=("configure terminal",), config_leave=("end",), show_running="show running-config")
FIRST = DeviceFacts(
    id="a",
    name="sw01",
    address="192.0.2.1",
    platform="cisco_ios",
    platform_label="Cisco IOS",
    words=WORDS,
    endpoint="192.0.2.1:22",
)
SECOND = replace(FIRST, id="b", name="sw02", address="192.0.2.2", endpoint="192.0.2.2:22")
LINUX = replace(FIRST, id="c", name="web", platform="linux", platform_label="Linux", words=PlatformWords())
ANY = CredentialChoice("7", "lab", "job")


def planner(*bodies, kind=StepKind.READ, tasks=(), variables=(), values=None, snapshots=False, **more):
    steps = [TemplateStep(name=f"Step {n}", kind=kind, commands=body, **more) for n, body in enumerate(bodies)]
    content = TemplateContent(tuple(steps), tuple(variables))
    return Planner(content, dict(enumerate(tasks)), values or {}, snapshots=snapshots)


def lines(plan):
    return [step.commands for step in plan.steps]


def test_what_does_not_speak_of_the_device_is_one_step_for_all_of_a_platform():
    both = planner({"cisco_ios": "show version"}, {"cisco_ios": "show {{ device.name }}"})
    first, second = both.plan(FIRST, ANY), both.plan(SECOND, ANY)
    assert first.steps[0] is second.steps[0]
    assert (lines(first), lines(second)) == (
        [("show version",), ("show sw01",)],
        [("show version",), ("show sw02",)],
    )


def test_a_platform_has_its_own_text_and_its_own_words_around_it():
    both = planner({"cisco_ios": "hostname x", "linux": "hostname y"}, kind=StepKind.CONFIG)
    assert lines(both.plan(FIRST, ANY)) == [("configure terminal", "hostname x", "end")]
    assert lines(both.plan(LINUX, ANY)) == [("hostname y",)]


def test_a_step_keeps_its_place_where_the_one_before_it_is_left_out():
    some = planner({"cisco_ios": "show clock"}, {"cisco_ios": "show version"}, tasks=[TaskFacts(0, frozenset("a"), {})])
    first, second = some.plan(FIRST, ANY), some.plan(SECOND, ANY)
    assert [(s.position, s.commands) for s in first.steps] == [(0, ("show clock",)), (1, ("show version",))]
    assert [(s.position, s.commands) for s in second.steps] == [(1, ("show version",))]


def test_a_script_is_given_the_values_and_knows_no_device():
    name = RuntimeVariable(name="host", type=VariableType.TEXT)
    both = planner(
        {"linux": "sh -s"}, variables=[name], values={"host": "x"}, script="echo $host on device", language="SHELL"
    )
    plan = both.plan(LINUX, ANY)
    assert plan.steps[0].script == "host='x'\necho $host on device\n"


def test_a_mistake_is_each_devices_problem():
    both = planner({"cisco_ios": "show {{ missing }}"})
    problems = [both.plan(device, ANY).problem for device in (FIRST, SECOND)]
    assert problems[0] and problems[0] == problems[1]


@pytest.mark.parametrize(("credential", "snapshots"), [(None, True), (None, False), (ANY, True)])
def test_a_credential_is_missed_where_something_needs_it(credential, snapshots):
    own = [TaskFacts(0, None, {}, ANY)]
    plan = planner({"cisco_ios": "show version"}, tasks=own, snapshots=snapshots).plan(FIRST, credential)
    assert ("No credential" in plan.problem) is (credential is None and snapshots)
    assert len(plan.steps) == (3 if snapshots else 1)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=4))
def test_the_text_that_is_hashed_is_the_same_json_in_every_version(texts):
    """An approval keeps the digest of what was approved."""
    step = PlannedStep(
        position=0,
        name="Step",
        kind="config",
        commands=tuple(texts),
        note="é",
        answers=(("a?", "\u2028\x7f\x01"),),
    )
    device = replace(planner({"cisco_ios": "show version"}).plan(FIRST, ANY), steps=(step,))
    plan = Plan("3", 1, (replace(device, device="b"), device))
    body = {"template": "3", "version": 1, "devices": [device.as_json(), replace(device, device="b").as_json()]}
    assert plan.canonical().decode() == json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


NAME = RuntimeVariable(name="file", required=False)
ASKED = {"kind": StepKind.EXEC, "variables": [NAME]}


def test_answers_hold_variables_also_of_the_device():
    answers = (("filename", "{{ file }}"), ("host", "{{ device.name }}"), ("[confirm]", ""))
    both = planner({"cisco_ios": "copy a b"}, **ASKED, values={"file": "core.cfg"}, answers=answers)
    first, second = (both.plan(device, ANY).steps[0].answers for device in (FIRST, SECOND))
    assert first == (("filename", "core.cfg"), ("host", "sw01"), ("[confirm]", ""))
    assert second[1] == ("host", "sw02")


def test_an_answer_of_two_lines_is_refused():
    two = planner(
        {"cisco_ios": "copy a b"},
        kind=StepKind.EXEC,
        answers=(("filename", "{% for n in range(2) %}{{ n }}\n{% endfor %}"),),
    )
    assert "one line" in two.plan(FIRST, ANY).problem


def test_a_secret_in_an_answer_stands_as_a_mark_in_the_plan_and_makes_it_one_with_secrets():
    secret = RuntimeVariable(name="phrase", type=VariableType.SECRET, required=False)
    some = planner(
        {"cisco_ios": "crypto import"},
        kind=StepKind.EXEC,
        variables=[secret],
        values={"phrase": "stored"},
        answers=(("passphrase", "{{ phrase }}"),),
    )
    plan = some.plan(FIRST, ANY)
    assert "stored" not in str(plan.steps[0].answers) and plan.has_secrets
