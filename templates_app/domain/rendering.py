"""Render command texts: Jinja2 in a sandbox that is safe in-process (`templates_app.domain.sandbox`).

Only plain values go in. Time and size of a rendering are bounded by what it may take, and those of a plan's by what all
of its renderings together may take.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256

from jinja2 import TemplateSyntaxError, UndefinedError, meta, nodes
from jinja2.exceptions import SecurityError, TemplateError

from templates_app.domain.allowance import ALLOWANCE, Allowance, Overspent
from templates_app.domain.sandbox import compiled, environment

MOST_TEXT_CHARACTERS = 64 * 1024
MOST_OUTPUT_CHARACTERS = 1024 * 1024
#: Of one text for one device: at most about half a second.
MOST_STEPS = 2_000_000
#: Of all texts of a plan: at most about five seconds.
MOST_PLAN_STEPS = 20_000_000
#: What all texts of a plan come to.
MOST_PLAN_CHARACTERS = 128 * 1024 * 1024
#: Of what is said of a value, which may stand in it whole.
MOST_REASON_CHARACTERS = 200
#: What an expression says of values that do not fit it.
UNFIT = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RuntimeError, MemoryError)
#: Without any of it a text renders to itself; a carriage return is an end of a line.
MARKUP = re.compile("[{\r]")
SECRET_MARK = re.compile("\u27e6secret:([a-z][a-z0-9_]*)\u27e7")


class TemplateProblem(ValueError):
    """The text is not a usable template; `line` counts from 1 (0: the text as a whole)."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(f"Line {line}: {message}" if line else message)
        self.line = line


class TooMuchWork(Exception):
    """All texts that a `Renderer` was asked for take more than it may spend."""


def check_text(text: str, known: set[str]) -> set[str]:
    """Return the variable names the text uses; TemplateProblem names the line of the first mistake."""
    if len(text) > MOST_TEXT_CHARACTERS:
        raise TemplateProblem("the text is longer than 64 KB.")
    try:
        compiled(text)
        tree = environment().parse(text)
    except TemplateSyntaxError as error:
        raise TemplateProblem(f"{error.message}.", error.lineno) from None
    used = meta.find_undeclared_variables(tree) - {"range"}
    for name in sorted(used - known):
        line = next((n.lineno for n in tree.find_all(nodes.Name) if n.name == name), 0)
        raise TemplateProblem(f"'{name}' is not a variable of this template; add it or correct the name.", line)
    return used


def render(text: str, values: Mapping[str, object]) -> list[str]:
    """Return the lines as they are written; TemplateProblem when a value is missing or the output too large."""
    return Renderer().render(text, values)


class Renderer:
    """Renders the texts of a plan, or of several, that may take so many steps and characters together.

    With `remembers`, what was rendered once is given again without any work: a plan can be made at leisure and be made
    again where time is dear.
    """

    def __init__(
        self, steps: int = MOST_PLAN_STEPS, characters: int = MOST_PLAN_CHARACTERS, *, remembers: bool = False
    ) -> None:
        self.left = Allowance(steps, characters)
        self._known: dict[bytes, list[str] | TemplateProblem] | None = {} if remembers else None

    def allow(self, steps: int) -> None:
        """From now on, let what is not known yet take so many steps."""
        self.left = Allowance(steps, MOST_PLAN_CHARACTERS)

    def render(self, text: str, values: Mapping[str, object]) -> list[str]:
        """Return the lines as they are written, spaces at their ends and empty ones too.

        TemplateProblem when a value is missing or this one text needs too much; TooMuchWork when all together do.
        """
        if self._known is None:
            return self._rendered(text, values)
        key = sha256(repr((text, values)).encode("utf-8", "backslashreplace")).digest()
        if key not in self._known:
            try:
                self._known[key] = self._rendered(text, values)
            except TemplateProblem as problem:
                self._known[key] = problem
        found = self._known[key]
        if isinstance(found, TemplateProblem):
            raise found
        return found

    def _rendered(self, text: str, values: Mapping[str, object]) -> list[str]:
        if not MARKUP.search(text):
            if len(text) > MOST_OUTPUT_CHARACTERS:
                raise TemplateProblem("the rendered text is longer than 1 MB.")
            return _lines(text)
        mine = Allowance(min(MOST_STEPS, self.left.steps), min(MOST_OUTPUT_CHARACTERS, self.left.characters))
        steps, characters = mine.steps, mine.characters
        if not (steps > 0 < characters):
            raise TooMuchWork
        try:
            return _lines(_written(text, values, mine))
        except Overspent as error:
            if mine.steps < 0 and steps < MOST_STEPS or mine.characters < 0 and characters < MOST_OUTPUT_CHARACTERS:
                raise TooMuchWork from None
            raise TemplateProblem(f"{error}.") from None
        finally:
            self.left.steps -= min(steps, steps - mine.steps)
            self.left.characters -= min(characters, characters - mine.characters)


def secret_mark(name: str) -> str:
    """Return the mark that stands for a secret variable in a plan; the worker puts the value in its place."""
    return f"\u27e6secret:{name}\u27e7"


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").strip("\n").split("\n") if text.strip() else []


def _written(text: str, values: Mapping[str, object], allowance: Allowance) -> str:
    """Return what a text comes to; Overspent when it needs more than the allowance."""
    token = ALLOWANCE.set(allowance)
    try:
        template, steps, characters = compiled(text)
        allowance.spend(steps, characters)
        return "".join(template.generate(dict(values)))
    except Overspent:
        raise
    except TemplateSyntaxError as error:
        raise TemplateProblem(f"{error.message}.", error.lineno) from None
    except UndefinedError as error:
        raise TemplateProblem(f"a value is missing: {str(error.message)[:MOST_REASON_CHARACTERS]}.") from None
    except SecurityError as error:
        raise TemplateProblem(f"{error}.") from None
    except UNFIT as error:
        raise TemplateProblem(
            f"the text cannot be rendered with these values: {str(error)[:MOST_REASON_CHARACTERS]}."
        ) from None
    finally:
        ALLOWANCE.reset(token)
