"""OpsRamp's `custom`: a script of the library with its parameters, and as whom it runs."""

from __future__ import annotations

from config.errors import Invalid
from devices.models import Tenant
from jobs.domain.opsramp.body import Body, Words
from jobs.domain.opsramp.reader import Reader
from jobs.models import ServiceJob
from jobs.types.base import HIDDEN, OpsRampType
from jobs.types.script.template import template_of_script
from templates_app import selectors as templates
from templates_app.domain.scripts import parameter_name
from templates_app.models import Script, ServiceTemplate

#: The `userType` of a script that runs with all rights.
SYSTEM_USER = 1


def read_parts(read: Reader, body: dict[str, object], script: dict[str, object]) -> dict[str, object]:
    """Return `script` (id), `user_type`, `parameters` (number → text) and `credential`; some stand in two places."""
    given = read.mapping(
        script.get("customScript", {}), "script.customScript", ("id", "name", "description", "platforms")
    )
    found: dict[str, object] = {"script": read.integer(given.get("id"), "script.customScript.id", 1, 999_999_999)}
    places = (("script.", script), ("", body))
    users = [(f"{path}userType", place["userType"]) for path, place in places if "userType" in place]
    types = [read.integer(value, where, 1, 2) for where, value in users]
    if len(types) == 2:
        read.same(types[0], types[1], "script.userType userType")
    found["user_type"] = types[0] if types else None
    lists = [(f"{path}parameters", place["parameters"]) for path, place in places if "parameters" in place]
    values = [_parameters(read, where, value) for where, value in lists]
    if len(values) == 2:
        read.same(values[0], values[1], "script.parameters parameters")
    found["parameters"] = values[0] if values else {}
    if body.get("credentialSet") is not None:
        chosen = read.mapping(body["credentialSet"], "credentialSet", ("uniqueId",))
        found["credential"] = read.text(chosen.get("uniqueId"), "credentialSet.uniqueId", 60)
    return found


def _parameters(read: Reader, path: str, given: object) -> dict[int, str]:
    """Return the values by the numbers of their parameters; a value stays a text."""
    if not isinstance(given, list):
        read.wrong(path, 'Give a list of {"paramId": …, "value": …}.')
        return {}
    found: dict[int, str] = {}
    for index, item in enumerate(given):
        where = f"{path}.{index}"
        one = read.mapping(item, where, ("paramId", "name", "value", "itopMacro"))
        number = read.integer(one.get("paramId"), f"{where}.paramId", 1, 999_999)
        if "itopMacro" in one:
            read.wrong(f"{where}.itopMacro", "This server has no macros; give a value.")
            continue
        value = one.get("value")
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            read.wrong(f"{where}.value", "Give a text.")
        elif number in found:
            read.wrong(f"{where}.paramId", "This parameter is given twice.")
        else:
            found[number] = value
    return found


def template(tenant: Tenant, body: Body) -> ServiceTemplate:
    """Return the template of a body's script, of the tenant's own library or of one above it; Invalid without one."""
    script = templates.scripts_for(tenant).filter(pk=body.parts["script"]).first()
    if script is None:
        raise Invalid(fields={"script.customScript.id": ["There is no such script."]})
    known = {parameter.number for parameter in script.parameters.all()}
    unknown = [number for number in body.parts["parameters"] if number not in known]
    if unknown:
        raise Invalid(fields={"script.parameters": [f"The script has no parameter {unknown[0]}."]})
    return template_of_script(tenant, script, as_system=body.parts["user_type"] == SYSTEM_USER)


def _title(body: Body) -> str:
    script = Script.objects.filter(pk=body.parts["script"]).first()
    return script.name if script else WORDS.kind


def write(job: ServiceJob) -> dict[str, object]:
    """Return the `script` of a job's body: its script of the library, and the parameters that have a value."""
    found: dict[str, object] = {}
    script = job.template.script
    if script is not None:
        names = ("name", "description", "platforms")
        found["customScript"] = {"id": script.pk, **{name: getattr(script, name) for name in names}}
        rows = []
        for parameter in script.parameters.all():
            name = parameter_name(parameter.number)
            value = HIDDEN if name in job.sealed_variables else job.variables.get(name)
            if value is not None:
                rows.append({"paramId": parameter.number, "name": parameter.name, "value": value})
        if rows:
            found["parameters"] = rows
    if job.compat.get("user_type"):
        found["userType"] = job.compat["user_type"]
    return found


WORDS = Words(
    kind="custom",
    name="Custom Script",
    needs_name=False,
    needs_schedule=False,
    script_fields=("customScript", "userType", "parameters"),
    body_fields=("userType", "parameters", "credentialSet"),
    read=read_parts,
)
OPSRAMP = OpsRampType(
    words=WORDS,
    variables=lambda body: {parameter_name(n): text for n, text in body.parts["parameters"].items()},
    write=write,
    title=_title,
    template=template,
    kept=("user_type",),
)
