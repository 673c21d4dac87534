"""Command texts: what they may say, what is refused with its line, and that no text can run away."""

import re
import time

import pytest

from templates_app.domain import rendering
from templates_app.domain.content import RuntimeVariable, VariableType
from templates_app.domain.rendering import MOST_OUTPUT_CHARACTERS, TemplateProblem, check_text, render
from templates_app.domain.variables import WrongValue, check_value, resolve


def test_values_conditions_and_loops_become_lines():
    text = (
        "hostname {{ name }}\n{% for v in range(10, 13) %}\nvlan {{ v }}\n{% endfor %}\n"
        "{% if ntp is defined %}ntp server {{ ntp }}{% endif %}\n\n"
    )
    assert render(text, {"name": "sw1"}) == ["hostname sw1", "vlan 10", "vlan 11", "vlan 12"]


@pytest.mark.parametrize(
    "text,line,word",
    [
        ("show ver\n{{ nam }", 2, ""),
        ("a\nb\n{% for x in y %}", 3, "endfor"),
        ("ok\n{{ missing }}", 2, "'missing' is not a variable"),
        ("{% macro m() %}x{% endmacro %}", 1, "macros"),
        ("x\n{% include 'y' %}", 2, "includes"),
        ("{{ name|attr('__class__') }}", 1, "filter 'attr'"),
        ("{{ name.__class__.mro() }}", 1, "only range()"),
        (
            "{% for a in range(2) %}{% for b in range(2) %}{% for c in range(2) %}x"
            "{% endfor %}{% endfor %}{% endfor %}",
            1,
            "two deep",
        ),
    ],
)
def test_a_mistake_is_said_with_its_line(text, line, word):
    with pytest.raises(TemplateProblem) as caught:
        check_text(text, {"name", "y"})
    assert caught.value.line == line and word in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "{{ '%1000000000s' % 'x' }}",
        "{{ 'a' * 10**9 }}",
        "{{ 2 ** 99999999 }}",
        "{% for a in range(10**9) %}x{% endfor %}",
        "{{ name.__class__ }}",
        "{% for a in range(2000) %}{% endfor %}",
        "{% for a in range(1000) %}{% for b in range(1000) %}xxxxxxxxxxxxxxxx{% endfor %}{% endfor %}",
    ],
)
def test_no_text_runs_away(text):
    started = time.monotonic()
    with pytest.raises(TemplateProblem):
        render(text, {"name": "x"})
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("text", ["", "a\n\n  b  \n", "a\rb\r\nc", "{# note #}\nno }} shut", "show {{ 'version' }}"])
def test_a_text_without_markup_becomes_the_same_lines(text, monkeypatch):
    found = render(text, {})
    monkeypatch.setattr(rendering, "MARKUP", re.compile(""))
    assert found == render(text, {})


def test_a_text_without_markup_is_bounded_too():
    with pytest.raises(TemplateProblem, match="longer than 1 MB"):
        render("x" * (MOST_OUTPUT_CHARACTERS + 1), {})


def test_a_missing_value_is_a_problem_not_an_empty_line():
    with pytest.raises(TemplateProblem, match="missing"):
        render("ntp server {{ ntp }}", {})


@pytest.mark.parametrize(
    "type,given,value",
    [
        ("text", " hello ", "hello"),
        ("integer", "-12", -12),
        ("address", "2001:DB8::1", "2001:db8::1"),
        ("boolean", "Yes", True),
        ("boolean", "off", False),
        ("choice", "b", "b"),
        ("lines", "one\r\n\r\ntwo\n", ["one", "two"]),
    ],
)
def test_values_are_typed(type, given, value):
    assert check_value(RuntimeVariable(name="v", type=VariableType(type), choices=("a", "b")), given) == value


@pytest.mark.parametrize(
    "type,given,word",
    [
        ("text", "x\nno aaa new-model", "line break"),
        ("text", "x\ry", "line break"),
        ("text", "a\x1b[2Jb", "invisible"),
        ("text", "abc\u202etxt", "invisible"),
        ("text", "", "Give a value"),
        ("integer", "1.5", "whole"),
        ("integer", "١٢", "whole"),
        ("address", "10.0.0", "IP address"),
        ("choice", "z", "Choose one of: a, b"),
        ("boolean", "maybe", "yes or no"),
        ("lines", "a\nb\x00", "Line 2"),
    ],
)
def test_wrong_values_are_refused_in_words(type, given, word):
    with pytest.raises(WrongValue, match=word):
        check_value(RuntimeVariable(name="v", type=VariableType(type), choices=("a", "b")), given)


def test_a_job_value_wins_over_the_profile_and_the_profile_over_the_default():
    variables = (
        RuntimeVariable(name="a", default="1"),
        RuntimeVariable(name="b", default="1"),
        RuntimeVariable(name="c", default="1"),
    )
    values, problems = resolve(variables, {"a": "2", "b": "2"}, {"a": "3", "b": ""})
    assert values == {"a": "3", "b": "2", "c": "1"} and not problems
