"""Mark the accounts of the demo. What the mark means is said in one place: `devices.access.is_in_use`."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.contrib.auth.models import User

from devices.models import DemoAccount


def mark(people: Iterable[User]) -> None:
    """Mark accounts as the demo's; those that are marked stay so."""
    DemoAccount.objects.bulk_create([DemoAccount(user=person) for person in people], ignore_conflicts=True)


def mark_in_demo(person: User) -> None:
    """Mark an account whose password was set on a page in demo mode, where whoever likes is an administrator."""
    if settings.DEMO:
        mark([person])
