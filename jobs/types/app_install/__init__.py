"""Application install: a package by the system's own package manager, verified."""

from jobs.types.app_install.opsramp import OPSRAMP
from jobs.types.app_install.planner import KEY, template
from jobs.types.base import JobType

APP_INSTALL = JobType(
    key=KEY,
    label="Application install",
    audience="For those who keep servers: installs a package on Linux (apt) or Windows (winget) and looks that it is "
    "there.",
    icon="plus",
    families={"OpsRamp": "Install Application"},
    template=template,
    opsramp=OPSRAMP,
)
