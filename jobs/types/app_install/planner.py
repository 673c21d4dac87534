"""An installation by the platform's own package manager, and its verification. Pure."""

from __future__ import annotations

from jobs.types.app_install.parameters import PARAMETERS
from templates_app.domain.built_in import BuiltInTemplate
from templates_app.domain.content import StepKind, TemplateContent, TemplateStep

KEY = "app_install"
_VERSION = "{% if version %}"
_INSTALL = {
    "linux": f"sudo -n apt-get install -y {{{{ app }}}}{_VERSION}={{{{ version }}}}{{% endif %}}",
    "windows": "winget install --exact --silent --disable-interactivity --accept-package-agreements"
    f" --accept-source-agreements --id {{{{ app }}}}{_VERSION} --version {{{{ version }}}}{{% endif %}}",
}
_VERIFY = {
    "linux": "dpkg-query -W -f='${db:Status-Status} ${Version}\\n' {{ app }}",
    "windows": "winget list --exact --id {{ app }}",
}


def template() -> BuiltInTemplate:
    """Return the installation: two steps, of which the second looks whether the package is there."""
    checks = (("fail", r"no packages found|No installed package"), ("pass", r"^installed \S|^\S.*\s\d"))
    return BuiltInTemplate(
        key=KEY,
        name="Install application",
        description="Installs a package and verifies that it is there.",
        content=TemplateContent(
            steps=(
                TemplateStep(name="Install", kind=StepKind.EXEC, commands=_INSTALL, timeout=600),
                TemplateStep(name="Verify", kind=StepKind.READ, commands=_VERIFY, timeout=60, checks=checks),
            ),
            variables=PARAMETERS,
        ),
    )
