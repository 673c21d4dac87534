"""The base of every API resource, and of those that can be edited (apart from `config/api.py`, which the settings
name)."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import Http404
from django_filters import Filter
from rest_framework import mixins, serializers, viewsets
from rest_framework.filters import OrderingFilter, SearchFilter
from rest_framework.request import Request
from rest_framework.response import Response

from config.api_pages import Filters
from config.errors import Invalid, Stale


class Key(serializers.IntegerField):
    """The number of a row elsewhere, within what every database can compare (64 bits)."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(min_value=0, max_value=2**63 - 1, **kwargs)


class Resource(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Base of every API resource. A subclass gives `rows(user)`, the scoped queryset that everything starts from."""

    filter_backends = [Filters, SearchFilter, OrderingFilter]
    #: Name in the query string → filter (`config.api_pages`).
    filters: Mapping[str, Filter] = {}
    search_fields: list[str] = []
    ordering_fields: list[str] = []
    #: Fields that change by themselves; the ETag is not about them.
    volatile: tuple[str, ...] = ()

    def rows(self, user: User) -> QuerySet[Model]:
        """Return the rows that the user sees."""
        raise NotImplementedError

    def get_queryset(self) -> QuerySet[Model]:
        """Scope to the caller; nothing at all while the schema is being made."""
        if getattr(self, "swagger_fake_view", False):
            return self.serializer_class.Meta.model._default_manager.none()  # type: ignore[union-attr]
        rows = self.rows(self.request.user)
        return rows if rows.query.order_by else rows.order_by("pk")

    def get_object(self) -> Any:  # Any: each resource has rows of its own kind, and REST framework types none
        """Return the row named in the URL; an id of the wrong kind is as unknown as a foreign one."""
        try:
            return super().get_object()
        except (ValueError, ValidationError):
            raise Http404 from None

    def retrieve(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Show one, with its ETag for a later edit."""
        answer = super().retrieve(request, *args, **kwargs)
        answer["ETag"] = self.etag(answer.data)
        return answer

    def etag(self, data: Mapping[str, object]) -> str:
        """Return the ETag of a representation."""
        lasting = {name: value for name, value in data.items() if name not in self.volatile}
        text = json.dumps(lasting, sort_keys=True, default=str)
        return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def check_match(request: Request, present: str) -> None:
    """Raise Stale when If-Match is given and names another ETag than the present one."""
    wanted = request.headers.get("If-Match")
    if wanted is not None and wanted.strip() != "*" and present not in [tag.strip() for tag in wanted.split(",")]:
        raise Stale("Somebody changed it since you read it. Read it again, and apply your change to that.")


class Editable(Protocol):
    """What PATCH needs of a resource: the row in the URL, how it is shown and read, and the one service call."""

    # Any: each resource has rows of its own kind
    get_object: Callable[[], Any]
    get_serializer: Callable[..., Any]  # Any: REST framework has no types
    make: Callable[..., object]
    etag: Callable[[Mapping[str, object]], str]
    lock: Callable[[Model], None]


class Edits:
    """PATCH changes what is given, through one service call.

    With `If-Match` it does so only to what the caller has seen.
    """

    def lock(self, found: Any) -> None:  # Any: each resource locks rows of its own kind
        """Let nobody else change it meanwhile."""
        type(found)._base_manager.select_for_update(of=("self",), no_key=True).get(pk=found.pk)

    def partial_update(self: Editable, request: Request, *args: object, **kwargs: object) -> Response:
        """Change some fields; 412 when the ETag in If-Match is not the present one."""
        with transaction.atomic():
            self.lock(self.get_object())
            found = self.get_object()
            check_match(request, self.etag(self.get_serializer(found).data))
            given = self.get_serializer(found, data=request.data, partial=True)
            given.is_valid(raise_exception=True)
            values = dict(given.validated_data)
            if values.pop("tenant", found.tenant) != found.tenant:
                raise Invalid(fields={"tenant": ["It stays with its tenant; make a new one there."]})
            self.make(request.user, {"tenant": found.tenant, **values}, instance=found)
        body = self.get_serializer(self.get_object()).data
        return Response(body, headers={"ETag": self.etag(body)})
