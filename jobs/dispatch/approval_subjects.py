"""What stands behind the subjects of approval requests: jobs. `approvals` is told of it by the setting
APPROVAL_SUBJECTS, for it knows no jobs."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.auth.models import User
from django.db.models import QuerySet

from approvals.models import ApprovalRequest
from jobs import access
from jobs.models import ServiceJob


def editors(subjects: Collection[int]) -> dict[int, set[int]]:
    """Return who (ids) has shaped the job of each subject (id): whoever edited it or one of its triggers."""
    rows = ServiceJob.objects.filter(approval_subject__in=subjects).only("approval_subject", "edits")
    return {row.approval_subject_id or 0: set(row.editors) for row in rows}


def shown(user: User, rows: QuerySet[ApprovalRequest]) -> QuerySet[ApprovalRequest]:
    """Narrow requests to those about jobs that the user sees: a job and its requests have one rule."""
    hidden = access.hidden_from(user, ServiceJob.objects.exclude(approval_subject=None))
    return rows.exclude(subject__in=hidden.values("approval_subject"))
