"""How the API reads a body: as JSON alone, no larger and no deeper than `config.limits` allows."""

from __future__ import annotations

from typing import BinaryIO

import orjson
from rest_framework.exceptions import APIException, ParseError, ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer

from config import limits
from config.json_value import Json

#: Characters that no text holds: databases cannot keep them.
FORBIDDEN = "\x00"


class TooLarge(APIException):
    """The body is larger than a request may be."""

    status_code = 413
    default_code = "too_large"
    default_detail = f"A body has at most {limits.MOST_BODY_BYTES // 1024 // 1024} MiB; send it in parts."


class StrictJson(BaseParser):
    """Reads UTF-8 JSON; NaN, infinity, lone surrogates and NUL are no values here, and no integer has over 64 bits."""

    media_type = "application/json"
    renderer_class = JSONRenderer

    def parse(self, stream: BinaryIO, media_type: str | None = None, parser_context: object = None) -> Json:
        """Return the value of a body; ParseError where it is no JSON, ValidationError naming what is too much."""
        text = stream.read(limits.MOST_BODY_BYTES + 1)
        if len(text) > limits.MOST_BODY_BYTES:
            raise TooLarge
        try:
            found = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is no JSON in UTF-8: {error}.") from None
        check(found)
        return found


def check(value: Json) -> None:
    """Raise ValidationError, which names the path, where a value is too deep, too long or cannot be kept."""
    waiting: list[tuple[str, int, Json]] = [("", 0, value)]
    count = 0
    while waiting:
        path, level, found = waiting.pop()
        count += 1
        if count > limits.MOST_JSON_VALUES:
            raise _wrong("", f"A body holds at most {limits.MOST_JSON_VALUES:,} values; send it in parts.")
        if isinstance(found, dict | list):
            if level == limits.MOST_JSON_LEVELS:
                raise _wrong(path, f"A body has at most {limits.MOST_JSON_LEVELS} levels.")
            waiting += _inner(found, path, level + 1)
        elif isinstance(found, str) and FORBIDDEN in found:
            raise _wrong(path, "A text holds no NUL character.")


def _inner(found: dict[str, Json] | list[Json], path: str, level: int) -> list[tuple[str, int, Json]]:
    if isinstance(found, list):
        return [(f"{path}.{number}".lstrip("."), level, item) for number, item in enumerate(found)]
    for name in found:
        if len(name) > limits.MOST_JSON_NAME_CHARACTERS or FORBIDDEN in name:
            raise _wrong(path, f"A name has at most {limits.MOST_JSON_NAME_CHARACTERS} characters and no NUL.")
    return [(f"{path}.{name}".lstrip("."), level, item) for name, item in found.items()]


def _wrong(path: str, sentence: str) -> ValidationError:
    return ValidationError({path or "body": [sentence]})
