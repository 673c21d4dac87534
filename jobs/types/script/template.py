"""The service template by which a tenant runs a script of the library."""

from __future__ import annotations

from config.errors import Invalid
from devices.drivers.platforms import script_families
from devices.models import Tenant
from jobs.types.script.planner import content_of
from templates_app.domain.built_in import BuiltInTemplate
from templates_app.domain.scripts import COMMAND, LANGUAGES, Parameter
from templates_app.models import Script, ServiceTemplate
from templates_app.services.built_in import keep_built_in

KEY = "script"


def template_of_script(tenant: Tenant, script: Script, *, as_system: bool = False) -> ServiceTemplate:
    """Return the template by which a tenant runs a script of the library; Invalid where the product cannot run it."""
    if script.execution_type != COMMAND and script.execution_type not in LANGUAGES:
        known = ", ".join([COMMAND, *LANGUAGES])
        raise Invalid(
            fields={"customScript": [f"Scripts of type {script.execution_type} cannot be run; these can: {known}."]}
        )
    parameters = [Parameter(p.number, p.name, p.data_type, p.required, p.default) for p in script.parameters.all()]
    families = script_families()
    platforms = [key for word in script.platforms for key in families.get(word, ())]
    built_in = BuiltInTemplate(
        key=f"{KEY}:{script.pk}{':system' if as_system else ''}",
        name=f"Script: {script.name}{' (system user)' if as_system else ''}",
        description=script.description,
        content=content_of(script.execution_type, script.body, parameters, platforms, as_system=as_system),
    )
    return keep_built_in(tenant, built_in, script=script, by=script.changed_by)
