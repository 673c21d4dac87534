"""Give the fields of a form what they offer, once the form knows whom it is for."""

from collections.abc import Iterable

from django import forms
from django.db.models import Model, QuerySet

#: A value with its words, or a heading with such pairs.
Choice = tuple[object, str] | tuple[str, list[tuple[str, str]]] | tuple[str, str | list[tuple[str, str]]]


def offer_rows(form: forms.BaseForm, name: str, rows: QuerySet[Model]) -> None:
    """Let a field choose among these rows, and no others."""
    field = form.fields[name]
    assert isinstance(field, forms.ModelChoiceField)
    field.queryset = rows


def offer_choices(form: forms.BaseForm, name: str, choices: Iterable[Choice]) -> None:
    """Let a field choose among these values."""
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = list(choices)
