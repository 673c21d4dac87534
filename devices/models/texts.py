"""Columns of one line: names and hosts, which stand in lists, in messages and in command lines."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Model

from config.errors import Invalid
from config.one_line import flaw


def check_one_line(value: str) -> None:
    """Raise ValidationError where a text is not one line; forms and the API say so beside its field."""
    said = flaw(value)
    if said:
        raise ValidationError(f"It {said}")


class OneLine(models.CharField):  # type: ignore[type-arg]
    """A text that is refused, whoever writes it, unless it is one line (`config.one_line`).

    Whoever saves a row is given Invalid with all such fields of the row. In the database it is a CharField like any.
    """

    default_validators: Sequence[object] = (check_one_line,)  # type: ignore[assignment]

    def deconstruct(self) -> tuple[str, str, Sequence[object], dict[str, object]]:  # type: ignore[override]
        """Return what migrations know: a CharField."""
        name, _, given, named = super().deconstruct()
        return name, "django.db.models.CharField", given, named

    def pre_save(self, model_instance: Model, add: bool) -> object:
        """Return the value to write; Invalid where it, or another text of the row, is not one line."""
        value = super().pre_save(model_instance, add)
        if isinstance(value, str) and flaw(value):
            raise Invalid(fields=problems_of(model_instance))
        return value


def problems_of(row: Model) -> dict[str, list[str]]:
    """Return what is wrong with the one-line texts of a row, by field."""
    said = {
        field.name: flaw(value)
        for field in row._meta.concrete_fields
        if isinstance(field, OneLine) and isinstance(value := getattr(row, field.attname), str)
    }
    return {name: [f"It {sentence}"] for name, sentence in said.items() if sentence}
