"""What a job type is, and the values it speaks in.

Each type is one folder beside this file; the registry lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from devices.models import Tenant
from jobs.domain.opsramp.body import Body, Words
from jobs.domain.plan import CredentialChoice, DevicePlan
from jobs.domain.planner import DeviceFacts, Planner, TaskFacts
from jobs.domain.step_runner import Judge, verdict_of_checks
from jobs.models import DeviceRun, JobRun, ServiceJob
from templates_app.domain.built_in import BuiltInTemplate
from templates_app.domain.content import TemplateContent
from templates_app.domain.rendering import Renderer
from templates_app.models import ServiceTemplate

#: Where the folders of the types stand.
FOLDER = Path(__file__).parent


class Targets(StrEnum):
    """What a job of the type is for: devices, addresses where devices may be, nothing, or the agent itself."""

    DEVICES = "devices"
    ADDRESSES = "addresses"
    NONE = "none"
    AGENT = "agent"


class DevicePlanner(Protocol):
    """Says for each device what will be sent to it; without a look at anything else than what it was made from."""

    def plan(self, device: DeviceFacts, credential: CredentialChoice | None) -> DevicePlan:
        """Return the plan of one device; what is wrong with it is the plan's `problem`."""


class PlannerFactory(Protocol):
    """Makes the planner of one job."""

    def __call__(
        self,
        content: TemplateContent,
        tasks: Mapping[int, TaskFacts],
        variables: Mapping[str, str],
        *,
        snapshots: bool,
        renderer: Renderer,
    ) -> DevicePlanner:
        """Return the planner: `variables` are the job's parameters as texts, `tasks` what it says of each step.

        All texts are rendered by the `renderer`, whose TooMuchWork is not the planner's to catch.
        """


@dataclass(frozen=True, slots=True)
class ReadConfigurations:
    """What a device run read to be kept: (kind, text) of each configuration. Its run's job is loaded."""

    device_run: DeviceRun
    kept: Sequence[tuple[str, str]]


Keep = Callable[[Sequence[ReadConfigurations], datetime], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpsRampType:
    """The type in OpsRamp's job API: its words in a body, and how a job and its body become each other.

    `paths` maps our fields to those of the body, for sentences about what is wrong; `may_miss` says which of our
    fields a body has left out and may, so that the job stays a draft; `kept` are the parts of a body that are only
    given back.
    """

    words: Words
    variables: Callable[[Body], Mapping[str, str]]
    write: Callable[[ServiceJob], dict[str, object]]
    title: Callable[[Body], str]
    template: Callable[[Tenant, Body], ServiceTemplate] | None = None
    runs_unapproved: Callable[[Body], bool] = lambda body: False
    wants_approval: Callable[[Body], bool] = lambda body: False
    paths: Mapping[str, str] = field(default_factory=dict)
    may_miss: Callable[[Body], frozenset[str]] = lambda body: frozenset()
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobType:
    """One kind of job: `key` is the same in the API, the wizard, policies and addresses; `label` is for people.

    `audience` is a sentence on whom it is for and what it does. `families` are its names in the products that people
    come from, by product. `template` makes the service template that the product keeps for it; types without one take
    a template that people wrote, or one for each script. `keep` stores what is kept beyond the results of steps.
    `page` is the template of its result within the run page, in the type's folder, and `show` what it shows.
    `starts_on_trap` names the parameter by which a job wants to run when a device says that its configuration changed.
    """

    key: str
    label: str
    audience: str
    icon: str
    families: Mapping[str, str]
    targets: Targets = Targets.DEVICES
    template: Callable[[], BuiltInTemplate] | None = None
    planner: PlannerFactory = Planner
    judge: Judge = verdict_of_checks
    keep: Keep | None = None
    page: str = ""
    show: Callable[[JobRun], Mapping[str, object]] | None = None
    starts_on_trap: str = ""
    opsramp: OpsRampType | None = None

    @property
    def documentation(self) -> str:
        """The page of the type in the reference, as Markdown."""
        return (FOLDER / self.key / "doc.md").read_text(encoding="utf-8")


def value_of(job: ServiceJob, name: str) -> str:
    """Return a parameter as the job has it, or its default; an empty text where there is neither."""
    default = next((v.default for v in job.version.content.variables if v.name == name), "")
    return str(job.variables.get(name) or default)


#: What stands for the value of a secret parameter.
HIDDEN = "********"
