"""What an installation is asked for."""

from templates_app.domain.content import RuntimeVariable, VariableType

PARAMETERS = (
    RuntimeVariable("app", VariableType.WORD, "Application", "The package's name, for example curl or Git.Git."),
    RuntimeVariable("version", VariableType.WORD, "Version", "Empty for the newest.", required=False),
)
