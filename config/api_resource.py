"""The base of every API resource, and of those that can be edited (apart from `config/api.py`, which the settings
name)."""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import Http404
from django_filters import Filter
from rest_framework import mixins, viewsets
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api_body import Query, check_names
from config.api_pages import PAGE_WORDS, Filters, Ordering, Search
from config.errors import Invalid, Stale
from config.json_value import Json


class Strict(APIView):
    """Base of every native view: what is given and not read is refused, so that no typing error goes unnoticed."""

    #: Name of an action, or of a method where there are no actions → what its query is read with.
    queries: Mapping[str, type[Query]] = {}
    #: Actions, or methods, that read a body.
    reading: tuple[str, ...] = ()

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        """Refuse a query, or a body, that nobody would read."""
        super().initial(request, *args, **kwargs)
        if not hasattr(self, str(request.method).lower()):
            return
        if request.method not in SAFE_METHODS and self.act not in self.reading and request.data != {}:
            given = request.data if isinstance(request.data, Mapping) else {"body": None}
            raise Invalid(fields={name: ["There is no such field; this request has no body."] for name in given})
        if self.act not in self.queries:
            check_names(request, self.words())

    @property
    def act(self) -> str:
        """The name of the action, or of the method."""
        return getattr(self, "action", None) or str(self.request.method).lower()

    def words(self) -> Collection[str]:
        """Return the names that the query may have."""
        return ()

    def asked(self) -> Json:
        """Return the query, read as `queries` says."""
        given = self.queries[self.act](data=self.request.query_params, context={"request": self.request, "view": self})
        given.is_valid(raise_exception=True)
        return given.validated_data


class Resource(Strict, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Base of every API resource. A subclass gives `rows(user)`, the scoped queryset that everything starts from."""

    reading: tuple[str, ...] = ("create", "update", "partial_update")
    #: Actions that answer with a list, filtered or in pages.
    lists: tuple[str, ...] = ("list",)
    #: Actions that answer with a list of something else, in pages.
    paged: tuple[str, ...] = ()
    filter_backends = [Filters, Search, Ordering]
    #: Name in the query string → filter (`config.api_pages`).
    filters: Mapping[str, Filter] = {}
    search_fields: list[str] = []
    ordering_fields: list[str] = []
    #: Fields that change by themselves; the ETag is not about them.
    volatile: tuple[str, ...] = ()

    def rows(self, user: User) -> QuerySet[Model]:
        """Return the rows that the user sees."""
        raise NotImplementedError

    def words(self) -> Collection[str]:
        """A list is filtered, searched, ordered and comes in pages."""
        if self.act in self.lists:
            return [*self.filters, "search", "ordering", *(PAGE_WORDS if self.pagination_class else ())]
        return PAGE_WORDS if self.act in self.paged else ()

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
