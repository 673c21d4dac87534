"""Jobs and runs in Django's admin, for looking."""

from typing import cast

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe

from approvals import selectors as approvals
from approvals.models import ApprovalRequest
from approvals.web import decision
from config.requests import Request
from config.ui import wall
from devices.admin import LookOnly
from jobs import access, selectors
from jobs.models import JobRun, ServiceJob
from jobs.schedule import next_times
from jobs.web.approvals import facts


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

    def get_queryset(self, request: HttpRequest) -> QuerySet[ServiceJob]:
        return access.jobs_of(request.user, super().get_queryset(request))

    @admin.display(description="Schedule")
    def schedule(self, job: ServiceJob) -> str:
        """Each trigger in words."""
        lines = [(f"{found['row']}: {found['words']}",) for found in next_times.described(job)]
        return format_html_join(mark_safe("<br>"), "{}", lines) or "Started by hand"

    @admin.display(description="Coming runs")
    def coming(self, job: ServiceJob) -> str:
        """The same preview as everywhere."""
        rows = [
            (
                wall(found.occurrence.local),
                f"removed by {found.removed_by}" if found.removed_by else found.occurrence.note,
            )
            for found in next_times.preview(job, timezone.now())
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

    def get_queryset(self, request: HttpRequest) -> QuerySet[JobRun]:
        return access.runs_of(request.user, super().get_queryset(request))


@admin.register(ApprovalRequest)
class ApprovalRequestAdmin(LookOnly):
    """The approvers' queue: a request's page shows the plan and decides, by the same verbs as everywhere else."""

    list_display = ["title", "tenant", "status", "requested_by", "created_at", "waits_for_you"]
    search_fields = ["title", "summary"]
    list_filter = ["status"]
    list_select_related = ["tenant", "requested_by"]
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApprovalRequest]:
        self.waiting = set(approvals.waiting_for(cast(User, request.user)).values_list("pk", flat=True))
        rows = super().get_queryset(request).defer("content_z")
        return rows.filter(subject__in=selectors.visible_jobs(cast(User, request.user)).values("approval_subject"))

    @admin.display(boolean=True, description="Waits for you")
    def waits_for_you(self, asked: ApprovalRequest) -> bool:
        """Say whether the viewer may decide it."""
        return asked.pk in self.waiting

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """Read the plan, approve, reject, comment, close."""
        asked = self.get_object(request, object_id)
        if asked is None or not self.has_view_permission(request, asked):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        jobs, now = selectors.visible_jobs(request.user), timezone.now()
        job = get_object_or_404(jobs, approval_subject=asked.subject_id)
        problem = decision.take(cast(Request, request), asked, now)
        if problem == "":
            self.message_user(request, "Recorded.")
            return HttpResponseRedirect(request.get_full_path())
        context = {
            **self.admin_site.each_context(request),
            "title": f"Approval of {job.name}",
            "opts": self.opts,
            "problem": problem,
            **facts(cast(Request, request), job, asked, now),
        }
        return TemplateResponse(request, "jobs/admin_approval.html", context)
