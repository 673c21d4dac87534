"""URLs of approvals."""

from django.urls import path

from approvals.web import requests, settings

urlpatterns = [
    path("approvals/", requests.approval_log, name="approval-log"),
    path("approvals/policies/", settings.policy_list, name="policies"),
    path("approvals/policies/new/", settings.edit_policy, name="new-policy"),
    path("approvals/policies/<int:pk>/", settings.edit_policy, name="edit-policy"),
    path("approvals/standing-in/", settings.delegations, name="delegations"),
    path("approvals/standing-in/<int:pk>/end/", settings.end_delegation, name="end-delegation"),
]
