"""Scripts as input of an interpreter: how variables are given to it. Which command reads one stands in each platform's
`interpreters`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from templates_app.domain.rendering import SECRET_MARK


def _sh(text: str) -> str:
    return text.replace("'", "'\"'\"'")


def _powershell(text: str) -> str:
    # PowerShell takes these quotation marks for an apostrophe, too.
    return re.sub("(['\u2018\u2019\u201a\u201b])", r"\1\1", text)


def _backslash(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


@dataclass(frozen=True, slots=True)
class Language:
    """A scripting language: a variable's assignment, and what may stand between its quotes."""

    assignment: str
    escape: Callable[[str], str]


LANGUAGES: dict[str, Language] = {
    "SHELL": Language("{name}='{value}'", _sh),
    "PYTHON": Language("{name} = '{value}'", _backslash),
    "PERL": Language("our ${name} = '{value}';", _backslash),
    "POWERSHELL": Language("${name} = '{value}'", _powershell),
}
#: Lines that the device itself understands, sent one by one.
COMMAND = "COMMAND"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A script's parameter; `number` is its id in the API, `data_type` STRING, INTEGER or PASSWORD."""

    number: int
    name: str
    data_type: str
    required: bool
    default: str = ""

    @property
    def variable(self) -> str:
        """The runtime variable that holds it."""
        return parameter_name(self.number)


def parameter_name(number: int) -> str:
    """Return the runtime variable that holds the script's parameter of a number."""
    return f"p{number}"


def identifier(name: str) -> str:
    """Return the name that a parameter has inside a script: what is no letter or digit becomes an underscore."""
    found = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return found if re.match(r"[A-Za-z_]", found) else f"_{found}"


def compose(language: str, script: str, values: Mapping[str, str]) -> str:
    """Return what the interpreter reads: an assignment for each value, quoted, then the script.

    A secret stands in it as a mark that `reveal` replaces.
    """
    found = LANGUAGES[language]
    lines = []
    for name, value in values.items():
        quoted = value if SECRET_MARK.fullmatch(value) else found.escape(value)
        lines.append(found.assignment.format(name=identifier(name), value=quoted))
    body = script.replace("\r\n", "\n")
    return "\n".join([*lines, body]) + ("" if body.endswith("\n") else "\n")


def reveal(language: str, text: str, secret: Callable[[str], str]) -> str:
    """Put secrets (by variable name) in the place of their marks, quoted like every other value."""
    escape = LANGUAGES[language].escape
    return SECRET_MARK.sub(lambda match: escape(secret(match.group(1))), text)
