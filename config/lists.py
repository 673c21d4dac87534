"""One way to show any list: search, filters, sorting, pages. A page declares a Listing and hands over scoped rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Any, TypeAlias

from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

ROWS_PER_PAGE = 25
#: Narrows the rows of a list to those with a value.
Narrow: TypeAlias = Callable[[QuerySet[Any], str], QuerySet[Model]]  # Any: a list's own filters know its own rows


@dataclass(frozen=True)
class Column:
    """One column: its heading, what a cell shows (escaped unless it is safe HTML), and the field to sort by."""

    label: str
    cell: Callable[[Any], object]  # Any: a column of a list knows its own rows, which a lambda cannot say
    sort: str = ""
    css: str = ""
    num: bool = False


@dataclass(frozen=True)
class Heading:
    """A column's head: its label, what a click on it sorts by next (empty: nothing) and how it is sorted now."""

    label: str
    num: bool
    next: str
    direction: str


@dataclass(frozen=True)
class Filter:
    """One drop-down above the list. `apply(rows, value)` narrows; choices come from the viewer's own scope."""

    key: str
    label: str
    choices: Sequence[tuple[object, str]]
    apply: Narrow
    chosen: str = ""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What a list page is about."""

    title: str
    columns: tuple[Column, ...]
    search: tuple[str, ...]
    empty: str
    filters: tuple[Filter, ...] = ()
    intro: str = ""
    new_url: str = ""
    new_label: str = ""
    order: str = ""


def field(key: str, name: str = "") -> Narrow:
    """Return the usual `apply` of a Filter: the field equals the value; a value of the wrong kind matches nothing."""

    def apply(rows: QuerySet[Model], value: str) -> QuerySet[Model]:
        try:
            return rows.filter(**{name or key: value})
        except (ValueError, TypeError):
            return rows.none()

    return apply


def show(
    request: HttpRequest, rows: QuerySet[Model], listing: Listing, template: str = "list.html", **context: object
) -> HttpResponse:
    """Answer with one page of the list."""
    q = request.GET.get("q", "").strip()[:100].replace("\x00", "")
    if q:
        rows = rows.filter(reduce(or_, (Q(**{f"{name}__icontains": q}) for name in listing.search)))
    filters = []
    for item in listing.filters:
        chosen = request.GET.get(item.key, "").replace("\x00", "")[:100]
        if chosen:
            offered = {str(value) for value, _ in item.choices}
            rows = item.apply(rows, chosen) if chosen in offered else rows.none()
        filters.append(replace(item, chosen=chosen))
    sort = request.GET.get("sort", "")
    sortable = {column.sort for column in listing.columns if column.sort}
    if sort.lstrip("-") in sortable:
        rows = rows.order_by(sort, "pk")
    elif listing.order:
        rows = rows.order_by(listing.order, "pk")
    page = Paginator(rows, ROWS_PER_PAGE).get_page(request.GET.get("page"))
    cells = [
        [{"label": c.label, "css": f"{c.css} num" if c.num else c.css, "html": c.cell(row)} for c in listing.columns]
        for row in page
    ]
    narrowed = bool(q or any(item.chosen for item in filters))
    return render(
        request,
        template,
        {
            "listing": listing,
            "columns": [_heading(column, sort) for column in listing.columns],
            "rows": cells,
            "page": page,
            "q": q,
            "filters": filters,
            "narrowed": narrowed,
            **context,
        },
    )


def _heading(column: Column, sort: str) -> Heading:
    mark = {column.sort: "↑", f"-{column.sort}": "↓"}.get(sort, "") if column.sort else ""
    following = f"-{column.sort}" if column.sort and sort == column.sort else column.sort
    return Heading(column.label, column.num, following, mark)
