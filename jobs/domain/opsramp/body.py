"""OpsRamp's job body as values: what all its job types have in common. What each adds is said by its `Words`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from jobs.domain.opsramp.patterns import Pattern, read_schedule
from jobs.domain.opsramp.reader import Reader, Wrong

#: What a body has whatever its type; what a type adds is in its words.
COMMON = ("name", "jobQueued", "entities", "script", "schedule", "id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One of OpsRamp's job types: `kind` is its `jobType`, `name` its name in the list of types.

    `script_fields` are the fields of `script` that belong to it, `body_fields` those beside `script`. `read` takes its
    own parts out of a body and its script.
    """

    kind: str
    name: str
    needs_name: bool = True
    needs_devices: bool = False
    needs_schedule: bool = True
    script_fields: tuple[str, ...] = ()
    body_fields: tuple[str, ...] = ()
    read: Callable[[Reader, dict[str, object], dict[str, object]], dict[str, object]] = lambda read, body, script: {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A job as OpsRamp's body says it.

    `pattern` is in canonical form and key order; `start` is an aware minute or None. `parts` are what the job type
    adds, in the words of the type.
    """

    kind: str
    name: str = ""
    queued: bool = False
    devices: tuple[str, ...] = ()
    start: datetime | None = None
    pattern: Pattern = field(default_factory=lambda: Pattern(type="never"))
    # Any: what the type's own words read; only they read it again.
    parts: Mapping[str, Any] = field(default_factory=dict)


def parse(data: object, types: Mapping[str, Words]) -> Body:
    """Read a body; `types` are the job types that run here, by `jobType`. Wrong names every field that cannot be."""
    read = Reader()
    top = [*COMMON, *(name for words in types.values() for name in words.body_fields)]
    body = read.mapping(data, "", tuple(dict.fromkeys(top)))
    script = body.get("script")
    known = ["jobType", *(name for words in types.values() for name in words.script_fields)]
    script = read.mapping(script if script is not None else {}, "script", tuple(dict.fromkeys(known)))
    kind = read.choice(script.get("jobType"), "script.jobType", list(types))
    if not kind:
        raise Wrong(read.fields)
    words = types[kind]
    start, pattern = read_schedule(read, body.get("schedule"), not words.needs_schedule)
    found = Body(
        kind=kind,
        name=read.text(body.get("name"), "name", 160, words.needs_name),
        queued=read.boolean(body.get("jobQueued", False), "jobQueued"),
        devices=_entities(read, body.get("entities"), words.needs_devices),
        start=start,
        pattern=pattern,
        parts=words.read(read, body, script),
    )
    _refuse_foreign(read, body, script, words, types)
    if read.fields:
        raise Wrong(read.fields)
    return found


def _refuse_foreign(
    read: Reader, body: dict[str, object], script: dict[str, object], words: Words, types: Mapping[str, Words]
) -> None:
    """Complain of fields that belong to another job type."""
    for owner in types.values():
        if owner is not words:
            foreign = [f"script.{name}" for name in owner.script_fields if name in script]
            foreign += [name for name in owner.body_fields if name in body]
            own = {*words.body_fields, *(f"script.{name}" for name in words.script_fields)}
            for path in foreign:
                if path not in own:
                    read.wrong(path, f"Belongs to job type {owner.kind}.")


def _entities(read: Reader, given: object, needed: bool) -> tuple[str, ...]:
    if given is None and not needed:
        return ()
    if not isinstance(given, list) or (not given and needed):
        read.wrong("entities", 'Give a list of at least one {"resource": {"id": …, "type": "DEVICE"}}.')
        return ()
    found: dict[str, None] = {}
    for number, entity in enumerate(given):
        path = f"entities.{number}.resource"
        inner = read.mapping(entity, f"entities.{number}", ("resource",)).get("resource", {})
        resource = read.mapping(inner, path, ("id", "type", "generalInfo", "clientUniqueId"))
        read.choice(resource.get("type"), f"{path}.type", ("DEVICE",))
        try:
            found[str(UUID(cast(str, resource.get("id"))))] = None
        except (ValueError, TypeError, AttributeError):
            read.wrong(f"{path}.id", "Give the id of a device.")
    return tuple(found)
