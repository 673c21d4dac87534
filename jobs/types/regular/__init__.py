"""Regular job: the steps of a service template that people wrote. netLD calls it a tool."""

from jobs.types.base import JobType

REGULAR = JobType(
    key="regular",
    label="Regular Job",
    audience="For whatever a service template of yours says: commands that read, configuration that changes, checks.",
    icon="jobs",
    families={"Infraon": "Regular Job", "netLD": "Tool"},
)
