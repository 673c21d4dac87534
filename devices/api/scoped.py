"""References in the API's bodies: what the caller does not see does not exist."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet, UUIDField
from rest_framework import serializers
from rest_framework.relations import MANY_RELATION_KWARGS

from config import limits
from config.json_value import Json
from devices import access


class Scoped(serializers.PrimaryKeyRelatedField):
    """A reference whose choices are what the caller sees; unknown and foreign ids get the same answer."""

    def __init__(self, *, selector: Callable[[access.Viewer], QuerySet[Model]], **kwargs: object) -> None:
        self.selector = selector
        super().__init__(**kwargs)

    @classmethod
    def many_init(cls, *, selector: Callable[[access.Viewer], QuerySet[Model]], **kwargs: object) -> SeveralScoped:
        """Return a field of several of them."""
        options = {name: kwargs[name] for name in MANY_RELATION_KWARGS if name in kwargs}
        return SeveralScoped(child_relation=cls(selector=selector, **kwargs), **options)

    def get_queryset(self) -> QuerySet[Model]:
        """Return what the caller sees; nobody calls while the schema is being made."""
        request = self.context.get("request")
        return self.selector(request.user if request else AnonymousUser())

    def to_internal_value(self, data: Json) -> Model:
        """Return the row; what is no id of this kind is as unknown as a foreign one."""
        kind = str if isinstance(self.get_queryset().model._meta.pk, UUIDField) else int
        if self.pk_field is None and type(data) is not kind:
            self.fail("incorrect_type", data_type=type(data).__name__)
        try:
            return super().to_internal_value(data)
        except ValidationError:
            return self.fail("does_not_exist", pk_value=data)


class SeveralScoped(serializers.ManyRelatedField):
    """Several references of one kind, no more than a list may have."""

    def to_internal_value(self, data: Json) -> list[Model]:
        """Refuse too many of them before any is looked up."""
        if isinstance(data, list) and len(data) > limits.MOST_ITEMS:
            raise serializers.ValidationError([f"Give at most {limits.MOST_ITEMS:,}."])
        return super().to_internal_value(data)
