"""A posted form acts once, however often it comes: it carries a token, and where it led is stored with what it did."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect

from config.requests import Request
from devices.services.idempotency import answer_once, earlier_answer


def act_once(request: Request, do: Callable[[], str]) -> HttpResponse:
    """Redirect to where `do` says; a second form with the same token goes there too, and does nothing."""
    key, digest = _key(request)
    if not key:
        return redirect(do())
    _, url, again = answer_once(by=request.user, key=key, digest=digest, do=lambda: (302, do()))
    if again:
        messages.info(request, "This form had been sent already; here is what came of it.")
    return redirect(str(url))


def done_already(request: Request) -> HttpResponse | None:
    """Redirect to what came of a form with this token; None where it is new."""
    key, digest = _key(request)
    found = earlier_answer(by=request.user, key=key, digest=digest) if key else None
    return redirect(str(found)) if found else None


def _key(request: Request) -> tuple[str, str]:
    token = request.POST.get("once", "")
    well_formed = token.isascii() and token.isprintable() and 16 <= len(token) <= 64
    return f"page:{token}" if well_formed else "", sha256(request.path.encode()).hexdigest()
