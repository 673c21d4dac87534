"""URLs of templates and profiles."""

from django.urls import path

from templates_app.web import templates

urlpatterns = [
    path("templates/", templates.template_list, name="templates"),
    path("templates/new/", templates.edit_template, name="new-template"),
    path("templates/<int:pk>/", templates.template, name="template"),
    path("templates/<int:pk>/edit/", templates.edit_template, name="edit-template"),
    path("profiles/", templates.profile_list, name="profiles"),
    path("profiles/new/", templates.edit_profile, name="new-profile"),
    path("profiles/<int:pk>/", templates.edit_profile, name="edit-profile"),
]
