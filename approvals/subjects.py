"""What stands behind a subject. Who knows the things that are approved says it, in the module that the setting
APPROVAL_SUBJECTS names."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from importlib import import_module
from typing import Protocol, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet

from approvals.models import ApprovalRequest


class Subjects(Protocol):
    """What this app must be told of the things behind its subjects."""

    def editors(self, subjects: Collection[int]) -> dict[int, set[int]]:
        """Return who (ids) has shaped what each subject (id) stands for, as of now."""
        ...

    def shown(self, user: User, rows: QuerySet[ApprovalRequest]) -> QuerySet[ApprovalRequest]:
        """Narrow requests to those about things that the user may see."""
        ...


@cache
def subjects() -> Subjects:
    """Return the module that knows."""
    return cast(Subjects, import_module(settings.APPROVAL_SUBJECTS))
