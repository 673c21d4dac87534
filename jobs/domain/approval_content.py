"""What an approval is bound to: one JSON value with everything that will happen, its digest, its lines, and
differences. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
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


class TriggerPart(TypedDict):
    """A trigger, its schedule in words, and how it deals with missed runs (policy, grace minutes, most)."""

    name: str
    rule: ScheduleJson
    words: str
    missed: list[str | int]
    filter: dict[str, object] | None


class Content(TypedDict, total=False):
    """All that an approval is bound to."""

    name: str
    owner: str
    template: dict[str, object]
    options: dict[str, object]
    selection: SelectionPart
    variables: dict[str, str]
    secrets: dict[str, str]
    notify: dict[str, list[str]]
    triggers: list[TriggerPart]
    devices: list[DeviceBody]


#: The parts of a content and the words for them in the log.
PARTS = {
    "name": "the job's name",
    "owner": "in whose name it runs",
    "template": "the template",
    "options": "the options",
    "selection": "the device selection",
    "variables": "the variables",
    "secrets": "a secret variable",
    "notify": "whom it tells",
    "triggers": "the triggers",
    "devices": "the devices and commands",
}


def digest_of(content: Content) -> str:
    """Return the SHA-256 (hex) of the canonical JSON. With dynamic devices those of the moment are no part of it."""
    body = {key: value for key, value in content.items() if key in PARTS}
    if is_dynamic(content):
        body.pop("devices", None)
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def is_dynamic(content: Content) -> bool:
    """Say whether devices found later are meant as well, up to a number."""
    return bool(content.get("selection", {}).get("at_most"))


def differences(old: Content, new: Content) -> list[str]:
    """Say in words what changed between two contents."""
    found = []
    for part, words in PARTS.items():
        if part == "devices" and (is_dynamic(old) or is_dynamic(new)):
            continue
        if old.get(part) != new.get(part):
            found.append(_devices(old, new) if part == "devices" else words)
    return found


def lines(content: Content) -> list[str]:
    """Return the whole content as lines, for a comparison of two requests."""
    found, parts = [], dict[str, object](content)
    for part in PARTS:
        if part not in ("devices", "triggers") and part in parts:
            found.append(f"{part}: {json.dumps(parts[part], sort_keys=True, ensure_ascii=False)}")
    found += [f"trigger: {trigger['words']} ({trigger['name']})" for trigger in content.get("triggers", ())]
    for device in content.get("devices", ()):
        found += _device_lines(device)
    return found


def _device_lines(device: DeviceBody) -> Iterator[str]:
    _, credential, source = device.get("credential") or ("", "no credential", "")
    yield f"device: {device['name']} {device['address']} with {credential} {f'({source})' if source else ''}".rstrip()
    yield from (f"    {line}" for line in device.get("preparation", ()))
    for step in device.get("steps", ()):
        yield f"  {step['name']}"
        yield from (f"    {command}" for command in step.get("commands", ()))
        yield from (f"      {line}" for line in step.get("script", "").splitlines())


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
