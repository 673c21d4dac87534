"""Policies and delegations in Django's admin, for looking; approvers decide on the page of `jobs.admin`."""

from django.contrib import admin

from approvals.models import ApprovalDelegate, ApprovalPolicy
from devices.admin import LookOnly


@admin.register(ApprovalPolicy)
class ApprovalPolicyAdmin(LookOnly):
    list_display = ["tenant", "applies_to", "steps", "expires_after_days"]
    list_select_related = ["tenant"]


@admin.register(ApprovalDelegate)
class ApprovalDelegateAdmin(LookOnly):
    list_display = ["person", "delegate", "first", "last", "tenant"]
    list_select_related = ["tenant", "person", "delegate"]
