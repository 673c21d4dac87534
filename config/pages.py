"""What every page with a form does: save what is valid and go back, or show what is wrong beside its field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url

from config.errors import Invalid


class Form(Protocol):
    """What a page needs of a form; forms themselves are made in faces."""

    @property
    def fields(self) -> Mapping[str, object]: ...
    def is_valid(self) -> bool: ...
    def add_error(self, field: str | None, error: str) -> None: ...


def form_page(
    request: HttpRequest,
    form: Form,
    save: Callable[[], str],
    *,
    title: str,
    back: str,
    back_label: str,
    second: tuple[str, str] | None = None,
) -> HttpResponse:
    """Answer with one form on a page: save what is valid and go back with the sentence that `save` returns, or show
    what is wrong.

    `back` is a route without arguments, or a path; `second` is a further button (the value of `action`, its label).
    """
    if request.method == "POST" and form.is_valid():
        try:
            messages.success(request, save())
            return redirect(back)
        except Invalid as error:
            show_problems(form, error)
    return render(
        request,
        "form.html",
        {"form": form, "title": title, "back": resolve_url(back), "back_label": back_label, "second": second},
    )


def show_problems(form: Form, error: Invalid) -> None:
    """Put the problems of a service beside the form's fields; those without a field go on top."""
    for name, sentences in (error.fields or {"": [error.message]}).items():
        for sentence in sentences:
            form.add_error(name if name in form.fields else None, sentence)
