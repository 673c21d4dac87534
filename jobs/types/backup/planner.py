"""What a backup sends: the command that shows a configuration, where the platform has one. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from jobs.types.backup.parameters import PARAMETERS
from templates_app.domain.built_in import BuiltInTemplate
from templates_app.domain.content import StepKind, TemplateContent, TemplateStep

KEY = "backup"


def template_of(running: Mapping[str, str], startup: Mapping[str, str]) -> BuiltInTemplate:
    """Return the backup; `running` and `startup` are the commands that show a configuration, by platform."""
    return BuiltInTemplate(
        key=KEY,
        name="Network configuration backup",
        description="Keeps the running and the startup configuration.",
        content=TemplateContent(
            steps=(
                _kept("Running configuration", "running", running),
                _kept("Startup configuration", "startup", startup),
            ),
            variables=PARAMETERS,
        ),
    )


def _kept(name: str, keep: str, commands: Mapping[str, str]) -> TemplateStep:
    wrapped = {platform: f"{{% if {keep} %}}\n{command}\n{{% endif %}}" for platform, command in commands.items()}
    return TemplateStep(name=name, kind=StepKind.READ, commands=wrapped, timeout=120, keep=keep)
