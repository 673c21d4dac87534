"""What an installation is asked for."""

from templates_app.domain.content import RuntimeVariable, VariableType

PARAMETERS = (
    RuntimeVariable(
        name="app", type=VariableType.WORD, label="Application", help="The package's name, for example curl or Git.Git."
    ),
    RuntimeVariable(
        name="version", type=VariableType.WORD, label="Version", help="Empty for the newest.", required=False
    ),
)
