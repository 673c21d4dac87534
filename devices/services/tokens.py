"""Make and recognize bearer tokens."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from devices import access
from devices.domain.roles import Verb
from devices.models import ApiToken, Tenant


def create_token(
    *,
    user: User,
    name: str,
    expires_at: datetime | None = None,
    text: str | None = None,
    purpose: str = ApiToken.Purpose.API,
    tenant: Tenant | None = None,
    verbs: Iterable[Verb] = (),
) -> tuple[ApiToken, str]:
    """Return the stored token and its text, which is shown this once. A given `text` makes a demo token.

    It may do what the user may: on `tenant` and below alone, if given, and only the `verbs`, if any are given.
    Invalid where its name is not one line.
    """
    plain = text or f"ilk_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        token = ApiToken.objects.create(
            user=user,
            name=name,
            digest=_digest(plain),
            for_demo=text is not None,
            expires_at=expires_at,
            purpose=purpose,
            tenant=tenant,
            verbs=sorted(verbs),
        )
    return token, plain


def delete_token(*, by: User, pk: int) -> None:
    """Revoke a token of the caller at once."""
    ApiToken.objects.filter(user=by, pk=pk).delete()


def find_user(plain: str, purpose: str = ApiToken.Purpose.API) -> User | None:
    """Return the active user whose token for this purpose it is, or None, with no more rights than the token has.

    Notes the use, at most once a minute.
    """
    now = timezone.now()
    token = ApiToken.objects.select_related("user", "tenant").filter(digest=_digest(plain), purpose=purpose).first()
    if token is None or not access.is_in_use(token.user) or (token.expires_at and token.expires_at <= now):
        return None
    if token.for_demo and not settings.DEMO:
        return None
    if token.last_used_at is None or now - token.last_used_at > timedelta(minutes=1):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    access.limit(token.user, token.tenant, token.verbs)
    return token.user


def _digest(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()
