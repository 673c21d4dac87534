"""An approval's content in words: five facts to begin with, every value of it, and devices folded by what they get.

Whatever is bound is shown, because both are made from the content itself. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from jobs.domain.approval_content import PARTS, Content, LoginPart, is_dynamic
from jobs.domain.plan import DeviceBody, HopChoice, StepBody
from jobs.domain.rollout import Rollout

#: A fact names so many devices; all of them stand below.
NAMED_DEVICES = 12
#: What tells one device from another that gets the same lines.
IDENTITY = ("device", "name", "address", "endpoint", "credential", "via")
#: Of a step: what a page shows in a place of its own.
SHOWN_APART = ("name", "commands", "script", "note")
#: Parts of a content that are shown device by device.
BY_DEVICE = ("devices", "logins")


@dataclass(frozen=True, slots=True)
class Fact:
    """One of the five questions, and what the content answers."""

    heading: str
    lines: tuple[str, ...]


@dataclass(slots=True)
class DeviceGroup:
    """Devices, each with the words for its login and for its jump hosts, that get the very same lines."""

    body: DeviceBody
    devices: list[tuple[DeviceBody, str, str]] = field(default_factory=list)

    @property
    def steps(self) -> list[tuple[StepBody, list[tuple[str, str]]]]:
        """Each step with all else of it that is bound: (name, value)."""
        return [
            (step, list(leaves({key: value for key, value in step.items() if key not in SHOWN_APART and value})))
            for step in self.body["steps"]
        ]


def facts(content: Content, asked_by: str, scope: str) -> list[Fact]:
    """Return what, where, when, how and who."""
    return [
        Fact("What", tuple(_what(content))),
        Fact("Where", tuple(_where(content))),
        Fact("When", tuple(_when(content))),
        Fact("How", tuple(_how(content, scope))),
        Fact("Who", tuple(_who(content, asked_by))),
    ]


def _what(content: Content) -> Iterator[str]:
    template = content["template"]
    yield f"{template['name']}, version {template['version']}"
    if content.get("description"):
        yield content["description"]
    devices = content.get("devices", [])
    count = sum(len(step["commands"]) for device in devices for step in device["steps"])
    kinds = len(folded(content))
    yield f"{count} lines in all; {kinds} different {_plural('set', kinds)} of lines"
    yield from (f"{name} = {value}" for name, value in content.get("variables", {}).items())
    yield from (f"{name}: a secret" for name in content.get("secrets", {}))


def _where(content: Content) -> Iterator[str]:
    devices, selection = content.get("devices", []), content.get("selection", {})
    again = content.get("again")
    if again:
        yield f"Again, devices of run {again['run']} alone"
    if is_dynamic(content):
        yield f"Those that match when it runs, at most {selection['at_most']}; now {len(devices)}"
    names = [device["name"] for device in devices]
    more = len(names) - NAMED_DEVICES
    listed = ", ".join(names[:NAMED_DEVICES]) + (f" and {more} more" if more > 0 else "")
    yield f"{len(names)} {_plural('device', len(names))}: {listed}"
    for label, chosen in _ways(devices):
        if chosen:
            yield f"{label}: {', '.join(chosen[:NAMED_DEVICES])}{' …' if len(chosen) > NAMED_DEVICES else ''}"


def _ways(devices: Sequence[DeviceBody]) -> Iterator[tuple[str, list[str]]]:
    """Yield what is particular about how some of the devices are reached, and which."""
    yield "By Telnet, in clear text", [d["name"] for d in devices if d.get("telnet")]
    yield "With SSH algorithms that are given up (SHA-1)", [d["name"] for d in devices if d.get("legacy")]
    yield "Over jump hosts", [f"{d['name']} over {way_words(d)}" for d in devices if d.get("via")]
    yield "On a serial console line", [d["name"] for d in devices if d.get("console")]
    yield "Cannot be run", [d["name"] for d in devices if d.get("problem")]


def _when(content: Content) -> Iterator[str]:
    for trigger in content.get("triggers", []):
        without = f", without '{trigger['filter']['name']}'" if trigger["filter"] else ""
        yield f"{trigger['words']}{without}"
    if not content.get("triggers"):
        yield "Started by hand, when it is approved"
    window = content.get("window")
    if window:
        yield f"Devices begin only in the window '{window['name']}' ({window['time_zone']})"


def _how(content: Content, scope: str) -> Iterator[str]:
    options = content.get("options", {})
    yield Rollout.from_json(content.get("rollout", {})).words() or "All devices, without canaries, waves or a stop rule"
    yield f"{options.get('max_parallel')} devices at a time, by agent {content.get('agent') or '(none)'}"
    yield f"For {scope}"


def _who(content: Content, asked_by: str) -> Iterator[str]:
    yield f"Asked for by {asked_by}; runs in the name of {content.get('owner')}"
    logins = {login_words(login) for login in content.get("logins", {}).values()}
    yield f"Signs in as {', '.join(sorted(logins)) or 'nobody'}"
    told = content.get("notify", {})
    names = [*told.get("people", ()), *told.get("groups", ())]
    if names:
        yield f"Tells {', '.join(names)}"


def way_words(device: DeviceBody) -> str:
    """Name the jump hosts on the way to a device, the first one first; empty where there are none."""
    return ", then ".join(str(HopChoice(*hop)) for hop in device.get("via", ()))


def login_words(login: LoginPart) -> str:
    """Name a login."""
    return f"{login['username'] or '(no user name)'} ({login['name']})"


def rows(content: Content) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return every value that is bound and no device's own, part by part: (words, [(name, value), …])."""
    parts = cast(Mapping[str, object], content)
    shown = [(part, words) for part, words in PARTS.items() if part in parts and part not in BY_DEVICE]
    return [(words, list(leaves(parts[part]))) for part, words in shown]


def leaves(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Return each value inside a JSON value with the names that lead to it."""
    if isinstance(value, Mapping):
        for key in sorted(value):
            yield from leaves(value[key], f"{path} {key}".strip())
    elif isinstance(value, list | tuple) and any(isinstance(item, Mapping | list | tuple) for item in value):
        for number, item in enumerate(value, 1):
            yield from leaves(item, f"{path} {number}".strip())
    elif isinstance(value, list | tuple):
        yield path, ", ".join(text(item) for item in value) or "none"
    else:
        yield path, text(value)


def text(value: object) -> str:
    """Return a single value as people read it."""
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def folded(content: Content, wanted: str = "") -> list[DeviceGroup]:
    """Put devices that get the same lines together, in the order in which the first of each comes.

    With a `wanted` text, those alone in whose name, address or lines it occurs.
    """
    groups: dict[str, DeviceGroup] = {}
    for device in content.get("devices", ()):
        if wanted and wanted.lower() not in _searched(device):
            continue
        same = {key: value for key, value in device.items() if key not in IDENTITY}
        group = groups.setdefault(json.dumps(same, sort_keys=True), DeviceGroup(device))
        group.devices.append((device, _login_of(device, content.get("logins", {})), way_words(device)))
    return list(groups.values())


def _searched(device: DeviceBody) -> str:
    commands = [command for step in device["steps"] for command in step["commands"]]
    return " ".join([device["name"], device["address"], *commands]).lower()


def _login_of(device: DeviceBody, logins: Mapping[str, LoginPart]) -> str:
    if not device["credential"]:
        return "no credential"
    key, name, source = device["credential"]
    login = logins.get(key)
    return f"{login_words(login) if login else name}, {source}"


def lines(content: Content) -> list[str]:
    """Return the whole content as lines, for a comparison of two requests."""
    found = [f"{words}: {name} {value}".strip() for words, pairs in rows(content) for name, value in pairs]
    for device in content.get("devices", ()):
        found += _device_lines(device, content.get("logins", {}))
    return found + [f"{PARTS['logins']}: {name} {value}" for name, value in leaves(content.get("logins", {}))]


def _device_lines(device: DeviceBody, logins: Mapping[str, LoginPart]) -> Iterator[str]:
    yield f"device: {device['name']} {device['address']} by {device.get('endpoint', 'SSH')}"
    if device.get("via"):
        yield f"  over: {way_words(device)}"
    yield f"  login: {_login_of(device, logins)}"
    others = {key: value for key, value in device.items() if key not in (*IDENTITY, "steps", "preparation")}
    yield from (f"  {name}: {value}" for name, value in leaves(others))
    yield from (f"    {line}" for line in device["preparation"])
    for step in device["steps"]:
        yield f"  {step['name']}"
        yield from (f"    {command}" for command in step["commands"])
        yield from (f"      {line}" for line in step.get("script", "").splitlines())
        rest = {key: value for key, value in step.items() if key not in SHOWN_APART and value}
        yield from (f"    ({name}: {value})" for name, value in leaves(rest))


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"
