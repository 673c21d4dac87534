"""One line of the log for each request but those for static files, with an id that its answer carries too."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from config.logs import bound

log = logging.getLogger(__name__)
HEADER = "X-Request-ID"
#: Views (by URL name) that something calls every few seconds and nobody wants to read of.
QUIET = ("healthz",)
#: What a URL calls the part of an address that is a secret.
SECRET_PART = "token"


class RequestLog:
    """Gives each request its id (`request.request_id`), binds it to all lines of the request, and writes its line."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.monotonic()
        request.request_id = secrets.token_hex(8)  # type: ignore[attr-defined]
        with bound(request_id=request.request_id):  # type: ignore[attr-defined]
            response = self.get_response(request)
            if request.resolver_match is None or request.resolver_match.url_name not in QUIET:
                path, milliseconds = path_of(request), round((time.monotonic() - began) * 1000, 1)
                told = {"method": request.method, "path": path, "status": response.status_code, "ms": milliseconds}
                words = f"{request.method} {path} {response.status_code}"
                log.info("%s", words, extra={"action": "http.request", **told, **_who(request)})
        response[HEADER] = request.request_id  # type: ignore[attr-defined]
        return response


def path_of(request: HttpRequest) -> str:
    """Return the path of a request, without its query and without the token that stands in it."""
    match = request.resolver_match
    secret = match.kwargs.get(SECRET_PART) if match else None
    return request.path.replace(str(secret), "***") if secret else request.path


def _who(request: HttpRequest) -> dict[str, str]:
    """Return the signed-in user and the chosen tenant, where the request has looked at them anyway: the log asks no
    database."""
    user, session = getattr(request, "user", None), getattr(request, "session", None)
    if isinstance(user, SimpleLazyObject):
        user = getattr(request, "_cached_user", None)
    found = {"by": user.get_username()} if user is not None and user.is_authenticated else {}
    chosen = session.get("tenant") if session is not None and session.accessed else ""
    return found | ({"tenant": chosen} if chosen else {})


class WithoutAddress(logging.Filter):
    """Takes the address out of what Django says of a request that failed: it may hold a token, and `http.request`
    gives it without."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Say instead that it failed, and let it pass."""
        if hasattr(record, "request"):
            record.msg, record.args = "The request failed inside Interlock.", ()
            record.action = "http.failed"
        return True
