"""The product's own templates as rows of a tenant: made when they are first wanted, a new version when their content
is new."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from config.errors import Invalid
from devices.drivers.platforms import BY_KEY
from devices.models import Tenant
from templates_app.domain import builtins
from templates_app.domain.builtins import BuiltIn, Parameter
from templates_app.domain.content import TemplateContent
from templates_app.domain.scripts import COMMAND, LANGUAGES
from templates_app.models import Script, ServiceTemplate, TemplateVersion

#: The words for platforms in the script library, and the platforms that they stand for.
SCRIPT_PLATFORMS = {
    "WINDOWS": ("windows",),
    "LINUX": ("linux",),
    "NETWORK": ("cisco_ios", "arista_eos", "juniper_junos"),
}


def template_for(tenant: Tenant, key: BuiltIn) -> ServiceTemplate:
    """Return a tenant's own row of a built-in template, at the product's present content."""
    name, description = builtins.NAMES[key]
    return _kept(tenant, key.value, name, description, content_of(key))


def ensure_all(tenant: Tenant) -> None:
    """See to it that a tenant has every built-in template."""
    for key in BuiltIn:
        template_for(tenant, key)


def ensure_for(tenants: QuerySet[Tenant]) -> None:
    """See to it that these tenants have them: those of which none was ever asked for yet."""
    having = ServiceTemplate.objects.filter(built_in=BuiltIn.APP_INSTALL).values("tenant")
    for tenant in tenants.exclude(pk__in=having)[:50]:
        ensure_all(tenant)


def template_of_script(tenant: Tenant, script: Script, *, as_system: bool = False) -> ServiceTemplate:
    """Return the template by which a tenant runs a script of the library; Invalid where the product cannot run it."""
    if script.execution_type != COMMAND and script.execution_type not in LANGUAGES:
        known = ", ".join([COMMAND, *LANGUAGES])
        raise Invalid(
            fields={"customScript": [f"Scripts of type {script.execution_type} cannot be run; these can: {known}."]}
        )
    parameters = [Parameter(p.number, p.name, p.data_type, p.required, p.default) for p in script.parameters.all()]
    platforms = [key for word in script.platforms for key in SCRIPT_PLATFORMS.get(word, ())]
    content = builtins.script(script.execution_type, script.body, parameters, platforms, as_system)
    key = f"script:{script.pk}{':system' if as_system else ''}"
    name = f"Script: {script.name}{' (system user)' if as_system else ''}"
    return _kept(tenant, key, name[:120], script.description, content, by=script.changed_by)


def content_of(key: BuiltIn) -> TemplateContent:
    """Return what a built-in template does."""
    if key is BuiltIn.AD_CHECK_LIST:
        return builtins.ad_check_list()
    if key is BuiltIn.APP_INSTALL:
        return builtins.app_install()
    running = {p.key: p.show_running for p in BY_KEY.values() if p.show_running}
    startup = {p.key: p.show_startup for p in BY_KEY.values() if p.show_startup}
    return builtins.config_backup(running, startup)


def _kept(
    tenant: Tenant, key: str, name: str, description: str, content: TemplateContent, by: Any = None
) -> ServiceTemplate:
    with transaction.atomic():
        # The tenant's row makes two first uses at once wait for each other.
        found = ServiceTemplate.objects.select_related("current").filter(tenant=tenant, built_in=key).first()
        if found and found.current and found.current.data == content.as_json():
            return found
        Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
        template = ServiceTemplate.objects.select_related("current").filter(tenant=tenant, built_in=key).first()
        if template is None:
            taken = ServiceTemplate.objects.filter(tenant=tenant, name__iexact=name).exists()
            template = ServiceTemplate(tenant=tenant, built_in=key, name=f"{name[:105]} (built in)" if taken else name)
        template.description, template.status = description, ServiceTemplate.Status.READY
        template.save()
        if template.current is None or template.current.data != content.as_json():
            number = template.current.number + 1 if template.current else 1
            template.current = TemplateVersion.objects.create(
                tenant=tenant, template=template, number=number, data=content.as_json(), created_by=by
            )
            ServiceTemplate.objects.filter(pk=template.pk).update(current=template.current)
    return template
