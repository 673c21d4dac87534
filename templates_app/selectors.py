"""Tenant-scoped reads of templates, profiles and scripts."""

from __future__ import annotations

from django.db.models import QuerySet

from devices import access
from devices.domain.roles import Verb
from devices.models import Tenant
from devices.selectors import own_and_above
from templates_app.models import ConfigurationProfile, Script, ServiceTemplate, TemplateVersion


def visible_templates(user: access.Viewer) -> QuerySet[ServiceTemplate]:
    """Templates the user sees, with their current version."""
    return access.scoped(user, ServiceTemplate.objects.select_related("tenant", "current"))


def usable_templates(user: access.Viewer) -> QuerySet[ServiceTemplate]:
    """Templates from which the user may make a job: ready ones where he may run jobs."""
    ready = ServiceTemplate.objects.select_related("tenant", "current").filter(status="ready", current__isnull=False)
    return access.scoped(user, ready, Verb.RUN)


def visible_versions(user: access.Viewer) -> QuerySet[TemplateVersion]:
    """Versions of templates the user sees."""
    return access.scoped(user, TemplateVersion.objects.select_related("template", "created_by", "tenant"))


def visible_profiles(user: access.Viewer) -> QuerySet[ConfigurationProfile]:
    """Configuration profiles the user sees."""
    return access.scoped(user, ConfigurationProfile.objects.select_related("tenant"))


def profiles_of(tenant: Tenant) -> QuerySet[ConfigurationProfile]:
    """Configuration profiles of one tenant."""
    return ConfigurationProfile.objects.filter(tenant=tenant)


def scripts_for(tenant: Tenant) -> QuerySet[Script]:
    """Scripts that a tenant may run: its own and those of the tenants above it."""
    return Script.objects.filter(tenant__in=own_and_above(tenant)).prefetch_related("parameters")


def visible_scripts(user: access.Viewer) -> QuerySet[Script]:
    """Scripts the user sees."""
    return access.scoped(user, Script.objects.select_related("tenant")).prefetch_related("parameters")
