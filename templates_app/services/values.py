"""What a profile and a script are made of, as forms and the API give it to the services; what is missing stays."""

from __future__ import annotations

from typing import TypedDict


class ProfileValues(TypedDict, total=False):
    """A configuration profile; `values` are those of runtime variables, by name."""

    name: str
    description: str
    values: dict[str, str]


class ScriptValues(TypedDict, total=False):
    """A script, its parameters apart; `platforms` are keys of platforms."""

    category: str
    name: str
    description: str
    platforms: list[str]
    execution_type: str
    body: str
