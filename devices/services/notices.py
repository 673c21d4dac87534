"""Tell people inside the product."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.utils import timezone

from devices.models import Notice


def give(notices: Sequence[Notice]) -> None:
    """Give people these notices; the same key reaches the same person only the first time."""
    if notices:
        Notice.objects.bulk_create(notices, ignore_conflicts=True)


def mark_read(*, by: User) -> int:
    """Mark all notices of the user as read; return how many were not."""
    return Notice.objects.filter(recipient=by, read_at=None).update(read_at=timezone.now())
