"""URLs of approvals."""

from django.urls import path

from approvals import views

urlpatterns = [path("approvals/", views.approval_log, name="approval-log")]
