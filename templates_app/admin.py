"""Templates in Django's admin, for looking."""

from django.contrib import admin

from devices.admin import LookOnly
from templates_app.models import ConfigurationProfile, Script, ServiceTemplate


@admin.register(ServiceTemplate)
class ServiceTemplateAdmin(LookOnly):
    list_display = ["name", "tenant", "status", "changed_at"]
    search_fields = ["name"]
    list_select_related = ["tenant"]


@admin.register(ConfigurationProfile)
class ConfigurationProfileAdmin(LookOnly):
    list_display = ["name", "tenant", "description"]
    search_fields = ["name"]
    list_select_related = ["tenant"]


@admin.register(Script)
class ScriptAdmin(LookOnly):
    list_display = ["name", "tenant", "execution_type"]
    search_fields = ["name"]
    list_select_related = ["tenant"]
