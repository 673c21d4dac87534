"""URLs of approvals."""

from django.urls import path

from approvals import settings_views, views

urlpatterns = [
    path("approvals/", views.approval_log, name="approval-log"),
    path("approvals/policies/", settings_views.policy_list, name="policies"),
    path("approvals/policies/new/", settings_views.edit_policy, name="new-policy"),
    path("approvals/policies/<int:pk>/", settings_views.edit_policy, name="edit-policy"),
    path("approvals/standing-in/", settings_views.delegations, name="delegations"),
    path("approvals/standing-in/<int:pk>/end/", settings_views.end_delegation, name="end-delegation"),
]
