"""What an approval is bound to: one JSON value with everything that will happen, its digest, and differences. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from typing import TypedDict

from jobs.domain.plan import DeviceBody
from jobs.domain.schedule_json import ScheduleJson


class SelectionPart(TypedDict, total=False):
    """Which devices are meant; with `at_most` those found later too, up to that number."""

    mode: str
    at_most: int | None
    search: dict[str, object]
    devices: list[str]
    tags: list[int]


class FilterPart(TypedDict):
    """A schedule filter, or the window that one makes."""

    name: str
    time_zone: str
    rules: list[object]


class TriggerPart(TypedDict):
    """A trigger, its schedule in words, and how it deals with missed runs (policy, grace minutes, most)."""

    name: str
    rule: ScheduleJson
    words: str
    missed: list[str | int]
    filter: FilterPart | None


class LoginPart(TypedDict):
    """With which rights something is sent: a credential, and a mark that changes with its secrets."""

    name: str
    username: str
    mark: str


class ProfilePart(TypedDict):
    """A configuration profile and the values that a task takes from it."""

    name: str
    values: dict[str, str]


class TaskPart(TypedDict):
    """What a job says about one step (from 0). `devices` (ids) None means all of the job."""

    step: int
    devices: list[str] | None
    profile: ProfilePart | None
    credential: LoginPart | None
    connection: str
    transfer: str


class AgainPart(TypedDict):
    """Which devices (ids) of an ended run (id; None where it is of none) are run again, and at which step (position)
    each goes on, if not anew."""

    run: int | None
    devices: list[str]
    resumes: dict[str, int] | None


class Content(TypedDict, total=False):
    """All that an approval is bound to. `logins` are those of `devices`, by the credential's id."""

    name: str
    description: str
    message: str
    owner: str
    type: str
    template: dict[str, object]
    options: dict[str, object]
    agent: str
    rollout: dict[str, int]
    window: FilterPart | None
    selection: SelectionPart
    account: LoginPart | None
    credential: LoginPart | None
    tasks: list[TaskPart]
    variables: dict[str, str]
    secrets: dict[str, str]
    notify: dict[str, list[str]]
    triggers: list[TriggerPart]
    again: AgainPart | None
    devices: list[DeviceBody]
    logins: dict[str, LoginPart]


#: The parts of a content and the words for them in the log.
PARTS = {
    "name": "the job's name",
    "description": "the description",
    "message": "the request's message",
    "owner": "in whose name it runs",
    "type": "the job type",
    "template": "the template",
    "options": "the options",
    "agent": "the agent",
    "rollout": "the rollout",
    "window": "the maintenance window",
    "selection": "the device selection",
    "account": "the account of the job",
    "credential": "the credential of the job",
    "tasks": "what a task says",
    "variables": "the variables",
    "secrets": "a secret variable",
    "notify": "whom it tells",
    "triggers": "the triggers",
    "again": "the devices that run again",
    "devices": "the devices and commands",
    "logins": "a device's login",
}
#: What is found anew for each run where devices found later are meant: no part of what was agreed then.
OF_THE_MOMENT = ("devices", "logins")


def digest_of(content: Content) -> str:
    """Return the SHA-256 (hex) of the canonical JSON. With dynamic devices those of the moment are no part of it."""
    body = {key: value for key, value in content.items() if key in PARTS}
    if is_dynamic(content):
        body = {key: value for key, value in body.items() if key not in OF_THE_MOMENT}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def is_dynamic(content: Content) -> bool:
    """Say whether devices found later are meant as well, up to a number."""
    return bool(content.get("selection", {}).get("at_most"))


def differences(old: Content, new: Content) -> list[str]:
    """Say in words what changed between two contents."""
    found = []
    left_out: Collection[str] = OF_THE_MOMENT if is_dynamic(old) or is_dynamic(new) else ()
    for part, words in PARTS.items():
        if part not in left_out and old.get(part) != new.get(part):
            found.append(_devices(old, new) if part == "devices" else words)
    return found


def _devices(old: Content, new: Content) -> str:
    before, after = ({d["device"]: d for d in content.get("devices", ())} for content in (old, new))
    names = {**{k: d["name"] for k, d in before.items()}, **{k: d["name"] for k, d in after.items()}}
    parts = [
        ("added", sorted(names[k] for k in after.keys() - before.keys())),
        ("gone", sorted(names[k] for k in before.keys() - after.keys())),
        ("other commands or facts", sorted(names[k] for k in before.keys() & after.keys() if before[k] != after[k])),
    ]
    said = "; ".join(
        f"{word}: {', '.join(found[:5])}{' …' if len(found) > 5 else ''}" for word, found in parts if found
    )
    return f"the devices ({said or 'their order'})"
