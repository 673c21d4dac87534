"""What every body and every query of the API is read with: fields that take their own kind of JSON value and no other,
and serializers that know all names they are given."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.db import models
from rest_framework import serializers
from rest_framework.request import Request

from config import limits
from config.json_value import Json


class Text(serializers.CharField):
    """A text; numbers are none."""

    def __init__(self, **options: object) -> None:
        options.setdefault("max_length", limits.MOST_TEXT_CHARACTERS)
        super().__init__(**options)

    def to_internal_value(self, data: Json) -> str:
        """Refuse what is no text."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Whole(serializers.IntegerField):
    """A whole number; texts, fractions and yes or no are none."""

    def __init__(self, **options: object) -> None:
        options.setdefault("min_value", 0)
        if options.get("max_value") is None:
            options["max_value"] = limits.MOST_NUMBER
        super().__init__(**options)

    def to_internal_value(self, data: Json) -> int:
        """Refuse what is no whole number."""
        if type(data) is not int:
            self.fail("invalid")
        return data


class Key(Whole):
    """The number of a row elsewhere, within what every database can compare (64 bits)."""

    def __init__(self, **options: object) -> None:
        super().__init__(max_value=2**63 - 1, **options)


class YesNo(serializers.BooleanField):
    """True or false; words and numbers are neither."""

    def to_internal_value(self, data: Json) -> bool:
        """Refuse what is neither."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Slug(serializers.SlugField):
    """A text of letters, digits, - and _."""

    def to_internal_value(self, data: Json) -> str:
        """Refuse what is no text."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Choice(serializers.ChoiceField):
    """One of the given words, or of the given numbers."""

    def to_internal_value(self, data: Json) -> object:
        """Refuse what is of another kind than they are."""
        if type(data) not in {type(choice) for choice in self.choices}:
            self.fail("invalid_choice", input=data)
        return super().to_internal_value(data)


class Uuid(serializers.UUIDField):
    """An id of letters and digits; a number is none."""

    def to_internal_value(self, data: Json) -> object:
        """Refuse what is no text."""
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class Moment(serializers.DateTimeField):
    """A date and time in ISO 8601."""

    def to_internal_value(self, value: Json) -> object:
        """Refuse what is no text."""
        if not isinstance(value, str):
            self.fail("invalid", format="YYYY-MM-DDThh:mm[:ss][Z]")
        return super().to_internal_value(value)


class Several(serializers.ListField):
    """A list of so many items at most."""

    def __init__(self, **options: object) -> None:
        options.setdefault("max_length", limits.MOST_ITEMS)
        super().__init__(**options)


class Named(serializers.DictField):
    """Values by names that somebody chose: so many of them at most."""

    default_error_messages = {"too_many": "Give at most {most} of them."}

    def __init__(self, *, most: int = limits.MOST_ITEMS, **options: object) -> None:
        self.most = most
        super().__init__(**options)

    def to_internal_value(self, data: Json) -> dict[str, object]:
        """Refuse too many of them."""
        if isinstance(data, Mapping) and len(data) > self.most:
            self.fail("too_many", most=self.most)
        return super().to_internal_value(data)


class KnownNames(serializers.Serializer):
    """Refuses each name that the serializer does not have, and each value of a field that is only read.

    What is only read may be given back as it stands, so that what was read can be sent again; what changes by itself
    (`volatile` of the view) may be older.
    """

    def to_internal_value(self, data: Json) -> dict[str, object]:
        """Return the values; ValidationError names all that is wrong."""
        wrong = self._wrong_names(data) if isinstance(data, Mapping) else {}
        try:
            found = super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError({**error.detail, **wrong}) from None
        if isinstance(self.parent, serializers.ListSerializer):
            wrong |= self._complete(data, found)
        if wrong:
            raise serializers.ValidationError(wrong)
        return found

    def _complete(self, data: Mapping[str, Json], found: dict[str, object]) -> dict[str, list[str]]:
        """Fill in what an item of a list leaves out, and return what it must not: PATCH replaces a list as a whole."""
        wrong = {}
        for field in self._writable_fields:
            if field.field_name not in data and field.required:
                wrong[field.field_name] = [str(field.error_messages["required"])]
            elif field.field_name not in data and field.default is not serializers.empty:
                self.set_value(found, field.source_attrs, field.get_default())
        return wrong

    def _wrong_names(self, data: Mapping[str, Json]) -> dict[str, list[str]]:
        known = ", ".join(name for name, field in self.fields.items() if not field.read_only)
        wrong = {name: [f"There is no such field; known are: {known}."] for name in data if name not in self.fields}
        for name in data:
            if name in self.fields and self.fields[name].read_only and not self._is_as_read(name, data[name]):
                wrong[name] = ["This is only read, and it is not what it is now; leave it out."]
        return wrong

    def _is_as_read(self, name: str, value: Json) -> bool:
        row = self.instance
        if row is None or isinstance(row, models.QuerySet):
            return False
        if name in getattr(self.context.get("view"), "volatile", ()):
            return True
        field = self.fields[name]
        attribute = field.get_attribute(row)
        shown = None if attribute is None else field.to_representation(attribute)
        return serializers.JSONField().to_representation(shown) == value or str(shown) == value


class Body(KnownNames):
    """What a body, or a part of one, may say."""


class ModelBody(KnownNames, serializers.ModelSerializer):
    """The same, with the fields of a model."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.BooleanField: YesNo,
        models.CharField: Text,
        models.SlugField: Slug,
        models.TextField: Text,
        models.PositiveIntegerField: Whole,
        models.IntegerField: Whole,
        models.UUIDField: Uuid,
    }
    serializer_choice_field = Choice


class Query(serializers.Serializer):
    """What the part of an address behind the question mark may say; all values are texts there."""

    def to_internal_value(self, data: Mapping[str, str]) -> dict[str, object]:
        """Refuse names that are not asked for."""
        check_names(self.context["request"], self.fields)
        return super().to_internal_value(data)


def check_names(request: Request, known: Collection[str]) -> None:
    """Raise ValidationError for each name of a query that is not known (`format` always is), and for too many."""
    given = request.query_params
    words = ", ".join(known) or "none"
    wrong = {name: [f"There is no such parameter; known are: {words}."] for name in given if name not in known}
    wrong.pop("format", None)
    if wrong:
        raise serializers.ValidationError(wrong)
    for name, values in given.lists():
        if len(values) > limits.MOST_QUERY_VALUES:
            raise serializers.ValidationError({name: [f"Give at most {limits.MOST_QUERY_VALUES} values."]})
