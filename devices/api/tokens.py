"""Bearer tokens as a way to sign in to the API."""

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request

from devices.services import sign_in, tokens


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`; without the header, other ways are tried."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """Return the token's user; 401 for a wrong, expired or revoked one."""
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        user = tokens.find_user(words[1].decode("latin-1")) if len(words) == 2 else None
        if user is None and not sign_in.pay(sign_in.of_tokens(request.META.get("REMOTE_ADDR", "")), now=timezone.now()):
            raise Throttled(settings.SIGN_IN_MINUTES * 60, "Too many wrong tokens came from your address.")
        if user is None:
            raise AuthenticationFailed("The bearer token is not valid: it is unknown, expired or revoked.")
        return user, None

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme in a 401."""
        return "Bearer"


class BearerScheme(OpenApiAuthenticationExtension):
    """Describe it in the OpenAPI document."""

    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """Return the OpenAPI security scheme."""
        return {"type": "http", "scheme": "bearer"}
