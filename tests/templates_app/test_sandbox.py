"""No text can take time or memory without limit: every filter, test, operator and loop is tried with large values."""

import resource
import time
from contextlib import contextmanager, suppress

import pytest
from jinja2 import nodes

from templates_app.domain import rendering
from templates_app.domain.rendering import MOST_STEPS, Renderer, TemplateProblem, TooMuchWork, check_text, render
from templates_app.domain.sandbox import ADMITTED, FILTERS, TESTS

BIG = "a" * 1_000_000
VALUES = {
    "name": "x" * 50,
    "big": BIG,
    "spaces": " " * 1_000_000,
    "lines": [f"line {n}" for n in range(5000)],
    "n": 7,
}
OPERATORS = ("+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", ">=", "in", "not in", "and", "or")
#: At most so long may one text take on a machine that has other things to do.
MOST_SECONDS = 3.0
MOST_MEMORY = 700 * 2**20


@contextmanager
def little_memory():
    """Let the process take only so much more."""
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + MOST_MEMORY, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def spin(text):
    """Render; return the problem, or nothing. It takes neither time nor memory."""
    with little_memory():
        started, problem = time.thread_time(), ""
        try:
            render(text, VALUES)
        except TemplateProblem as error:
            problem = str(error)
        assert time.thread_time() - started < MOST_SECONDS, text[:200]
    assert not problem.endswith(": ."), f"out of memory: {text[:200]}"
    assert len(problem) < 600
    return problem


def twice(body):
    return "{% for i in range(1000) %}{% for j in range(1000) %}" + body + "{% endfor %}{% endfor %}"


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("value", ["big", "lines"])
def test_no_filter_runs_away(name, value):
    for given in ("", "(big)", "('', big)"):
        spin(twice(f"{{% set x = {value}|{name}{given} %}}"))
        spin("{% set x = " + value + f"|{name}{given}" * 40 + " %}")


@pytest.mark.parametrize("name", TESTS)
def test_no_test_runs_away(name):
    for value in ("big", "lines"):
        for given in ("", "(lines)", "(big ~ 'b')"):
            spin(twice(f"{{% if {value} is {name}{given} %}}{{% endif %}}"))


@pytest.mark.parametrize("sign", OPERATORS)
def test_no_operator_runs_away(sign):
    for left in ("lines", "'b'"):
        for right in ("big", "lines", "n"):
            spin(twice(f"{{% if ({left} {sign} {right}) %}}{{% endif %}}"))
    for first in ("'xxxxxxxx'", "99999999", "[1]", "(1, 2)"):
        spin(f"{{% set a = {first} %}}" + f"{{% set a = a {sign} a %}}" * 200 + "{{ a }}")


@pytest.mark.parametrize(
    "text",
    [
        "{% for a in big %}{% for b in big %}{% endfor %}{% endfor %}",
        "{% for a in lines %}{% for b in lines %}{% if a == b %}x{% endif %}{% endfor %}{% endfor %}",
        "{% for a in lines if big ~ 'x' == big %}x{% endfor %}" * 500,
        twice("{{ n }}" * 8000),
        twice("{% if n %}{% endif %}" * 3000),
        twice("{{ loop.length }}{{ loop.last }}{{ loop.nextitem }}"),
        twice("x" * 60_000),
        twice("{% set x %}" + "x" * 60_000 + "{% endset %}"),
        twice("{% if big[::-1] %}{% endif %}"),
        twice("{% with a = big ~ n %}{% endwith %}"),
        twice("{{ '' if big ~ n else '' }}"),
        "{% set a = 'xxxxxxxx' %}" + "{% set a %}{{ a }}{{ a }}{% endset %}" * 200,
        "{% set a = 'xxxxxxxx' %}" + "{% set a %}{% for i in range(1000) %}{{ a }}{% endfor %}{% endset %}" * 9,
        "{% set a = [1] %}" + "{% set a = [a, a] %}" * 60 + "{{ a }}",
        "{% set a = [1] %}{% set b = [1] %}" + "{% set a = [a, a] %}{% set b = [b, b] %}" * 60 + "{{ a == b }}",
        "{% set a = {1: 1} %}" + "{% set a = {1: a, 2: a} %}" * 60 + "{{ a }}",
        "{% set a = (1, 2) %}" + "{% set a = (a, a) %}" * 60 + "{{ {a: 1} }}",
        "{% set a = [1] %}" + "{% set a = [a] %}" * 2500 + "{{ a }}",
        "{{ ('0x' ~ big)|int(0, 16) * 3 }}",
        "{{ " + "(" * 20_000 + "1" + ")" * 20_000 + " }}",
        "{{ " + "[" * 20_000 + "]" * 20_000 + " }}",
        "{{ " + "not " * 15_000 + "1 }}",
        "{{ " + "-" * 60_000 + "1 }}",
        "{{ n" + "+ n" * 20_000 + " }}",
        "{{ n" + "|string" * 9000 + " }}",
        "{{ name" + ".x" * 20_000 + " }}",
        "{% if n %}" * 3000 + "{% endif %}" * 3000,
        "{{ " + "9" * 60_000 + " }}",
        "{{ '\ud800' }}",
        "{{ name.upper }}",
        "{% for a in range(3) %}{{ loop }}{% endfor %}",
        "{% set name.x = 1 %}",
        "{% set a, b = big %}",
        "{{ lines[big] }}",
        "{{ {'a': 1}[lines] }}",
        "{{ n // 0 }}",
        "{{ lines|sort(attribute=big) }}",
        "{% for a in n %}{% endfor %}",
        "{% for a in name.upper %}{% endfor %}",
    ],
)
def test_whatever_a_text_does_it_ends_as_a_problem_in_words(text):
    assert spin(text) or not text.startswith("{%")


@pytest.mark.parametrize(
    "piece", ["{", "{{", "{%", "{#", "{{ '", "{% raw %}", " ", "\n", "-%}", "{{x}}", "{%if x%}", "%}"]
)
def test_no_text_keeps_the_compiler_busy(piece):
    text = (piece * 70_000)[:64_000]
    for given in (text, "{{ n }}" + text):
        started = time.thread_time()
        with suppress(TemplateProblem):
            check_text(given, {"n", "x"})
        assert time.thread_time() - started < MOST_SECONDS * 2, piece


def test_whatever_jinja_knows_beside_what_is_admitted_is_refused():
    """What a later Jinja adds is refused until somebody has thought about what it costs."""
    known = {kind for kind in vars(nodes).values() if isinstance(kind, type) and issubclass(kind, nodes.Node)}
    assert known > ADMITTED and not ADMITTED & {nodes.Macro, nodes.CallBlock, nodes.Include, nodes.Import, nodes.Pow}
    for text in ("{% macro m() %}{% endmacro %}", "{% block b %}{% endblock %}", "{% filter upper %}a{% endfilter %}"):
        with pytest.raises(TemplateProblem, match="not available"):
            check_text(text, set())


def test_what_people_write_is_far_from_any_limit():
    vlans = [str(n) for n in range(2, 4095)]
    text = "{% for v in vlans %}\nvlan {{ v }}\n name V{{ v ~ '' }}\n{% if v in few %}\nx\n{% endif %}\n{% endfor %}"
    renderer = Renderer()
    assert len(renderer.render(text, {"vlans": vlans, "few": vlans[:40]})) == 2 * 4093 + 40
    assert rendering.MOST_PLAN_STEPS - renderer.left.steps < MOST_STEPS / 4


def test_all_texts_of_a_plan_share_one_allowance():
    text = "{% for i in range(1000) %}{% for j in range(400) %}{% endfor %}{% endfor %}"
    renderer, started = Renderer(), time.thread_time()
    with pytest.raises(TooMuchWork):
        for _ in range(1000):
            renderer.render(text, {})
    assert time.thread_time() - started < 10
    with pytest.raises(TooMuchWork):
        renderer.render("{{ 1 }}", {})


def test_a_text_that_needs_too_much_leaves_others_their_part():
    renderer = Renderer()
    with pytest.raises(TemplateProblem, match="too many steps"):
        renderer.render(twice(""), {})
    assert renderer.left.steps >= rendering.MOST_PLAN_STEPS - MOST_STEPS
    assert renderer.render("{{ 1 }}", {}) == ["1"]


def test_what_was_rendered_once_takes_nothing_and_a_changed_value_is_seen():
    renderer = Renderer(remembers=True)
    first = renderer.render("{{ n }} {{ m }}", {"n": 1, "m": "2"})
    problem = twice("")
    with pytest.raises(TemplateProblem):
        renderer.render(problem, {})
    renderer.allow(0)
    assert renderer.render("{{ n }} {{ m }}", {"n": 1, "m": "2"}) is first
    with pytest.raises(TemplateProblem, match="too many steps"):
        renderer.render(problem, {})
    for other in ({"n": "1", "m": "2"}, {"n": 1, "m": 2}):
        with pytest.raises(TooMuchWork):
            renderer.render("{{ n }} {{ m }}", other)
