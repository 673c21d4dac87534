"""Pages of the signed-in person: sign out, the chosen customer, notices, tokens; and the health check."""

from django.contrib import messages
from django.contrib.auth.views import LogoutView
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from config.errors import Invalid
from config.pages import show_problems
from config.requests import Request
from devices import selectors
from devices.models import ApiToken
from devices.services import notices, tokens
from devices.web import forms


class SignOut(LogoutView):
    """Sign out (POST)."""


@require_POST
def choose_tenant(request: Request) -> HttpResponse:
    """Remember the customer whose things the lists show."""
    key = request.POST.get("tenant", "").replace("\x00", "")
    visible = selectors.visible_tenants(request.user).filter(key=key).exists()
    request.session["tenant"] = key if visible else ""
    target = request.POST.get("next", "/")
    safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(target if safe else "/")


def notice_page(request: Request) -> HttpResponse:
    """The user's notices; POST marks them read."""
    if request.method == "POST":
        notices.mark_read(by=request.user)
        return redirect("notices")
    return render(request, "devices/notices.html", {"notices": selectors.notices_of(request.user)[:100]})


def token_page(request: Request) -> HttpResponse:
    """The user's API tokens; a new one is shown once."""
    mine = selectors.visible_tenants(request.user).order_by("name")
    form, shown = forms.TokenForm(request.POST or None, tenants=mine), ""
    if request.method == "POST" and form.is_valid():
        try:
            token, shown = tokens.create_token(user=request.user, **form.cleaned_data)
            if token.purpose == ApiToken.Purpose.CALENDAR:
                shown = request.build_absolute_uri(f"/calendar/feed/{shown}.ics")
            form = forms.TokenForm(None, tenants=mine)
        except Invalid as error:
            show_problems(form, error)
    return render(
        request, "devices/tokens.html", {"form": form, "shown": shown, "tokens": selectors.tokens_of(request.user)}
    )


@require_POST
def drop_token(request: Request, pk: int) -> HttpResponse:
    """Revoke a token."""
    tokens.delete_token(by=request.user, pk=pk)
    messages.success(request, "The token was revoked; it works no more.")
    return redirect("tokens")


def healthz(request: Request) -> JsonResponse:
    """Say that the web process answers."""
    return JsonResponse({"status": "ok"})
