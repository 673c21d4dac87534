"""The sandbox of command texts: every loop, and everything that can grow, is paid for before it happens.

A text is compiled with a toll at each such place (`_Tolls`), so that time and memory are bounded by an `Allowance` and
not by the text. What a rendering may cost is counted, not timed: the same text with the same values comes to the same
end on a busy machine and on an idle one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple, cast

from jinja2 import StrictUndefined, Template, nodes
from jinja2.exceptions import SecurityError, TemplateSyntaxError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from templates_app.domain.allowance import (
    CHARACTERS_PER_STEP,
    MOST_VALUE_CHARACTERS,
    Overspent,
    joined,
    numbers,
    paid,
    paid_value,
    paying_filter,
    rounds,
    shown,
)

#: The platforms' and people's texts need no more; each is paid for by what it takes and by what it gives.
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
#: All that a text may be made of; whatever else Jinja knows, or will know, is refused.
ADMITTED: frozenset[type[nodes.Node]] = frozenset(
    {
        nodes.Add,
        nodes.And,
        nodes.Assign,
        nodes.AssignBlock,
        nodes.Call,
        nodes.Compare,
        nodes.Concat,
        nodes.CondExpr,
        nodes.Const,
        nodes.Dict,
        nodes.Div,
        nodes.Filter,
        nodes.FloorDiv,
        nodes.For,
        nodes.Getattr,
        nodes.Getitem,
        nodes.If,
        nodes.Keyword,
        nodes.List,
        nodes.Mod,
        nodes.Mul,
        nodes.Name,
        nodes.Neg,
        nodes.Not,
        nodes.Operand,
        nodes.Or,
        nodes.Output,
        nodes.Pair,
        nodes.Pos,
        nodes.Slice,
        nodes.Sub,
        nodes.Template,
        nodes.TemplateData,
        nodes.Test,
        nodes.Tuple,
        nodes.With,
    }
)
#: The tolls, as filters whose names no text can say.
LOOP = "toll of a loop"
VALUE = "toll of a value"
TEXT = "toll of a text"


class Compiled(NamedTuple):
    """A text ready to be rendered; `steps` and `characters` are what it costs without the rounds of its loops."""

    template: Template
    steps: int
    characters: int


@lru_cache(maxsize=512)
def compiled(text: str) -> Compiled:
    """Compile a text; TemplateSyntaxError where it is none."""
    try:
        tree = environment().parse(text)
        return Compiled(environment().from_string(tree), *_cost(tree.body))
    except (RecursionError, MemoryError, SyntaxError, ValueError, AssertionError):
        # What Python's own compiler says of a text that is nested too deep, or of a number too long.
        raise TemplateSyntaxError("The text is nested too deep, or a number in it is too long", 1) from None


@lru_cache(maxsize=1)
def environment() -> _Sandbox:
    """Return the one sandbox."""
    # Nothing is computed while compiling: there is no allowance then.
    env = _Sandbox(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
        optimized=False,
        finalize=shown,
    )
    env.filters = {name: paying_filter(name, env.filters[name]) for name in FILTERS}
    env.filters |= {LOOP: rounds, VALUE: paid_value, TEXT: joined}
    env.tests = {name: env.tests[name] for name in TESTS}
    env.globals = {"range": numbers}
    return env


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        _refuse(tree, 0)
        return cast(nodes.Template, _Tolls().visit(tree))

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        if operator in ("*", "%") and not (isinstance(left, int) and isinstance(right, int)):
            raise SecurityError("only numbers can be multiplied or divided")
        if paid(left) + paid(right) > MOST_VALUE_CHARACTERS:
            raise Overspent("a value becomes too large")
        return paid_value(super().call_binop(context, operator, left, right))


class _Tolls(NodeTransformer):
    """Puts a toll at each place where a text can spend time or memory that is not in its own length."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        parts = [*node.body, *node.else_, *([node.test] if node.test else [])]
        node.iter = _toll(LOOP, node.iter, *_cost(parts))
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _toll(TEXT, nodes.List(node.nodes, lineno=node.lineno))

    def visit_List(self, node: nodes.Expr) -> nodes.Node:
        self.generic_visit(node)
        return _toll(VALUE, node)

    visit_Dict = visit_List

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        self.generic_visit(node)
        return _toll(VALUE, node) if node.ctx == "load" else node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = _toll(VALUE, node.node)
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        node.expr = _toll(VALUE, node.expr)
        for operand in node.ops:
            operand.expr = _toll(VALUE, operand.expr)
        return node

    def visit_Test(self, node: nodes.Test) -> nodes.Node:
        self.generic_visit(node)
        if node.name not in ("defined", "undefined"):
            node.node = _toll(VALUE, node.node)
        node.args = [_toll(VALUE, argument) for argument in node.args]
        return node


def _toll(name: str, node: nodes.Node, *costs: int) -> nodes.Filter:
    given: list[nodes.Expr] = [nodes.Const(cost) for cost in costs]
    return nodes.Filter(cast(nodes.Expr, node), name, given, [], None, None, lineno=node.lineno)


def _cost(parts: list[nodes.Node]) -> tuple[int, int]:
    """Return what these parts of a text cost once, without the rounds of loops in them: (steps, characters of its own
    that are written)."""
    steps = characters = 0
    left = list(parts)
    while left:
        node = left.pop()
        steps += 1
        if isinstance(node, nodes.TemplateData):
            characters += len(node.data)
            steps += len(node.data) // CHARACTERS_PER_STEP
        left.extend([node.iter] if isinstance(node, nodes.For) else node.iter_child_nodes())
    return steps, characters


def _refuse(node: nodes.Node, depth: int) -> None:
    problem = ""
    if type(node) not in ADMITTED:
        problem = "macros, blocks, imports, includes and powers are not available here"
    elif isinstance(node, nodes.For):
        depth += 1
        if depth > 2 or node.recursive:
            problem = "loops may be nested at most two deep"
    elif isinstance(node, nodes.Filter) and node.name not in FILTERS:
        problem = f"the filter '{node.name}' is not available; use one of {', '.join(FILTERS)}"
    elif isinstance(node, nodes.Test) and node.name not in TESTS:
        problem = f"the test '{node.name}' is not available"
    elif isinstance(node, nodes.Call) and not (isinstance(node.node, nodes.Name) and node.node.name == "range"):
        problem = "only range() can be called; use filters for texts"
    if problem:
        raise TemplateSyntaxError(problem, node.lineno)
    for child in node.iter_child_nodes():
        _refuse(child, depth)
