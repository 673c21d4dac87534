"""Write scripts of the library: every edit of what runs makes its next version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Unpack

from django.contrib.auth.models import User
from django.db import transaction

from config.errors import Invalid
from config.one_line import flaw
from devices.drivers.platforms import script_families
from devices.models import Tenant
from devices.services import audit
from templates_app import access
from templates_app.domain import rendering
from templates_app.domain.scripts import COMMAND, LANGUAGES, Parameter, identifier
from templates_app.domain.variables import BUILT_IN
from templates_app.models import Script, ScriptParameter
from templates_app.services.values import ScriptValues

EXECUTION_TYPES = (COMMAND, *LANGUAGES)
DATA_TYPES = ("STRING", "INTEGER", "PASSWORD")
MOST_BODY_CHARACTERS = 64 * 1024


def save_script(
    *,
    by: User,
    tenant: Tenant,
    instance: Script | None = None,
    parameters: Sequence[Parameter] | None = None,
    **values: Unpack[ScriptValues],
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
    """Return what is wrong with a script, by field; lines for devices are read as a template where all else of the
    body holds."""
    said = {
        "execution_type": _type_problem(script.execution_type),
        "platforms": _platforms_problem(script.platforms),
        "body": "" if _is_body(script.body) else "Write the script, at most 64 KB.",
        "name": _name_problem(script),
        **_parameter_problems(parameters),
    }
    found = {field: [sentence] for field, sentence in said.items() if sentence}
    if script.execution_type == COMMAND and "body" not in found:
        found |= _template_problems(script.body, parameters)
    return found


def _type_problem(given: str) -> str:
    return "" if given in EXECUTION_TYPES else f"Choose one of: {', '.join(EXECUTION_TYPES)}."


def _platforms_problem(given: Sequence[object]) -> str:
    families = script_families()
    unknown = [str(word) for word in given if word not in families]
    return f"Unknown: {', '.join(unknown)}. Known: {', '.join(families)}." if unknown else ""


def _is_body(text: str) -> bool:
    return bool(text.strip()) and len(text) <= MOST_BODY_CHARACTERS and "\x00" not in text


def _name_problem(script: Script) -> str:
    others = Script.objects.filter(tenant=script.tenant, name__iexact=script.name).exclude(pk=script.pk)
    taken = f"A script named '{script.name}' exists in this tenant; choose another name."
    return taken if others.exists() else ""


def _parameter_problems(parameters: Sequence[Parameter]) -> dict[str, str]:
    """Return a sentence for each field of a parameter that is wrong."""
    names = Counter(identifier(parameter.name).lower() for parameter in parameters)
    numbers = Counter(parameter.number for parameter in parameters)
    found: dict[str, str] = {}
    for index, parameter in enumerate(parameters):
        where = f"parameters.{index}"
        if parameter.data_type not in DATA_TYPES:
            found[f"{where}.data_type"] = f"Choose one of: {', '.join(DATA_TYPES)}."
        for field, text in (("name", parameter.name), ("default", parameter.default)):
            if said := flaw(text):
                found[f"{where}.{field}"] = f"It {said}"
        if parameter.default and parameter.data_type == "PASSWORD":
            found[f"{where}.default"] = "A password has no default; it would be readable."
        if names[identifier(parameter.name).lower()] > 1 or numbers[parameter.number] > 1:
            found[f"{where}.name"] = "Another parameter has this name, or this number."
    return found


def _template_problems(body: str, parameters: Sequence[Parameter]) -> dict[str, list[str]]:
    known = {parameter.variable for parameter in parameters} | set(BUILT_IN)
    try:
        rendering.check_text(body, known)
    except rendering.TemplateProblem as problem:
        return {"body": [str(problem)]}
    found = ((number, flaw(line)) for number, line in enumerate(body.replace("\r\n", "\n").split("\n"), 1))
    return next(({"body": [f"Line {number} {said}"]} for number, said in found if said), {})
