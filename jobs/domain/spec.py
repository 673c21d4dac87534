"""The one input of every face: what a job is to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from devices.domain.secrets import Secret
from devices.domain.selection import DeviceSelection
from jobs.domain.misfire import MissedPolicy
from jobs.domain.overlap import Overlap
from jobs.domain.rollout import Rollout


class Visibility(StrEnum):
    """Private: only its creator. Public: everyone who may see the tenant's jobs."""

    PRIVATE = "private"
    PUBLIC = "public"


VISIBILITY_CHOICES = [(v.value, v.value.title()) for v in Visibility]


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


@dataclass(frozen=True, slots=True)
class TriggerSpec:
    """One trigger. `rule` is its schedule as JSON (`jobs.domain.schedule_json`); now has none.

    `schedule_filter` is an id.
    """

    kind: TriggerKind
    name: str = ""
    rule: dict[str, Any] = field(default_factory=dict)
    schedule_filter: int | None = None
    missed: MissedPolicy = MissedPolicy.ONCE
    grace_minutes: int = 15
    catch_up: int = 1
    enabled: bool = True


def once_at(at: datetime, zone: str = "UTC", name: str = "Once") -> TriggerSpec:
    """Return the trigger for one instant (aware), written as the wall clock of a zone."""
    wall = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, microsecond=0)
    return TriggerSpec(TriggerKind.ONCE, name, {"kind": "once", "time_zone": zone, "start_at": wall.isoformat()})


@dataclass(frozen=True, slots=True)
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
    enabled: bool = True
    snapshots: bool = True
    visibility: Visibility = Visibility.PUBLIC
    selection: DeviceSelection = field(default_factory=DeviceSelection)
    account: Account = field(default_factory=Account)
    credential: str | None = None
    variables: dict[str, str] = field(default_factory=dict)
    secret_variables: dict[str, Secret] = field(default_factory=dict)
    notify_users: tuple[int, ...] = ()
    notify_groups: tuple[int, ...] = ()
    tasks: tuple[TaskSpec, ...] = ()
    triggers: tuple[TriggerSpec, ...] = ()
    overlap: Overlap = Overlap.QUEUE
    in_queue: bool = False
    max_parallel: int = 25
    rollout: Rollout = field(default_factory=Rollout)
    window: int | None = None
