"""Signing in with a password: every face that takes one comes through `Guarded`."""

from __future__ import annotations

import logging
import secrets

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.crypto import salted_hmac

from config import limits
from devices import access
from devices.services import sign_in
from devices.web import forms

log = logging.getLogger(__name__)
SALT = "devices.web.sign_in"
SECONDS_OF_A_DAY = 86_400


class Guarded(ModelBackend):
    """Looks at a password only while there is a budget for it, and says no otherwise, known account or not."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **more: object
    ) -> User | None:
        """Return the account; PermissionDenied where the password is wrong or is not looked at.

        A request that is held off is marked with `held_off`.
        """
        if username is None or password is None:
            return None
        account = username[:150]
        address = request.META.get("REMOTE_ADDR", "") if request else ""
        paid_from = sign_in.budgets(account=account, address=address, browser=remembered(request, account))
        if not sign_in.pay(paid_from, now=timezone.now()):
            if request:
                request.held_off = True  # type: ignore[attr-defined]
            about = {"account": account, "address": address}
            words = "Sign-in to %s from %s is held off."
            log.warning(words, account, address, extra={"action": "sign_in.held_off", **about})
            raise PermissionDenied
        found = super().authenticate(request, username=username, password=password)
        if found is None:
            raise PermissionDenied
        sign_in.give_back(paid_from)
        return found

    def user_can_authenticate(self, user: access.Viewer | None) -> bool:
        """Say whether anybody may be this user; asked for a password and for each request of a session."""
        return isinstance(user, User) and access.is_in_use(user)


class SignIn(LoginView):
    """The sign-in page, of the product and of Django's admin."""

    template_name = "registration/sign_in.html"
    authentication_form = forms.SignInForm
    redirect_authenticated_user = True
    extra_context = {"demo": settings.DEMO}

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Sign in, and remember the browser for this account."""
        response, account = super().form_valid(form), form.get_user().get_username()
        if not remembered(self.request, account):
            response.set_cookie(
                _cookie(account),
                signing.dumps([account, secrets.token_hex(16)], salt=SALT),
                max_age=limits.REMEMBERED_DAYS * SECONDS_OF_A_DAY,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Say what is wrong, or that there were too many wrong passwords, whatever was typed this time."""
        if not getattr(self.request, "held_off", False):
            return super().form_invalid(form)
        again = forms.SignInForm(self.request, initial={"username": self.request.POST.get("username", "")})
        words = {"demo": settings.DEMO, "minutes": max(1, round(settings.SIGN_IN_MINUTES)), "form": again}
        return render(self.request, self.template_name, words | {"next": self.request.POST.get("next", "")}, status=429)


def remembered(request: HttpRequest | None, account: str) -> str:
    """Return the id of the request's browser where the account has signed in from it, else an empty text."""
    given = request.COOKIES.get(_cookie(account), "") if request else ""
    try:
        owner, browser = signing.loads(given, salt=SALT, max_age=limits.REMEMBERED_DAYS * SECONDS_OF_A_DAY)
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    return browser if owner == account else ""


def _cookie(account: str) -> str:
    return f"browser-{salted_hmac(SALT, account).hexdigest()[:12]}"
