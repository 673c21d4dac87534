"""Tell people inside the product."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from devices.models import Notice, Tenant


def tell(*, tenant: Tenant, recipients: Iterable[Any], key: str, text: str, url: str) -> None:
    """Give each recipient the message once; the same key reaches the same person only the first time."""
    now = timezone.now()
    Notice.objects.bulk_create(
        [
            Notice(tenant=tenant, recipient=user, key=key, text=text[:300], url=url, created_at=now)
            for user in recipients
        ],
        ignore_conflicts=True,
    )


def mark_read(*, by: Any) -> int:
    """Mark all notices of the user as read; return how many were not."""
    return Notice.objects.filter(recipient=by, read_at=None).update(read_at=timezone.now())
