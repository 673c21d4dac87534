"""Every page needs a signed-in user unless it says otherwise; a page added tomorrow is closed by default."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

#: The calendar feed carries its own secret in the address.
OPEN = ("sign-in", "admin-sign-in", "sign-out", "healthz", "calendar-feed")


class SignInRequired:
    """Send anonymous visitors to the sign-in page; the API answers for itself (401)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> HttpResponse | None:
        """Let through who is signed in, what is open, and what the API and the admin guard themselves."""
        match = request.resolver_match
        if request.user.is_authenticated or match is None or match.url_name in OPEN:
            return None
        if match.namespace in ("api", "admin") or match.app_name == "admin":
            return None
        return redirect(f"{reverse('sign-in')}?next={request.get_full_path()}")
