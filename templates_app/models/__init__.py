"""Columns and constraints of service templates; collected for Django."""

from templates_app.models.profiles import ConfigurationProfile
from templates_app.models.scripts import Script, ScriptParameter
from templates_app.models.service_templates import ServiceTemplate, TemplateVersion

__all__ = ["ConfigurationProfile", "Script", "ScriptParameter", "ServiceTemplate", "TemplateVersion"]
