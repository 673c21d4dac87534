"""Check the values of runtime variables and put the sources in order: default < profile < job."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

from config.one_line import flaw
from templates_app.domain.content import RuntimeVariable, VariableType

NAME = re.compile(r"^[a-z][a-z0-9_]{0,39}$")
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+:/\-]{0,119}")
#: Names that every command text knows without asking.
BUILT_IN = ("device",)
#: What people write for yes and for no, in small letters.
TRUE = ("yes", "true", "on", "1")
FALSE = ("no", "false", "off", "0")
Value = str | int | bool | list[str]


class WrongValue(ValueError):
    """A value that does not fit its variable; the message stands beside the field."""


def check_value(variable: RuntimeVariable, given: str) -> Value | None:
    """Return the typed value, None for an empty optional one; WrongValue says what is wrong."""
    text = given if variable.type is VariableType.LINES else given.strip()
    if not text.strip():
        if variable.required:
            raise WrongValue("Give a value; the template needs it.")
        return None
    if variable.type is VariableType.LINES:
        lines = [line.rstrip() for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
        for number, line in enumerate(lines, 1):
            _check_one_line(line, f"Line {number}")
        return lines
    _check_one_line(text, "The value")
    return _typed(variable, text)


def _typed(variable: RuntimeVariable, text: str) -> Value:
    if variable.type is VariableType.INTEGER:
        if not re.fullmatch(r"-?[0-9]{1,18}", text):
            raise WrongValue("Give a whole number.")
        return int(text)
    if variable.type is VariableType.ADDRESS:
        try:
            return str(ipaddress.ip_address(text))
        except ValueError:
            raise WrongValue("Give an IP address, for example 192.0.2.1 or 2001:db8::1.") from None
    if variable.type is VariableType.WORD and not WORD.fullmatch(text):
        raise WrongValue("Use letters, digits and . _ + : / - only, and begin with a letter or digit.")
    if variable.type is VariableType.CHOICE and text not in variable.choices:
        raise WrongValue(f"Choose one of: {', '.join(variable.choices)}.")
    if variable.type is VariableType.BOOLEAN:
        if text.lower() not in (*TRUE, *FALSE):
            raise WrongValue("Answer yes or no.")
        return text.lower() in TRUE
    return text


def _check_one_line(text: str, what: str) -> None:
    if said := flaw(text):
        raise WrongValue(f"{what} {said}")


def resolve(
    variables: tuple[RuntimeVariable, ...], profile: Mapping[str, str], job: Mapping[str, str]
) -> tuple[dict[str, Value | None], dict[str, str]]:
    """Return the value of every variable and the problems by variable name. A blank job value leaves the profile's."""
    values: dict[str, Value | None] = {}
    problems: dict[str, str] = {}
    for variable in variables:
        given = job.get(variable.name, "")
        # A profile and a template are read by many; what stands there is no secret.
        if variable.type is not VariableType.SECRET:
            given = given or profile.get(variable.name, "") or variable.default
        try:
            values[variable.name] = check_value(variable, given)
        except WrongValue as error:
            problems[variable.name] = str(error)
    return values, problems


_SCHEMAS: Mapping[VariableType, Mapping[str, object]] = {
    VariableType.INTEGER: {"type": "string", "pattern": r"^-?[0-9]{1,18}$"},
    VariableType.ADDRESS: {"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]},
    VariableType.BOOLEAN: {"type": "string", "enum": ["yes", "no"]},
    VariableType.SECRET: {"type": "string", "writeOnly": True},
    VariableType.WORD: {"type": "string", "pattern": f"^{WORD.pattern}$"},
}


def json_schema(variables: tuple[RuntimeVariable, ...]) -> dict[str, object]:
    """Return the JSON Schema (draft 2020-12) of the values that the API takes for variables; every value is a text."""
    properties: dict[str, object] = {}
    for variable in variables:
        found: dict[str, object] = {"title": variable.label or variable.name}
        found |= _SCHEMAS.get(variable.type, {"type": "string"})
        if variable.choices:
            found["enum"] = list(variable.choices)
        if variable.help:
            found["description"] = variable.help
        if variable.default:
            found["default"] = variable.default
        properties[variable.name] = found
    needed = [variable.name for variable in variables if variable.required and not variable.default]
    return {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}
