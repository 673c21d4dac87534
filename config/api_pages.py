"""Pages and filters of every list of the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import django_filters
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError
from django.db.models import Model, QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.filters import OrderingFilter, SearchFilter
from rest_framework.pagination import CursorPagination, PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response

from config import limits

#: Pairs of a word and its label, or what returns them once they are needed.
Choices = Sequence[tuple[str, str]] | Callable[[], Sequence[tuple[str, str]]]
M = TypeVar("M", bound=Model)
#: More rows than this are not counted: the count would cost more than the page.
MOST_COUNTED_ROWS = 1_000


#: What a list's query says of its pages.
NUMBER_WORDS = ("page", "page_size")
PAGE_WORDS = (*NUMBER_WORDS, "cursor")


class Sized:
    """A page has as many rows as asked for, within `config.limits`."""

    page_size_query_param = "page_size"
    max_page_size = limits.MOST_PAGE_ROWS

    def get_page_size(self, request: Request) -> int | None:
        """Return how many rows a page has; ValidationError where that is no number."""
        given = request.query_params.get("page_size", "1")
        if not given.isascii() or not given.isdecimal() or not given.strip("0") or len(given) > 9:
            raise ValidationError({"page_size": [f"Give a number from 1 to {limits.MOST_PAGE_ROWS}."]})
        return super().get_page_size(request)  # type: ignore[misc]


class Search(SearchFilter):
    """`?search=…`, no longer than a list is searched for."""

    def get_search_terms(self, request: Request) -> list[str]:
        """Return the words; ValidationError where there are too many."""
        if len(request.query_params.get("search", "")) > limits.MOST_SEARCH_CHARACTERS:
            raise ValidationError({"search": [f"Give at most {limits.MOST_SEARCH_CHARACTERS} characters."]})
        return super().get_search_terms(request)


class Ordering(OrderingFilter):
    """`?ordering=…` by what the list can be ordered by."""

    def remove_invalid_fields(
        self, queryset: QuerySet[M], fields: list[str], view: object, request: Request
    ) -> list[str]:
        """Return the fields; ValidationError where a list has no such order."""
        kept = super().remove_invalid_fields(queryset, fields, view, request)
        if kept != fields:
            known = ", ".join(name for name, _ in self.get_valid_fields(queryset, view, {"request": request}))
            raise ValidationError({"ordering": [f"This list is ordered by: {known}; with - before it, backwards."]})
        return kept


class Numbered(Sized, PageNumberPagination):
    """Numbered pages, for short lists."""


class Pages(Sized, CursorPagination):
    """Cursors, which stay right while rows come and go: follow `next`. `?page_size=` up to 500, `?page=2` by number.

    `count` is null where more than MOST_COUNTED_ROWS rows match.
    """

    # Rows that are equal in the chosen order are told apart by their position among them, however many they are.
    offset_cutoff = 10_000_000

    def paginate_queryset(self, queryset: QuerySet[M], request: Request, view: object = None) -> list[M]:
        """Return the rows of the page that is asked for."""
        self.numbered = Numbered() if "page" in request.query_params else None
        if self.numbered:
            return self.numbered.paginate_queryset(queryset, request, view)
        try:
            rows = super().paginate_queryset(queryset, request, view)
        except (ValueError, DjangoValidationError, DataError):
            raise NotFound("This cursor belongs to no list in this order; begin again without it.") from None
        counted = queryset.order_by().values("pk")[: MOST_COUNTED_ROWS + 1].count()
        self.count = counted if counted <= MOST_COUNTED_ROWS else None
        return rows

    def get_ordering(self, request: Request, queryset: QuerySet[M], view: object) -> tuple[str, ...]:
        """Return what the caller asked for, or the order that the rows have; then by id, so that no two are equal."""
        asked = Ordering().get_ordering(request, queryset, view) if view else None
        chosen = asked or queryset.query.order_by
        return (*chosen, "pk") if chosen else ("pk",)

    def get_paginated_response(self, data: object) -> Response:
        """Return the page with the way to the next one."""
        if self.numbered:
            return self.numbered.get_paginated_response(data)
        links = {"next": self.get_next_link(), "previous": self.get_previous_link()}
        return Response({"count": self.count, **links, "results": data})

    def get_paginated_response_schema(self, schema: Mapping[str, object]) -> dict[str, object]:
        """Describe the page."""
        shape = super().get_paginated_response_schema(schema)
        words = f"How many rows match; null where it is more than {MOST_COUNTED_ROWS}."
        shape["properties"] = {
            "count": {"type": ["integer", "null"], "example": 123, "description": words},
            **shape["properties"],
        }
        shape["required"] = ["count", "results"]
        return shape

    def get_schema_operation_parameters(self, view: object) -> list[dict[str, object]]:
        """Describe the parameters."""
        number = {
            "name": "page",
            "in": "query",
            "required": False,
            "schema": {"type": "integer", "minimum": 1},
            "description": "A page by its number, for short lists; then `count` is always given.",
        }
        return [*super().get_schema_operation_parameters(view), number]

    def get_html_context(self) -> dict[str, object]:
        """Return what the browsable pages need."""
        return self.numbered.get_html_context() if self.numbered else super().get_html_context()

    def to_html(self) -> str:
        """Return the links between browsable pages."""
        return self.numbered.to_html() if self.numbered else super().to_html()


class Filters(DjangoFilterBackend):
    """`?status=failed&job=…`: a resource names its filters in `filters`.

    They compare plain values, never look a thing up: an id that is not the caller's is no more known than any other.
    """

    def get_filterset_class(self, view: object, queryset: object = None) -> type[django_filters.FilterSet] | None:
        """Return the filters of a resource."""
        found = getattr(view, "filters", None)
        return type(f"{type(view).__name__}Filters", (django_filters.FilterSet,), dict(found)) if found else None


def is_id(column: str) -> django_filters.NumberFilter:
    """Filter by the number of something."""
    return django_filters.NumberFilter(field_name=column, min_value=0, max_value=2**63 - 1)


def is_uuid(column: str) -> django_filters.UUIDFilter:
    """Filter by the id of something."""
    return django_filters.UUIDFilter(field_name=column)


def is_one_of(column: str, choices: Choices) -> django_filters.MultipleChoiceFilter:
    """Filter by a fixed set of words; given several times, any of them."""
    return django_filters.MultipleChoiceFilter(field_name=column, choices=choices, distinct=False)


def is_on(column: str) -> django_filters.BooleanFilter:
    """Filter by yes or no."""
    return django_filters.BooleanFilter(field_name=column)


def is_yes(narrow: Callable[..., QuerySet[Model]]) -> django_filters.BooleanFilter:
    """Filter by yes or no to what `narrow(rows, wanted)` knows."""
    return django_filters.BooleanFilter(method=lambda rows, _, wanted: narrow(rows, wanted))


def is_since(column: str) -> django_filters.IsoDateTimeFilter:
    """Keep what is at that time or later."""
    return django_filters.IsoDateTimeFilter(field_name=column, lookup_expr="gte")


def is_before(column: str) -> django_filters.IsoDateTimeFilter:
    """Keep what is earlier."""
    return django_filters.IsoDateTimeFilter(field_name=column, lookup_expr="lt")
