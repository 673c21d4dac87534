"""An address works with and without the slash at its end, and no body is lost on the way."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.urls import is_valid_path
from rest_framework.permissions import SAFE_METHODS

#: Where every method is answered at once; elsewhere a browser that only reads is led to the one address of a page.
API = "/api/"


class EitherSlash:
    """Answers as if the slash stood where the routes have it: a redirect would turn a POST into a GET."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if settings.SECURE_SSL_REDIRECT and request.method not in SAFE_METHODS and not request.is_secure():
            return HttpResponseBadRequest("Ask over https: what was sent here has gone unprotected already.")
        read_only = request.method in SAFE_METHODS and not path.startswith(API)
        if not read_only and not path.endswith("//") and not is_valid_path(path):
            other = path.removesuffix("/") if path.endswith("/") else f"{path}/"
            if is_valid_path(other):
                request.path_info = other
                request.path = f"{request.META.get('SCRIPT_NAME', '').rstrip('/')}{other}"
        return self.get_response(request)
