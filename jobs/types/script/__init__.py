"""Script: one of the library, with its parameters, on Linux, Windows or network devices."""

from jobs.types.base import JobType
from jobs.types.script.opsramp import OPSRAMP
from jobs.types.script.template import KEY

SCRIPT = JobType(
    key=KEY,
    label="Custom script",
    audience="For those who have scripts: runs one of the library with its parameters, over an interpreter or line by "
    "line.",
    icon="api",
    families={"netLD": "Script Tool Job", "OpsRamp": "Custom Script"},
    opsramp=OPSRAMP,
)
