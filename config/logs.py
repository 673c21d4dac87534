"""The server log: one line for each thing that happened, as JSON or as text, with its `action` and what it is about.

A call names both: `log.info("Run %s has ended.", pk, extra={"action": "run.completed", "run": pk})`. What many lines
share is bound once (`bound`). Device output and secrets stand in none of them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from datetime import UTC, datetime
from types import MappingProxyType

import orjson

#: The action of what a library says, which knows nothing of actions.
FOREIGN = "library.said"
#: What a record has without anybody's `extra`; and the request that Django's own lines carry, whose address may hold a
#: token.
_ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "action", "request"}
_bound: ContextVar[Mapping[str, object]] = ContextVar("bound", default=MappingProxyType({}))


@contextmanager
def bound(**fields: object) -> Iterator[None]:
    """Give every line that is written within these fields, in this thread or greenlet and in what is begun from it
    with a copy of its context (`devices.drivers.hub`, `jobs.worker.journal_writer`)."""
    token = _bound.set({**_bound.get(), **fields})
    try:
        yield
    finally:
        _bound.reset(token)


def fields_of(record: logging.LogRecord) -> dict[str, object]:
    """Return what a line is about: what is bound, and what its call gave, which counts where both name it."""
    given = {name: value for name, value in vars(record).items() if name not in _ORDINARY}
    return {**_bound.get(), **given}


def action_of(record: logging.LogRecord) -> str:
    """Return what happened, as `noun.verb`."""
    return str(getattr(record, "action", FOREIGN))


def first_line(error: BaseException) -> str:
    """Return the first line of what a database says; the further ones may quote what was to be written."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


class Unquoted(Exception):
    """Stands in the log for an error whose words are left out; names its type."""


def unquoted(error: BaseException) -> Unquoted:
    """Return, for `exc_info`, where an error arose without what it says, which may be what a device said."""
    return Unquoted(type(error).__name__).with_traceback(error.__traceback__)


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, action, message, then what it is about, then who says it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line. What JSON does not know is written as its text."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "action": action_of(record),
            "message": record.getMessage(),
            **fields_of(record),
            "logger": record.name,
            "process": record.process,
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        try:
            return orjson.dumps(line, default=str, option=orjson.OPT_UTC_Z).decode()
        except orjson.JSONEncodeError:
            return orjson.dumps({str(name): _plain(value) for name, value in line.items()}).decode()


def _plain(value: object) -> str:
    """Return the text of a value that JSON cannot hold: half a character, a number too long, a circle."""
    return str(value).encode(errors="backslashreplace").decode()


class TextLines(logging.Formatter):
    """A line for eyes: time, level, action, message, and in brackets what it is about."""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {what} {message}{about}", style="{")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and below it where an exception arose."""
        fields = " ".join(f"{name}={value}" for name, value in fields_of(record).items())
        action = action_of(record)
        named = copy(record)
        named.__dict__ |= {
            "what": record.name if action == FOREIGN else action,
            "about": f" [{fields}]" if fields else "",
        }
        return super().format(named)
