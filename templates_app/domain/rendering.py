"""Render command texts: Jinja2 in a sandbox that is small enough to be safe in-process.

Only plain values go in. Loops are at most two deep, calls and filters come from a short list, macros and includes are
refused, so that the time and the size of a rendering are bounded by the text itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, UndefinedError, meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

MOST_TEXT_CHARACTERS = 64 * 1024
MOST_OUTPUT_CHARACTERS = 1024 * 1024
MOST_LOOP_ROUNDS = 1000
FILTERS = (
    "upper",
    "lower",
    "trim",
    "join",
    "replace",
    "length",
    "first",
    "last",
    "sort",
    "unique",
    "int",
    "string",
    "default",
    "list",
)
TESTS = (
    "defined",
    "undefined",
    "none",
    "number",
    "string",
    "in",
    "eq",
    "equalto",
    "ne",
    "lt",
    "gt",
    "ge",
    "le",
    "odd",
    "even",
    "sameas",
    "true",
    "false",
)
REFUSED = (
    nodes.Macro,
    nodes.CallBlock,
    nodes.Include,
    nodes.Import,
    nodes.FromImport,
    nodes.Extends,
    nodes.Block,
    nodes.FilterBlock,
)
#: Without any of it a text renders to itself; a carriage return is an end of a line.
MARKUP = re.compile("[{\r]")
SECRET_MARK = re.compile("\u27e6secret:([a-z][a-z0-9_]*)\u27e7")


class TemplateProblem(ValueError):
    """The text is not a usable template; `line` counts from 1 (0: the text as a whole)."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(f"Line {line}: {message}" if line else message)
        self.line = line


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        if operator != "*" and not (isinstance(left, int) and isinstance(right, int) and operator == "%"):
            raise SecurityError(f"the operator {operator} is not available")
        if not (isinstance(left, int) and isinstance(right, int)):
            raise SecurityError("only numbers can be multiplied")
        return super().call_binop(context, operator, left, right)


def _range(*numbers: int) -> range:
    found = range(*numbers)
    if len(found) > MOST_LOOP_ROUNDS:
        raise SecurityError(f"a loop runs at most {MOST_LOOP_ROUNDS} times")
    return found


@lru_cache(maxsize=1)
def _environment() -> _Sandbox:
    env = _Sandbox(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)
    env.filters = {name: env.filters[name] for name in FILTERS}
    env.tests = {name: env.tests[name] for name in TESTS}
    env.globals = {"range": _range}
    return env


def check_text(text: str, known: set[str]) -> set[str]:
    """Return the variable names the text uses; TemplateProblem names the line of the first mistake."""
    if len(text) > MOST_TEXT_CHARACTERS:
        raise TemplateProblem("the text is longer than 64 KB.")
    try:
        tree = _environment().parse(text)
        _refuse(tree, 0)
        _compiled(text)
    except TemplateSyntaxError as error:
        raise TemplateProblem(f"{error.message}.", error.lineno) from None
    used = meta.find_undeclared_variables(tree) - {"range"}
    for name in sorted(used - known):
        line = next((n.lineno for n in tree.find_all(nodes.Name) if n.name == name), 0)
        raise TemplateProblem(f"'{name}' is not a variable of this template; add it or correct the name.", line)
    return used


def render(text: str, values: Mapping[str, object]) -> list[str]:
    """Return the command lines, empty ones dropped; TemplateProblem when a value is missing or the output too large."""
    try:
        pieces, size = [], 0
        for piece in _compiled(text).generate(dict(values)) if MARKUP.search(text) else [text]:
            size += len(piece)
            if size > MOST_OUTPUT_CHARACTERS:
                raise TemplateProblem("the rendered text is longer than 1 MB.")
            pieces.append(piece)
    except UndefinedError as error:
        raise TemplateProblem(f"a value is missing: {error.message}.") from None
    except SecurityError as error:
        raise TemplateProblem(f"{error}.") from None
    except (TypeError, ValueError, ArithmeticError) as error:
        if isinstance(error, TemplateProblem):
            raise
        raise TemplateProblem(f"the text cannot be rendered with these values: {error}.") from None
    return [line.rstrip() for line in "".join(pieces).split("\n") if line.strip()]


def secret_mark(name: str) -> str:
    """Return the mark that stands for a secret variable in a plan; the worker puts the value in its place."""
    return f"\u27e6secret:{name}\u27e7"


@lru_cache(maxsize=512)
def _compiled(text: str) -> Template:
    return _environment().from_string(text)


def _refuse(node: nodes.Node, depth: int) -> None:
    if isinstance(node, REFUSED):
        raise TemplateProblem("macros, blocks, imports and includes are not available here.", node.lineno)
    if isinstance(node, nodes.For):
        depth += 1
        if depth > 2 or node.recursive:
            raise TemplateProblem("loops may be nested at most two deep.", node.lineno)
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise TemplateProblem(
            f"the filter '{node.name}' is not available; use one of {', '.join(FILTERS)}.", node.lineno
        )
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        raise TemplateProblem(f"the test '{node.name}' is not available.", node.lineno)
    if isinstance(node, nodes.Call) and not (isinstance(node.node, nodes.Name) and node.node.name == "range"):
        raise TemplateProblem("only range() can be called; use filters for texts.", node.lineno)
    for child in node.iter_child_nodes():
        _refuse(child, depth)
