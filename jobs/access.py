"""What a user may do with jobs and runs. A private job exists for its creator only (I-29)."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from devices import access
from devices.domain.roles import Verb
from devices.models import Tenant
from jobs.domain.spec import Visibility
from jobs.models import DeviceRun, JobRun, ServiceJob, Trigger


def jobs_of(user: access.Viewer, rows: QuerySet[ServiceJob]) -> QuerySet[ServiceJob]:
    """Narrow jobs to those the user sees: public ones of his tenants, his own private ones and drafts."""
    shared = Q(visibility=Visibility.PUBLIC, status=ServiceJob.Status.SAVED)
    return access.scoped(user, rows).filter(Q(created_by=user) | shared)


def runs_of(user: access.Viewer, rows: QuerySet[JobRun]) -> QuerySet[JobRun]:
    """Narrow runs to those of jobs the user sees."""
    return access.scoped(user, rows).filter(Q(job__created_by=user) | Q(job__visibility=Visibility.PUBLIC))


def device_runs_of(user: User, rows: QuerySet[DeviceRun]) -> QuerySet[DeviceRun]:
    """Narrow device runs to those of jobs the user sees."""
    visible = Q(run__job__created_by=user) | Q(run__job__visibility=Visibility.PUBLIC)
    return access.scoped(user, rows).filter(visible)


def triggers_of(user: User, rows: QuerySet[Trigger]) -> QuerySet[Trigger]:
    """Narrow triggers to those of saved jobs the user sees."""
    saved = rows.filter(job__deleted_at=None, job__status=ServiceJob.Status.SAVED)
    return access.scoped(user, saved).filter(Q(job__created_by=user) | Q(job__visibility=Visibility.PUBLIC))


def check_may_run(user: User, tenant: Tenant) -> None:
    """Raise unless the user may make and run jobs in the tenant."""
    access.check_may(user, Verb.RUN, tenant)


def may_run(user: User, tenant: Tenant) -> bool:
    """Say whether the user may make and run jobs in the tenant."""
    return access.may(user, Verb.RUN, tenant)


def may_run_anywhere(user: User) -> bool:
    """Say whether the user may make jobs in any tenant."""
    return access.tenants_where(user, Verb.RUN).exists()
