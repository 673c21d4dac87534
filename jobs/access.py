"""What a user may do with jobs and runs.

A private job exists for its creator only (I-29), and from the moment at which he asks for its approval, for those who
may decide: a job, its runs and its requests have one rule.
"""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from approvals import selectors as approvals
from devices import access
from devices.domain.roles import Verb
from devices.models import Tenant
from jobs.domain.spec import Visibility
from jobs.models import DeviceRun, JobRun, ServiceJob, Trigger


def jobs_of(user: access.Viewer, rows: QuerySet[ServiceJob]) -> QuerySet[ServiceJob]:
    """Narrow jobs to those the user sees: public ones of his tenants, his own private ones and drafts."""
    return access.scoped(user, rows).filter(_shown(user))


def hidden_from(user: User, rows: QuerySet[ServiceJob]) -> QuerySet[ServiceJob]:
    """Narrow jobs to those the user does not see though he sees their tenant."""
    return rows.exclude(_shown(user))


def _shown(user: access.Viewer, job: str = "") -> Q:
    """Return the rule, for rows that reach their job by `job` (empty, or a lookup that ends in two underscores)."""
    own = Q(**{f"{job}created_by": user})
    public = Q(**{f"{job}visibility": Visibility.PUBLIC, f"{job}status": ServiceJob.Status.SAVED})
    asked = Q(**{f"{job}approval_subject__isnull": False, f"{job}tenant__in": approvals.deciding_tenants(user)})
    return own | public | asked


def runs_of(user: access.Viewer, rows: QuerySet[JobRun]) -> QuerySet[JobRun]:
    """Narrow runs to those of jobs the user sees."""
    return access.scoped(user, rows).filter(_shown(user, "job__"))


def device_runs_of(user: User, rows: QuerySet[DeviceRun]) -> QuerySet[DeviceRun]:
    """Narrow device runs to those of jobs the user sees."""
    return access.scoped(user, rows).filter(_shown(user, "run__job__"))


def triggers_of(user: User, rows: QuerySet[Trigger]) -> QuerySet[Trigger]:
    """Narrow triggers to those of saved jobs the user sees."""
    saved = rows.filter(job__deleted_at=None, job__status=ServiceJob.Status.SAVED)
    return access.scoped(user, saved).filter(_shown(user, "job__"))


def check_may_run(user: User, tenant: Tenant) -> None:
    """Raise unless the user may make and run jobs in the tenant."""
    access.check_may(user, Verb.RUN, tenant)


def may_run(user: User, tenant: Tenant) -> bool:
    """Say whether the user may make and run jobs in the tenant."""
    return access.may(user, Verb.RUN, tenant)


def may_run_anywhere(user: User) -> bool:
    """Say whether the user may make jobs in any tenant."""
    return access.tenants_where(user, Verb.RUN).exists()
