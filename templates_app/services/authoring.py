"""Write templates and profiles: every edit of a template's content makes its next version."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from config.errors import Conflict, Invalid
from devices.drivers import platforms
from devices.drivers.platforms import PLATFORMS
from devices.models import Tenant
from devices.services import audit
from templates_app import access
from templates_app.domain import rendering, variables
from templates_app.domain.content import ANY_PLATFORM, MOST_GUARD, StepKind, TemplateContent, VariableType
from templates_app.models import ConfigurationProfile, ServiceTemplate, TemplateVersion

MAX_STEPS = 50


def save_template(
    *,
    by: Any,
    tenant: Tenant,
    name: str,
    description: str,
    status: str,
    content: TemplateContent,
    instance: ServiceTemplate | None = None,
) -> ServiceTemplate:
    """Make a template, or change one; changed content becomes the next version. Invalid names fields and lines."""
    if by is not None:
        access.check_may_author(by, tenant)
    if instance is not None and instance.built_in:
        raise Conflict(
            "This template is built in; nobody changes it. Make one of your own with the steps that you need."
        )
    problems = content_problems(content)
    others = ServiceTemplate.objects.filter(tenant=tenant, name__iexact=name).exclude(
        pk=instance.pk if instance else None
    )
    if others.exists():
        problems["name"] = [f"A template named '{name}' exists in this tenant; choose another name."]
    if problems:
        raise Invalid(fields=problems)
    with transaction.atomic():
        template = instance or ServiceTemplate(tenant=tenant)
        template.name, template.description, template.status = name, description, status
        template.save()
        rows = ServiceTemplate.objects.select_for_update(of=("self",), no_key=True).select_related("current")
        template = rows.get(pk=template.pk)
        data = content.as_json()
        if template.current is None or template.current.data != data:
            number = template.current.number + 1 if template.current else 1
            version = TemplateVersion.objects.create(
                tenant=tenant, template=template, number=number, data=data, created_by=by
            )
            ServiceTemplate.objects.filter(pk=template.pk).update(current=version)
            template.current = version
        audit.record(
            tenant=tenant, by=by, action="template.saved", subject=name, version=template.current.number, status=status
        )
    return template


def save_profile(
    *, by: Any, tenant: Tenant, instance: ConfigurationProfile | None = None, **values: Any
) -> ConfigurationProfile:
    """Make or change a configuration profile."""
    if by is not None:
        access.check_may_author(by, tenant)
    profile = instance or ConfigurationProfile(tenant=tenant)
    taken = ConfigurationProfile.objects.filter(tenant=tenant, name__iexact=values.get("name", ""))
    if taken.exclude(pk=profile.pk).exists():
        raise Invalid(fields={"name": ["A profile of this name exists in this tenant; choose another name."]})
    for field, value in values.items():
        setattr(profile, field, value)
    with transaction.atomic():
        profile.save()
        audit.record(tenant=tenant, by=by, action="profile.saved", subject=profile.name)
    return profile


def content_problems(content: TemplateContent) -> dict[str, list[str]]:
    """Return what is wrong with a content, by field: `variables.1.name`, `steps.0.commands.cisco_ios`, `platforms`."""
    found: dict[str, list[str]] = {}
    if unknown := [p for p in content.platforms if p not in PLATFORMS]:
        found["platforms"] = [f"Unknown platform: {', '.join(unknown)}."]
    names: set[str] = set()
    for index, variable in enumerate(content.variables):
        where = f"variables.{index}"
        if not variables.NAME.match(variable.name) or variable.name in variables.BUILT_IN:
            found[f"{where}.name"] = [
                "Use small letters, digits and underscores, starting with a letter; not 'device'."
            ]
        if variable.name in names:
            found[f"{where}.name"] = [f"The variable '{variable.name}' is there twice."]
        names.add(variable.name)
        if variable.type is VariableType.CHOICE and not variable.choices:
            found[f"{where}.choices"] = ["List the choices, one a line."]
        if variable.default:
            try:
                variables.check_value(variable, variable.default)
            except variables.WrongValue as error:
                found[f"{where}.default"] = [str(error)]
    if not content.steps:
        found["steps"] = ["A template needs at least one step."]
    if len(content.steps) > MAX_STEPS:
        found["steps"] = [f"A template has at most {MAX_STEPS} steps."]
    for index, step in enumerate(content.steps):
        found |= _step_problems(f"steps.{index}", step, names, content.platforms)
    return found


def _step_problems(where: str, step: Any, names: set[str], wanted: tuple[str, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    if not step.name.strip():
        found[f"{where}.name"] = ["Name the step."]
    if not 1 <= step.timeout <= 600:
        found[f"{where}.timeout"] = ["Give 1 to 600 seconds."]
    if len(step.answers) > 20 or any(
        not 2 <= len(q) <= 120 or len(a) > 120 or not (q + a).isprintable() for q, a in step.answers
    ):
        found[f"{where}.answers"] = [
            "Give at most 20 answers; a question has 2 to 120 printable characters, an answer up to 120."
        ]
    if step.guard and (step.kind is not StepKind.CONFIG or not 0 < step.guard <= MOST_GUARD or step.restarts):
        found[f"{where}.guard"] = [
            f"Give 1 to {MOST_GUARD} minutes, in a Configure step that does not restart the device."
        ]
    if step.restarts and step.kind is StepKind.READ:
        found[f"{where}.restarts"] = ["A step that restarts the device is an 'Execute' step."]
    texts = {key: text for key, text in step.commands.items() if text.strip()}
    if not texts:
        found[f"{where}.commands.{ANY_PLATFORM}"] = ["Write at least one command."]
    for key, text in texts.items():
        field = f"{where}.commands.{key}"
        try:
            rendering.check_text(text, names | set(variables.BUILT_IN))
        except rendering.TemplateProblem as problem:
            found[field] = [str(problem)]
            continue
        if step.kind is StepKind.READ:
            served = (
                [p for p in wanted or PLATFORMS if p not in texts and not platforms.is_only_by_name(p)]
                if key == ANY_PLATFORM
                else [key]
            )
            found |= _read_problems(field, text, served)
    return found


def _read_problems(field: str, text: str, served: list[str]) -> dict[str, list[str]]:
    """A read step is believed only where every line is on the platform's list of reading commands."""
    for platform in served:
        for number, line in enumerate(text.splitlines(), 1):
            words = line.strip()
            if not words or words.startswith(("{%", "{#")) or platform not in PLATFORMS:
                continue
            if not PLATFORMS[platform].is_read(words):
                return {
                    field: [
                        f"Line {number}: '{words[:60]}' is not known as a reading command on "
                        f"{platforms.label(platform)}; make the step an 'Execute' step."
                    ]
                }
    return {}
