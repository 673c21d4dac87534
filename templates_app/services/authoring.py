"""Write templates and profiles: every edit of a template's content makes its next version."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import Unpack

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from config import limits
from config.errors import Conflict, Invalid
from config.one_line import flaw, visible
from devices.drivers import platforms
from devices.drivers.platforms import PLATFORMS
from devices.models import Tenant
from devices.services import audit
from templates_app import access
from templates_app.domain import rendering, variables
from templates_app.domain.content import (
    ANY_PLATFORM,
    MOST_GUARD_MINUTES,
    RuntimeVariable,
    StepKind,
    TemplateContent,
    TemplateStep,
    VariableType,
)
from templates_app.models import ConfigurationProfile, ServiceTemplate, TemplateVersion
from templates_app.services.values import ProfileValues

#: What of a template's line is not sent as it stands, and where it begins.
MARKUP = re.compile(r"\{[{%#](?:(?!\{[{%#]).)*?[}%#]\}")
BEGINS_MARKUP = re.compile(r"\{[{%#]|[}%#]\}")
#: So long may a step wait for a prompt.
MOST_TIMEOUT_SECONDS = 600
MOST_ANSWERS = 20
#: Of a question as of its answer.
MOST_ANSWER_CHARACTERS = 120


def save_template(
    *,
    by: User | None,
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
    others = ServiceTemplate.objects.filter(tenant=tenant, name__iexact=name)
    if (others.exclude(pk=instance.pk) if instance else others).exists():
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
    *, by: User | None, tenant: Tenant, instance: ConfigurationProfile | None = None, **values: Unpack[ProfileValues]
) -> ConfigurationProfile:
    """Make or change a configuration profile."""
    if by is not None:
        access.check_may_author(by, tenant)
    profile = instance or ConfigurationProfile(tenant=tenant)
    taken = ConfigurationProfile.objects.filter(tenant=tenant, name__iexact=values.get("name", ""))
    if taken.exclude(pk=profile.pk).exists():
        raise Invalid(fields={"name": ["A profile of this name exists in this tenant; choose another name."]})
    problems = [
        f"'{visible(name)}' {said}" for name, text in values.get("values", {}).items() if (said := _flaw(name, text))
    ]
    if problems:
        raise Invalid(fields={"values": problems})
    for field, value in values.items():
        setattr(profile, field, value)
    with transaction.atomic():
        profile.changed_by, profile.changed_at = by, timezone.now()
        profile.save()
        audit.record(tenant=tenant, by=by, action="profile.saved", subject=profile.name)
    return profile


def _flaw(name: str, value: str) -> str:
    """Say what is wrong with a value of a profile; that of a variable of type lines may have several."""
    found = (flaw(line) for line in [name, *value.replace("\r\n", "\n").split("\n")])
    return next(filter(None, found), "")


def content_problems(content: TemplateContent) -> dict[str, list[str]]:
    """Return what is wrong with a content, by field: `variables.1.name`, `steps.0.commands.cisco_ios`, `platforms`."""
    found: dict[str, list[str]] = {}
    if unknown := [p for p in content.platforms if p not in PLATFORMS]:
        found["platforms"] = [f"Unknown platform: {', '.join(unknown)}."]
    names = [variable.name for variable in content.variables]
    for index, variable in enumerate(content.variables):
        found |= _variable_problems(f"variables.{index}", variable, names[:index])
    if not content.steps:
        found["steps"] = ["A template needs at least one step."]
    if len(content.steps) > limits.MOST_STEPS:
        found["steps"] = [f"A template has at most {limits.MOST_STEPS} steps."]
    known = {*names, *variables.BUILT_IN}
    for index, step in enumerate(content.steps):
        found |= _step_problems(f"steps.{index}", step)
        found |= _answer_problems(f"steps.{index}.answers", step, known)
        found |= _command_problems(f"steps.{index}.commands", step, known, content.platforms)
    return found


def _variable_problems(where: str, variable: RuntimeVariable, before: Sequence[str]) -> dict[str, list[str]]:
    """Return what is wrong with a variable; `before` are the names of those before it."""
    texts = [("label", variable.label), ("help", variable.help), *(("choices", choice) for choice in variable.choices)]
    found = {f"{where}.{field}": [f"It {said}"] for field, text in texts if (said := flaw(text))}
    if not variables.NAME.fullmatch(variable.name) or variable.name in variables.BUILT_IN:
        found[f"{where}.name"] = ["Use small letters, digits and underscores, starting with a letter; not 'device'."]
    if variable.name in before:
        found[f"{where}.name"] = [f"The variable '{variable.name}' is there twice."]
    if variable.type is VariableType.CHOICE and not variable.choices:
        found[f"{where}.choices"] = ["List the choices, one a line."]
    if variable.default and variable.type is VariableType.SECRET:
        found[f"{where}.default"] = ["A secret has no default: everybody who sees the template would read it."]
    elif variable.default:
        try:
            variables.check_value(variable, variable.default)
        except variables.WrongValue as error:
            found[f"{where}.default"] = [str(error)]
    return found


def _may_answer(question: str, answer: str) -> bool:
    return (
        not flaw(question + answer)
        and 2 <= len(question) <= MOST_ANSWER_CHARACTERS
        and len(answer) <= MOST_ANSWER_CHARACTERS
    )


def _may_guard(step: TemplateStep) -> bool:
    return step.kind is StepKind.CONFIG and 0 < step.guard <= MOST_GUARD_MINUTES and not step.restarts


#: What must hold of each field of a step, and the sentence where it does not.
STEP_RULES: tuple[tuple[str, Callable[[TemplateStep], bool], str], ...] = (
    ("name", lambda step: bool(step.name.strip()), "Name the step."),
    ("timeout", lambda step: 1 <= step.timeout <= MOST_TIMEOUT_SECONDS, f"Give 1 to {MOST_TIMEOUT_SECONDS} seconds."),
    (
        "answers",
        lambda step: len(step.answers) <= MOST_ANSWERS and all(_may_answer(*pair) for pair in step.answers),
        f"Give at most {MOST_ANSWERS} answers; a question has 2 to {MOST_ANSWER_CHARACTERS} visible characters in "
        f"one line, an answer up to {MOST_ANSWER_CHARACTERS}.",
    ),
    (
        "guard",
        lambda step: not step.guard or _may_guard(step),
        f"Give 1 to {MOST_GUARD_MINUTES} minutes, in a Configure step that does not restart the device.",
    ),
    (
        "restarts",
        lambda step: not step.restarts or step.kind is not StepKind.READ,
        "A step that restarts the device is an 'Execute' step.",
    ),
)


def _step_problems(where: str, step: TemplateStep) -> dict[str, list[str]]:
    found = {f"{where}.{field}": [sentence] for field, holds, sentence in STEP_RULES if not holds(step)}
    return found | ({f"{where}.name": [f"It {said}"]} if (said := flaw(step.name)) else {})


def _answer_problems(where: str, step: TemplateStep, known: set[str]) -> dict[str, list[str]]:
    """Return what is wrong with the variables in a step's answers; `known` are those there are."""
    problems = [
        f"'{question} => {answer}': {problem}"
        for question, answer in step.answers
        if (problem := _text_problem(answer, known))
    ]
    return {where: problems[:1]} if problems else {}


def _command_problems(where: str, step: TemplateStep, known: set[str], wanted: Sequence[str]) -> dict[str, list[str]]:
    """Return what is wrong with a step's texts, by platform key; `known` are the variables, `wanted` the platforms of
    the template."""
    texts = {key: text for key, text in step.commands.items() if text.strip()}
    if not texts:
        return {f"{where}.{ANY_PLATFORM}": ["Write at least one command."]}
    found: dict[str, list[str]] = {}
    for key, text in texts.items():
        served = _served(key, texts, wanted)
        problem = _text_problem(text, known) or _line_problem(text, served)
        if not problem and step.kind is StepKind.READ:
            problem = _reading_problem(text, served)
        if problem:
            found[f"{where}.{key}"] = [problem]
    return found


def _text_problem(text: str, known: set[str]) -> str:
    """Return what keeps a text from being a template, or nothing."""
    try:
        rendering.check_text(text, known)
    except rendering.TemplateProblem as problem:
        return str(problem)
    return ""


def _served(key: str, texts: Collection[str], wanted: Sequence[str]) -> list[str]:
    """Return the platforms that a step's text is for: its own, or all those wanted that have none and need none."""
    if key != ANY_PLATFORM:
        return [key]
    return [p for p in wanted or PLATFORMS if p not in texts and not platforms.is_only_by_name(p)]


def _line_problem(text: str, served: Sequence[str]) -> str:
    """Return the first line that is not one line on a platform that it is for, as a sentence, or nothing."""
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        for said in (flaw(line), *(platforms.line_flaw(platform, MARKUP.sub("", line)) for platform in served)):
            if said:
                return f"Line {number} {said}"
    return ""


def _reading_problem(text: str, served: Sequence[str]) -> str:
    """Return the first line without markup that is not known to only read, as a sentence, or nothing.

    It helps authors; what decides is the plan, which looks at each line as it is sent, values and all.
    """
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1)]
    commands = [(number, line) for number, line in lines if line and not BEGINS_MARKUP.search(line)]
    for platform in served:
        for number, line in commands:
            if not platforms.only_reads(platform, line):
                return (
                    f"Line {number}: '{line[:60]}' is not known as a reading command on {platforms.label(platform)}; "
                    "make the step an 'Execute' step."
                )
    return ""
