"""What the checks of a run found, check by check, for its page."""

from __future__ import annotations

from django.db.models import Count, Q

from jobs.models import JobRun, StepResult
from templates_app.domain.checks import Verdict


def verdicts_of(run: JobRun) -> dict[str, object]:
    """Return `rows`, one for each check in order: its name, and on how many devices it passed, warned and failed."""
    found = StepResult.objects.filter(device_run__run=run).exclude(verdict="").values("position", "name")
    counts = {verdict.value: Count("pk", filter=Q(verdict=verdict.value)) for verdict in Verdict}
    named = {f"{verdict}_count": count for verdict, count in counts.items()}
    return {"rows": list(found.annotate(**named).order_by("position", "name"))}
