"""Jobs and runs in Django's admin, for looking."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from devices.admin import LookOnly
from jobs import access
from jobs.models import JobRun, ServiceJob


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
        "created_by",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return access.jobs_of(request.user, super().get_queryset(request))


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
