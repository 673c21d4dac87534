"""What an approval policy can be for: a job type, or a service template. `approvals` is told of it by the setting
APPROVAL_KINDS, for it knows no jobs."""

from __future__ import annotations

from django.contrib.auth.models import User

from jobs import types
from jobs.models import ServiceJob
from templates_app import selectors as templates


def groups(user: User) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the kinds that a user may choose, as (heading, [(key, words), …])."""
    rows = templates.visible_templates(user).order_by("tenant__name", "name")
    return [
        ("Job types", [(f"type:{key}", label) for key, label in types.choices()]),
        ("Service templates", [(f"template:{row.pk}", f"{row.name} ({row.tenant.name})") for row in rows]),
    ]


def of_job(job: ServiceJob) -> tuple[str, ...]:
    """Return the kinds that a job is of, the most specific first."""
    return (f"template:{job.template_id}", f"type:{job.job_type}")
