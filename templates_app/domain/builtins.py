"""What the product's own service templates do: configuration backup, AD check list, application install, scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from templates_app.domain.content import RuntimeVariable, StepKind, TemplateContent, TemplateStep, VariableType
from templates_app.domain.scripts import COMMAND, LANGUAGES


class BuiltIn(StrEnum):
    """The product's own templates, which every tenant has."""

    CONFIG_BACKUP = "config_backup"
    AD_CHECK_LIST = "ad_check_list"
    APP_INSTALL = "app_install"


NAMES = {
    BuiltIn.CONFIG_BACKUP: ("Network configuration backup", "Keeps the running and the startup configuration."),
    BuiltIn.AD_CHECK_LIST: ("AD check list", "Checks the health of Active Directory domain controllers."),
    BuiltIn.APP_INSTALL: ("Install application", "Installs a package and verifies that it is there."),
}
ALL_VERSIONS, VERSION_WITH_CHANGES = "ALL_VERSIONS", "VERSION_WITH_CHANGES"


def _flag(name: str, label: str, default: str = "no") -> RuntimeVariable:
    return RuntimeVariable(name, VariableType.BOOLEAN, label, default=default)


def config_backup(running: Mapping[str, str], startup: Mapping[str, str]) -> TemplateContent:
    """Return the backup; `running` and `startup` are the commands that show a configuration, by platform."""
    return TemplateContent(
        steps=(
            _kept("Running configuration", "running", running),
            _kept("Startup configuration", "startup", startup),
        ),
        variables=(
            _flag("running", "Back up the running configuration", "yes"),
            _flag("startup", "Back up the startup configuration"),
            RuntimeVariable(
                "versions_saved",
                VariableType.CHOICE,
                "Versions saved",
                default=ALL_VERSIONS,
                choices=(ALL_VERSIONS, VERSION_WITH_CHANGES),
            ),
            _flag("running_alert", "Alert when the running configuration has changed"),
            _flag("startup_alert", "Alert when the startup configuration has changed"),
            _flag("backup_on_trap", "Back up when a device sends a configuration-change trap"),
        ),
    )


def _kept(name: str, keep: str, commands: Mapping[str, str]) -> TemplateStep:
    wrapped = {platform: f"{{% if {keep} %}}\n{command}\n{{% endif %}}" for platform, command in commands.items()}
    return TemplateStep(name, StepKind.READ, wrapped, timeout=120, keep=keep)


_PASSED = (("fail", r"\bfailed test\b"), ("warn", r"(?i)^warning:"), ("pass", r"\bpassed test\b"))
_SERVICES = ("NTDS", "DNS", "Netlogon", "Kdc", "DFSR", "W32Time")


def ad_check_list() -> TemplateContent:
    """Return the check list. Sources: Microsoft's documentation of dcdiag, repadmin, sc and w32tm."""
    rows = (
        ("Connectivity and advertising", "dcdiag /test:Advertising", _PASSED),
        (
            "Replication",
            "repadmin /replsummary",
            (
                ("fail", r"\s[1-9]\d*\s*/\s*\d+\s+\d+"),
                ("warn", r"\s\d+d\.|>\s*60 days"),
                ("pass", r"\s0\s*/\s*\d+\s+0\b"),
            ),
        ),
        *(
            (
                f"Service {name}",
                f"sc query {name}",
                (("fail", r"STATE\s*:\s*[1-3567]\b|FAILED"), ("pass", r"STATE\s*:\s*4\s+RUNNING")),
            )
            for name in _SERVICES
        ),
        ("DNS", "dcdiag /test:DNS", _PASSED),
        ("SYSVOL", "dcdiag /test:SysVolCheck", _PASSED),
        (
            "Time",
            "w32tm /query /status",
            (
                ("fail", r"Leap Indicator: 3|not been started|(?i:error)"),
                ("warn", r"^Source: (Local CMOS Clock|Free-running)"),
                ("pass", r"^Source: \S"),
            ),
        ),
    )
    steps = tuple(
        TemplateStep(name, StepKind.READ, {"windows": command}, timeout=120, checks=checks)
        for name, command, checks in rows
    )
    return TemplateContent(steps)


def app_install() -> TemplateContent:
    """Return the installation by the platform's package manager, and its verification."""
    version = "{% if version %}"
    return TemplateContent(
        steps=(
            TemplateStep(
                "Install",
                StepKind.EXEC,
                {
                    "linux": f"sudo -n apt-get install -y {{{{ app }}}}{version}={{{{ version }}}}{{% endif %}}",
                    "windows": "winget install --exact --silent --disable-interactivity --accept-package-agreements"
                    f" --accept-source-agreements --id {{{{ app }}}}{version} --version {{{{ version }}}}{{% endif %}}",
                },
                timeout=600,
            ),
            TemplateStep(
                "Verify",
                StepKind.READ,
                {
                    "linux": "dpkg-query -W -f='${db:Status-Status} ${Version}\\n' {{ app }}",
                    "windows": "winget list --exact --id {{ app }}",
                },
                timeout=60,
                checks=(("fail", r"no packages found|No installed package"), ("pass", r"^installed \S|^\S.*\s\d")),
            ),
        ),
        variables=(
            RuntimeVariable(
                "app", VariableType.WORD, "Application", "The package's name, for example curl or Git.Git."
            ),
            RuntimeVariable("version", VariableType.WORD, "Version", "Empty for the newest.", required=False),
        ),
    )


@dataclass(frozen=True, slots=True)
class Parameter:
    """A script's parameter; `number` is its id in the API, `data_type` STRING, INTEGER or PASSWORD."""

    number: int
    name: str
    data_type: str
    required: bool
    default: str = ""


def parameter_name(number: int) -> str:
    """Return the runtime variable that holds a script's parameter."""
    return f"p{number}"


_TYPES = {"INTEGER": VariableType.INTEGER, "PASSWORD": VariableType.SECRET}


def script(
    language: str, body: str, parameters: Sequence[Parameter], platforms: Sequence[str], as_system: bool
) -> TemplateContent:
    """Return the template that runs a script; in COMMAND each line is sent by itself, else an interpreter reads it.

    `platforms` are those it is meant for (none: all that the language has). `as_system` runs it with all rights where
    that takes another word than the login's.
    """
    variables = tuple(
        RuntimeVariable(
            parameter_name(p.number),
            _TYPES.get(p.data_type, VariableType.TEXT),
            p.name,
            required=p.required,
            default=p.default,
        )
        for p in parameters
    )
    if language == COMMAND:
        step = TemplateStep("Script", StepKind.EXEC, dict.fromkeys(platforms or ("*",), body), timeout=120)
        return TemplateContent((step,), variables)
    commands = {
        platform: f"sudo -n {command}" if as_system and platform == "linux" else command
        for platform, command in LANGUAGES[language].commands.items()
        if not platforms or platform in platforms
    }
    step = TemplateStep("Script", StepKind.EXEC, commands, timeout=600, script=body, language=language)
    return TemplateContent((step,), variables)
