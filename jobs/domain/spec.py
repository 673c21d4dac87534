"""The one input of every face: what a job is to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from devices.domain.secrets import Secret
from devices.domain.selection import DeviceSelection
from jobs.domain.misfire import MisfirePolicy
from jobs.domain.options import Option, WizardStep, option, options_of
from jobs.domain.overlap import OVERLAP_LABELS, Overlap
from jobs.domain.rollout import Rollout
from jobs.domain.schedule_json import ScheduleJson


class Visibility(StrEnum):
    """Private: only its creator. Public: everyone who may see the tenant's jobs."""

    PRIVATE = "private"
    PUBLIC = "public"


VISIBILITY_LABELS = {
    Visibility.PUBLIC: "Public: everyone who may see this customer's jobs",
    Visibility.PRIVATE: "Private: only its creator",
}


class TriggerKind(StrEnum):
    """When a trigger fires."""

    NOW = "now"
    ONCE = "once"
    EVERY = "every"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    CRON = "cron"


TRIGGER_CHOICES = [(kind.value, kind.value.title()) for kind in TriggerKind]


class TriggerCause(StrEnum):
    """Why a trigger is there: as a part of the job, or made for one run by somebody or something."""

    JOB = "job"
    PERSON = "person"
    APPROVAL = "approval"
    TRAP = "trap"
    AGAIN = "again"


class ConnectionProtocol(StrEnum):
    """How a task connects."""

    SSH = "ssh"


class TransferProtocol(StrEnum):
    """How a task moves configurations and files."""

    TERMINAL = "terminal"


@dataclass(frozen=True, slots=True)
class Account:
    """The job's own login (I-18…I-20). None leaves a stored secret as it is, an empty Secret removes it."""

    username: str = ""
    password: Secret | None = None
    enable_password: Secret | None = None


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """What a job says about one template step. `devices` None means all devices of the job."""

    step: int
    devices: tuple[str, ...] | None = None
    profile: int | None = None
    credential: str | None = None
    connection_protocol: ConnectionProtocol = ConnectionProtocol.SSH
    transfer_protocol: TransferProtocol = TransferProtocol.TERMINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerSpec:
    """One trigger. `rule` is its schedule as JSON (`jobs.domain.schedule_json`); now has none.

    `schedule_filter` is an id.
    """

    kind: TriggerKind
    name: str = ""
    rule: ScheduleJson = field(default_factory=ScheduleJson)
    schedule_filter: int | None = None
    missed: MisfirePolicy = MisfirePolicy.ONCE
    grace_minutes: int = 15
    catch_up: int = 1
    enabled: bool = True


def once_at(at: datetime, zone: str = "UTC", name: str = "Once") -> TriggerSpec:
    """Return the trigger for one instant (aware), written as the wall clock of a zone."""
    wall = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, microsecond=0)
    return TriggerSpec(
        kind=TriggerKind.ONCE, name=name, rule={"kind": "once", "time_zone": zone, "start_at": wall.isoformat()}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """A whole job. Ids are those of the database; every one is checked against what the caller may see.

    `window` is the schedule filter that is its maintenance window. `job_type` is the key of its type; the template says
    which one it is, so an empty text stands for that.
    """

    template: int | None = None
    name: str = ""
    description: str = ""
    job_type: str = ""
    agent: int | None = None
    enabled: bool = option(
        True,
        label="Job Status: enabled",
        help="A job must be enabled to be executed.",
        step=WizardStep.DETAILS,
        group="Options",
        unapproved="Switching a job off sends nothing, and on sends what was approved.",
    )
    snapshots: bool = option(
        True,
        label="Download Configuration Before & After Upload",
        help="Keeps the running configuration before and after each run, and shows the difference.",
        step=WizardStep.DETAILS,
        group="Options",
    )
    overlap: Overlap = option(
        Overlap.QUEUE,
        label="When a run of this job is still open",
        help="What becomes of a run while another of this job is open.",
        step=WizardStep.SCHEDULE,
        group="Runs that meet",
        labels=OVERLAP_LABELS,
    )
    in_queue: bool = option(
        False,
        label="Run in the queue",
        help="Queued jobs of a customer go through an agent one at a time, first in, first out.",
        step=WizardStep.SCHEDULE,
        group="Runs that meet",
    )
    max_parallel: int = option(
        25, label="Devices at a time", step=WizardStep.SCHEDULE, group="Spread", least=1, most=500
    )
    visibility: Visibility = option(
        Visibility.PUBLIC,
        label="Visibility",
        step=WizardStep.SCHEDULE,
        group="Who sees it",
        labels=VISIBILITY_LABELS,
        unapproved="It decides who sees the job, not what is done.",
    )
    wants_approval: bool = option(
        False,
        label="Ask for approval in any case",
        help="A change of this job waits for others' approval even where you may run changes without.",
        step=WizardStep.SCHEDULE,
        group="Approval",
        unapproved="It decides whether an approval is asked for, not what is done.",
    )
    selection: DeviceSelection = field(default_factory=DeviceSelection)
    account: Account = field(default_factory=Account)
    credential: str | None = None
    variables: dict[str, str] = field(default_factory=dict)
    secret_variables: dict[str, Secret] = field(default_factory=dict)
    notify_users: tuple[int, ...] = ()
    notify_groups: tuple[int, ...] = ()
    tasks: tuple[TaskSpec, ...] = ()
    triggers: tuple[TriggerSpec, ...] = ()
    rollout: Rollout = field(default_factory=Rollout)
    window: int | None = None


#: Every option of a job, in the order in which people see them.
OPTIONS: tuple[Option, ...] = tuple(options_of(JobSpec))
