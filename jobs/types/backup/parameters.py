"""What a backup is asked for."""

from __future__ import annotations

from templates_app.domain.content import RuntimeVariable, VariableType

#: Every configuration read is kept, or only one that differs from the last one kept.
ALL_VERSIONS = "ALL_VERSIONS"
VERSION_WITH_CHANGES = "VERSION_WITH_CHANGES"


def _flag(name: str, label: str, default: str = "no") -> RuntimeVariable:
    return RuntimeVariable(name=name, type=VariableType.BOOLEAN, label=label, default=default)


PARAMETERS = (
    _flag("running", "Back up the running configuration", "yes"),
    _flag("startup", "Back up the startup configuration"),
    RuntimeVariable(
        name="versions_saved",
        type=VariableType.CHOICE,
        label="Versions saved",
        default=ALL_VERSIONS,
        choices=(ALL_VERSIONS, VERSION_WITH_CHANGES),
    ),
    _flag("running_alert", "Alert when the running configuration has changed"),
    _flag("startup_alert", "Alert when the startup configuration has changed"),
    _flag("backup_on_trap", "Back up when a device sends a configuration-change trap"),
)
