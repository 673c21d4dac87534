"""What a policy can be for. Who knows the things that are approved says it, named by the setting APPROVAL_KINDS."""

from __future__ import annotations

from functools import cache
from typing import Protocol, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.utils.module_loading import import_string

#: What a policy is for that names no kind.
EVERYTHING = ("", "Every change")


class KindGroups(Protocol):
    """Returns the kinds that a user may choose, as (heading, [(key, words), …])."""

    def __call__(self, user: User) -> list[tuple[str, list[tuple[str, str]]]]: ...


@cache
def _groups() -> KindGroups:
    return cast(KindGroups, import_string(settings.APPROVAL_KINDS))


def choices(user: User) -> list[tuple[str, str | list[tuple[str, str]]]]:
    """Return the choices of a form: every change, then the kinds by heading."""
    return [EVERYTHING, *_groups()(user)]


def words_of(user: User) -> dict[str, str]:
    """Return the words for each kind that a user may choose, and for every change."""
    return dict([EVERYTHING, *(pair for _, pairs in _groups()(user) for pair in pairs)])
