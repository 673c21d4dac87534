"""URLs of jobs, the wizard and runs."""

from django.urls import path, re_path

from jobs import approval_views, calendar_views, filter_views, run_views, views
from jobs.wizard import views as wizard

STEP = "(?P<step>details|tasks|schedule)"

urlpatterns = [
    path("", views.home, name="dashboard"),
    path("jobs/", views.job_list, name="jobs"),
    path("jobs/new/", wizard.new_job, name="new-job"),
    path("jobs/sample.csv", wizard.sample_csv, name="sample-csv"),
    path("jobs/<uuid:pk>/", views.job, name="job"),
    path("jobs/<uuid:pk>/approval/", approval_views.approval, name="approval"),
    path("jobs/<uuid:pk>/request/", approval_views.request_approval, name="request-approval"),
    path("jobs/<uuid:pk>/run/", views.run_now, name="run-now"),
    path("jobs/<uuid:pk>/edit/", views.edit, name="edit-job"),
    path("jobs/<uuid:pk>/switch/", views.switch, name="switch-job"),
    path("jobs/<uuid:pk>/delete/", views.delete, name="delete-job"),
    re_path(f"^drafts/(?P<pk>[0-9a-f-]{{36}})/{STEP}/$", wizard.wizard, name="wizard"),
    re_path(f"^drafts/(?P<pk>[0-9a-f-]{{36}})/{STEP}/live/$", wizard.live, name="wizard-live"),
    path("drafts/<uuid:pk>/discard/", wizard.discard, name="discard-draft"),
    path("drafts/<uuid:pk>/picker/", wizard.picker, name="wizard-picker"),
    path("calendar/", calendar_views.calendar_page, name="calendar"),
    path("calendar/feed/<str:token>.ics", calendar_views.feed, name="calendar-feed"),
    path("filters/", filter_views.filter_list, name="filters"),
    path("filters/new/", filter_views.edit_filter, name="new-filter"),
    path("filters/<int:pk>/", filter_views.edit_filter, name="edit-filter"),
    path("runs/", run_views.run_list, name="runs"),
    path("runs/<int:pk>/", run_views.run, name="run"),
    path("runs/<int:pk>/board/", run_views.board, name="run-board"),
    path("runs/<int:pk>/cancel/", run_views.cancel, name="cancel-run"),
    path("runs/<int:pk>/resume/", run_views.resume, name="resume-run"),
    path("runs/<int:pk>/again/", run_views.again, name="run-again"),
    path("runs/<int:pk>/devices/<int:device_pk>/cancel/", run_views.cancel_device, name="cancel-device"),
    path("runs/<int:pk>/devices/<int:device_pk>/release/", run_views.release_device, name="release-device"),
    path("runs/<int:pk>/devices/<int:device_pk>/", run_views.device_run, name="device-run"),
    path("runs/<int:pk>/devices/<int:device_pk>/raw/", run_views.raw, name="device-run-raw"),
]
