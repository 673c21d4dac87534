"""Write scripts of the library: every edit of what runs makes its next version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from config.errors import Invalid
from devices.drivers.platforms import script_families
from devices.models import Tenant
from devices.services import audit
from templates_app import access
from templates_app.domain import rendering
from templates_app.domain.scripts import COMMAND, LANGUAGES, Parameter, identifier, parameter_name
from templates_app.domain.variables import BUILT_IN
from templates_app.models import Script, ScriptParameter

TYPES = (COMMAND, *LANGUAGES)
DATA_TYPES = ("STRING", "INTEGER", "PASSWORD")
MOST = 64 * 1024


def save_script(
    *,
    by: Any,
    tenant: Tenant,
    instance: Script | None = None,
    parameters: Sequence[Parameter] | None = None,
    **values: Any,
) -> Script:
    """Make or change a script; `parameters` replaces them. Invalid names the fields."""
    if by is not None:
        access.check_may_author(by, tenant)
    script = instance or Script(tenant=tenant, number=0)
    before = (script.body, script.execution_type, script.platforms)
    for field, value in values.items():
        setattr(script, field, value)
    rows = list(parameters) if parameters is not None else _stored(script)
    problems = _problems(script, rows)
    if problems:
        raise Invalid(fields=problems)
    changed = (script.body, script.execution_type, script.platforms) != before or rows != _stored(script)
    script.number += 1 if changed or instance is None else 0
    script.changed_by = by
    with transaction.atomic():
        script.save()
        if rows != _stored(script):
            script.parameters.all().delete()
            ScriptParameter.objects.bulk_create(
                ScriptParameter(
                    tenant=tenant,
                    script=script,
                    number=row.number,
                    name=row.name,
                    required=row.required,
                    data_type=row.data_type,
                    default=row.default,
                )
                for row in rows
            )
        audit.record(tenant=tenant, by=by, action="script.saved", subject=script.name, version=script.number)
    return script


def _stored(script: Script) -> list[Parameter]:
    if script.pk is None:
        return []
    rows = ScriptParameter.objects.filter(script=script).order_by("number")
    return [Parameter(p.number, p.name, p.data_type, p.required, p.default) for p in rows]


def _problems(script: Script, parameters: Sequence[Parameter]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    if script.execution_type not in TYPES:
        found["execution_type"] = [f"Choose one of: {', '.join(TYPES)}."]
    families = script_families()
    if unknown := [word for word in script.platforms if word not in families]:
        found["platforms"] = [f"Unknown: {', '.join(map(str, unknown))}. Known: {', '.join(families)}."]
    if not script.body.strip() or len(script.body) > MOST or "\x00" in script.body:
        found["body"] = ["Write the script, at most 64 KB."]
    others = Script.objects.filter(tenant=script.tenant, name__iexact=script.name).exclude(pk=script.pk)
    if others.exists():
        found["name"] = [f"A script named '{script.name}' exists in this tenant; choose another name."]
    names = [identifier(parameter.name).lower() for parameter in parameters]
    for index, parameter in enumerate(parameters):
        if parameter.data_type not in DATA_TYPES:
            found[f"parameters.{index}.data_type"] = [f"Choose one of: {', '.join(DATA_TYPES)}."]
        if parameter.default and parameter.data_type == "PASSWORD":
            found[f"parameters.{index}.default"] = ["A password has no default; it would be readable."]
        if names.count(names[index]) > 1 or [p.number for p in parameters].count(parameter.number) > 1:
            found[f"parameters.{index}.name"] = ["Another parameter has this name, or this number."]
    if script.execution_type == COMMAND and "body" not in found:
        known = {parameter_name(parameter.number) for parameter in parameters} | set(BUILT_IN)
        try:
            rendering.check_text(script.body, known)
        except rendering.TemplateProblem as problem:
            found["body"] = [str(problem)]
    return found
