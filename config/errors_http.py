"""Turn a ServiceError that leaves a page view into a plain page with the right status."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from config.errors import ServiceError


class ServiceErrorMiddleware:
    """The one place where pages translate errors; the API has its own in `config/api.py`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Show the sentence of the error; leave every other exception alone."""
        if not isinstance(exception, ServiceError):
            return None
        return render(request, "error.html", {"error": exception}, status=exception.status)
