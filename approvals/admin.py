"""Approval requests in Django's admin, for looking; deciding stands on the request's own page."""

from django.contrib import admin

from approvals.models import ApprovalPolicy, ApprovalRequest
from devices.admin import LookOnly


@admin.register(ApprovalRequest)
class ApprovalRequestAdmin(LookOnly):
    list_display = ["title", "tenant", "status", "requested_by", "created_at"]
    search_fields = ["title"]
    list_filter = ["status"]
    list_select_related = ["tenant", "requested_by"]


@admin.register(ApprovalPolicy)
class ApprovalPolicyAdmin(LookOnly):
    list_display = ["tenant", "required"]
    list_select_related = ["tenant"]
