"""URLs of templates and profiles."""

from django.urls import path

from templates_app import views

urlpatterns = [
    path("templates/", views.template_list, name="templates"),
    path("templates/new/", views.edit_template, name="new-template"),
    path("templates/<int:pk>/", views.template, name="template"),
    path("templates/<int:pk>/edit/", views.edit_template, name="edit-template"),
    path("profiles/", views.profile_list, name="profiles"),
    path("profiles/new/", views.edit_profile, name="new-profile"),
    path("profiles/<int:pk>/", views.edit_profile, name="edit-profile"),
]
