"""One way to show any list: search, filters, sorting, pages. A page declares a Listing and hands over scoped rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

ROWS_PER_PAGE = 25


@dataclass(frozen=True)
class Column:
    """One column: its heading, what a cell shows (escaped unless it is safe HTML), and the field to sort by."""

    label: str
    cell: Callable[[Any], Any]
    sort: str = ""
    css: str = ""
    num: bool = False
    next: str = ""
    direction: str = ""


@dataclass(frozen=True)
class Filter:
    """One drop-down above the list. `apply(rows, value)` narrows; choices come from the viewer's own scope."""

    key: str
    label: str
    choices: list[tuple[Any, str]]
    apply: Callable[[QuerySet[Any], str], QuerySet[Any]]
    chosen: str = ""


@dataclass(frozen=True)
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


def field(key: str, name: str = "") -> Callable[[QuerySet[Any], str], QuerySet[Any]]:
    """Return the usual `apply` of a Filter: the field equals the value; a value of the wrong kind matches nothing."""

    def apply(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        try:
            return rows.filter(**{name or key: value})
        except (ValueError, TypeError):
            return rows.none()

    return apply


def show(
    request: HttpRequest, rows: QuerySet[Any], listing: Listing, template: str = "list.html", **context: Any
) -> HttpResponse:
    """Answer with one page of the list."""
    q = request.GET.get("q", "").strip()[:100].replace("\x00", "")
    if q:
        rows = rows.filter(reduce(or_, (Q(**{f"{name}__icontains": q}) for name in listing.search)))
    filters = []
    for item in listing.filters:
        chosen = request.GET.get(item.key, "").replace("\x00", "")
        if chosen:
            rows = item.apply(rows, chosen)
        filters.append(replace(item, chosen=chosen))
    sort = request.GET.get("sort", "")
    columns = [_with_direction(column, sort) for column in listing.columns]
    sortable = {column.sort for column in listing.columns if column.sort}
    if sort.lstrip("-") in sortable:
        rows = rows.order_by(sort, "pk")
    elif listing.order:
        rows = rows.order_by(listing.order, "pk")
    page = Paginator(rows, ROWS_PER_PAGE).get_page(request.GET.get("page"))
    cells = [
        [{"label": c.label, "css": f"{c.css} num" if c.num else c.css, "html": c.cell(row)} for c in columns]
        for row in page
    ]
    narrowed = bool(q or any(item.chosen for item in filters))
    return render(
        request,
        template,
        {
            "listing": listing,
            "columns": columns,
            "rows": cells,
            "page": page,
            "q": q,
            "filters": filters,
            "narrowed": narrowed,
            **context,
        },
    )


def _with_direction(column: Column, sort: str) -> Column:
    if not column.sort:
        return column
    mark = {column.sort: "↑", f"-{column.sort}": "↓"}.get(sort, "")
    return replace(column, next=f"-{column.sort}" if sort == column.sort else column.sort, direction=mark)
