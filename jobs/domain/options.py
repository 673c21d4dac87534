"""Options of a job: plain values that are declared once, with `option()` in `JobSpec`, and asked for, stored, shown and
approved everywhere by that declaration. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, TypeVar

#: The type of an option, that of its default.
Default = TypeVar("Default", bound=bool | int | StrEnum)


class WizardStep(StrEnum):
    """In which step of the wizard an option is asked for."""

    DETAILS = "details"
    SCHEDULE = "schedule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """The words and bounds of an option. Its type is that of its default: bool, int or a StrEnum with `labels`.

    `group` is the heading under which the wizard shows it. What an approval is bound to holds every option but those
    with a reason why not (`unapproved`).
    """

    name: str = ""
    default: bool | int | StrEnum = False
    label: str
    help: str = ""
    step: WizardStep
    group: str
    labels: Mapping[str, str] = field(default_factory=dict)
    least: int | None = None
    most: int | None = None
    unapproved: str = ""

    @property
    def choices(self) -> list[tuple[str, str]]:
        """(value, label) of an option with a few values; none for the others."""
        return [(str(value), label) for value, label in self.labels.items()]

    # Any: a value as it was stored or posted, and in the type that the option's field has.
    def typed(self, value: Any) -> Any:
        """Return a stored or posted value in the option's type; the default for an empty one."""
        if value is None or value == "":
            return self.default
        return type(self.default)(value)

    def words(self, value: object) -> str:
        """Say a value to people."""
        if isinstance(self.default, bool):
            return "Yes" if value else "No"
        return self.labels.get(str(self.typed(value)), str(value))


def option(default: Default, **words: object) -> Default:
    """Declare a field of a dataclass as an option, with the words of `Option`."""
    return field(default=default, metadata={"option": words})


def options_of(spec: type) -> Iterator[Option]:
    """Yield the options of a dataclass, in their order."""
    for one in fields(spec):
        if "option" in one.metadata:
            assert isinstance(one.default, bool | int | StrEnum), f"{one.name}: the default of an option says its type"
            yield Option(name=one.name, default=one.default, **one.metadata["option"])
