"""Take values out of a JSON body, whatever their spelling, and say of each field what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Sequence


class Wrong(ValueError):
    """What is wrong with a body, by the path of the field."""

    def __init__(self, fields: dict[str, list[str]]) -> None:
        super().__init__("; ".join(f"{name}: {' '.join(said)}" for name, said in fields.items()))
        self.fields = fields


class Reader:
    """Takes values out of a body and collects what is wrong with them."""

    def __init__(self) -> None:
        self.fields: dict[str, list[str]] = {}

    def wrong(self, path: str, sentence: str) -> None:
        self.fields.setdefault(path, []).append(sentence)

    def mapping(self, value: object, path: str, known: Sequence[str]) -> dict[str, object]:
        """Return an object whose keys are all known."""
        if not isinstance(value, dict):
            self.wrong(path, "Give an object.")
            return {}
        for key in value:
            if key not in known:
                self.wrong(f"{path}.{key}".lstrip("."), f"There is no such field; known are: {', '.join(known)}.")
        return value

    def text(self, value: object, path: str, most: int, needed: bool = True) -> str:
        if value is None and not needed:
            return ""
        if not isinstance(value, str) or (needed and not value.strip()) or not value.isprintable():
            self.wrong(path, "Give a text of one line.")
            return ""
        if len(value.strip()) > most:
            self.wrong(path, f"Give at most {most} characters.")
        return value.strip()

    def boolean(self, value: object, path: str) -> bool:
        if isinstance(value, str):
            value = {"true": True, "false": False}.get(value.strip().lower())
        if not isinstance(value, bool):
            self.wrong(path, "Allowed values: true, false.")
            return False
        return value

    def integer(self, value: object, path: str, least: int, most: int) -> int:
        if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,9}\s*", value, re.ASCII):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self.wrong(path, f"Allowed values: whole numbers from {least} to {most}.")
            return least
        return value

    def choice(self, value: object, path: str, allowed: Sequence[str]) -> str:
        """Return the allowed spelling of a value, whatever its case and spaces."""
        words = " ".join(value.split()).lower() if isinstance(value, str) else None
        found = next((one for one in allowed if one.lower() == words), "")
        if not found:
            self.wrong(path, f"Allowed values: {', '.join(allowed)}.")
        return found

    def several(self, value: object, path: str) -> list[object]:
        """Return the parts of a comma-joined text, of a list, or of a single value."""
        parts: list[object] = [value]
        if isinstance(value, str):
            parts = [*value.split(",")]
        elif isinstance(value, list):
            parts = value
        if not parts or any(part is None or (isinstance(part, str) and not part.strip()) for part in parts):
            self.wrong(path, "Give at least one value, separated by commas.")
            return []
        return parts

    def same(self, first: object, second: object, paths: str) -> None:
        """Complain where two spellings of one thing differ."""
        if first != second:
            self.wrong(
                paths.split(" ", maxsplit=1)[0],
                f"{paths.replace(' ', ' and ')} are the same thing and differ; give one.",
            )
