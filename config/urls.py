"""Every URL of the product, by app; views are named by string so that config imports no app."""

from django.contrib import admin
from django.urls import include, path

admin.site.site_header = "Interlock"
admin.site.site_title = "Interlock"
admin.site.index_title = "Administration"

urlpatterns = [
    path("", include("jobs.urls")),
    path("", include("approvals.urls")),
    path("", include("templates_app.urls")),
    path("", include("devices.urls")),
    path("api/", include(("jobs.api.urls", "api"), namespace="api")),
    path("admin/", admin.site.urls),
]
