"""What a script of the library sends: lines one by one, or an interpreter that reads the script. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from devices.drivers.platforms import PLATFORMS, interpreters
from templates_app.domain.content import RuntimeVariable, StepKind, TemplateContent, TemplateStep, VariableType
from templates_app.domain.scripts import COMMAND, Parameter

_TYPES = {"INTEGER": VariableType.INTEGER, "PASSWORD": VariableType.SECRET}


def content_of(
    language: str, body: str, parameters: Sequence[Parameter], platforms: Sequence[str], *, as_system: bool
) -> TemplateContent:
    """Return the content of the template that runs a script; in COMMAND each line is sent by itself.

    `platforms` are those it is meant for (none: all that the language has). `as_system` runs it with all rights where
    that takes another word than the login's.
    """
    variables = tuple(
        RuntimeVariable(
            name=p.variable,
            type=_TYPES.get(p.data_type, VariableType.TEXT),
            label=p.name,
            required=p.required,
            default=p.default,
        )
        for p in parameters
    )
    if language == COMMAND:
        step = TemplateStep(
            name="Script", kind=StepKind.EXEC, commands=dict.fromkeys(platforms or ("*",), body), timeout=120
        )
        return TemplateContent((step,), variables)
    commands = {
        platform: PLATFORMS[platform].elevated.format(command=command) if as_system else command
        for platform, command in interpreters(language).items()
        if not platforms or platform in platforms
    }
    step = TemplateStep(
        name="Script", kind=StepKind.EXEC, commands=commands, timeout=600, script=body, language=language
    )
    return TemplateContent((step,), variables)
