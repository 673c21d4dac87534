"""URLs of jobs, the wizard and runs."""

from django.urls import path, re_path

from jobs.web import approvals, calendar, filters, jobs, runs
from jobs.web.wizard import views as wizard

STEP = "(?P<step>details|tasks|schedule)"

urlpatterns = [
    path("", jobs.home, name="dashboard"),
    path("jobs/", jobs.job_list, name="jobs"),
    path("jobs/new/", wizard.new_job, name="new-job"),
    path("jobs/sample.csv", wizard.sample_csv, name="sample-csv"),
    path("jobs/<uuid:pk>/", jobs.job, name="job"),
    path("jobs/<uuid:pk>/approval/", approvals.approval, name="approval"),
    path("jobs/<uuid:pk>/request/", approvals.request_approval, name="request-approval"),
    path("jobs/<uuid:pk>/run/", jobs.run_now, name="run-now"),
    path("jobs/<uuid:pk>/run-without-approval/", jobs.run_unapproved, name="run-unapproved"),
    path("jobs/<uuid:pk>/edit/", jobs.edit, name="edit-job"),
    path("jobs/<uuid:pk>/switch/", jobs.switch, name="switch-job"),
    path("jobs/<uuid:pk>/delete/", jobs.delete, name="delete-job"),
    re_path(f"^drafts/(?P<pk>[0-9a-f-]{{36}})/{STEP}/$", wizard.wizard, name="wizard"),
    re_path(f"^drafts/(?P<pk>[0-9a-f-]{{36}})/{STEP}/live/$", wizard.live, name="wizard-live"),
    path("drafts/<uuid:pk>/discard/", wizard.discard, name="discard-draft"),
    path("drafts/<uuid:pk>/picker/", wizard.picker, name="wizard-picker"),
    path("calendar/", calendar.calendar_page, name="calendar"),
    path("calendar/feed/<str:token>.ics", calendar.feed, name="calendar-feed"),
    path("filters/", filters.filter_list, name="filters"),
    path("filters/new/", filters.edit_filter, name="new-filter"),
    path("filters/<int:pk>/", filters.edit_filter, name="edit-filter"),
    path("runs/", runs.run_list, name="runs"),
    path("runs/<int:pk>/", runs.run, name="run"),
    path("runs/<int:pk>/board/", runs.board, name="run-board"),
    path("runs/<int:pk>/cancel/", runs.cancel, name="cancel-run"),
    path("runs/<int:pk>/resume/", runs.resume, name="resume-run"),
    path("runs/<int:pk>/again/", runs.again, name="run-again"),
    path("runs/<int:pk>/devices/<int:device_pk>/cancel/", runs.cancel_device, name="cancel-device"),
    path("runs/<int:pk>/devices/<int:device_pk>/release/", runs.release_device, name="release-device"),
    path("runs/<int:pk>/devices/<int:device_pk>/", runs.device_run, name="device-run"),
    path("runs/<int:pk>/devices/<int:device_pk>/raw/", runs.raw, name="device-run-raw"),
]
