"""Jobs and runs in Django's admin, for looking."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe

from config.ui import wall
from devices.admin import LookOnly
from jobs import access
from jobs.models import JobRun, ServiceJob
from jobs.services import scheduling


@admin.register(ServiceJob)
class ServiceJobAdmin(LookOnly):
    list_display = ["name", "tenant", "template", "status", "enabled", "created_by"]
    search_fields = ["name"]
    list_filter = ["status", "enabled"]
    list_select_related = ["tenant", "template", "created_by"]
    fields = [
        "name",
        "description",
        "tenant",
        "template",
        "job_type",
        "status",
        "enabled",
        "snapshots",
        "visibility",
        "overlap",
        "in_queue",
        "created_by",
        "schedule",
        "coming",
    ]
    readonly_fields = ["schedule", "coming"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return access.jobs_of(request.user, super().get_queryset(request))

    @admin.display(description="Schedule")
    def schedule(self, job: ServiceJob) -> str:
        """Each trigger in words."""
        lines = [(f"{found['row']}: {found['words']}",) for found in scheduling.described(job)]
        return format_html_join(mark_safe("<br>"), "{}", lines) or "Started by hand"

    @admin.display(description="Coming runs")
    def coming(self, job: ServiceJob) -> str:
        """The same preview as everywhere."""
        rows = [
            (
                wall(found.occurrence.local),
                f"removed by {found.removed_by}" if found.removed_by else found.occurrence.note,
            )
            for found in scheduling.preview(job, timezone.now())
        ]
        return format_html_join(mark_safe("<br>"), "{} {}", rows) or "None"


@admin.register(JobRun)
class JobRunAdmin(LookOnly):
    list_display = ["id", "job_name", "tenant", "status", "executed_by", "started_at", "ended_at"]
    search_fields = ["job_name"]
    list_filter = ["status"]
    list_select_related = ["tenant", "executed_by"]
    fields = [
        "job_name",
        "tenant",
        "status",
        "reason",
        "template_name",
        "template_version",
        "executed_by",
        "started_at",
        "ended_at",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return access.runs_of(request.user, super().get_queryset(request))
