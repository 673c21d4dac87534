"""Which devices a job is for: all, a search evaluated when it runs, or a static list."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class SelectionMode(StrEnum):
    """The three ways of N-05."""

    STATIC = "static"
    SEARCH = "search"
    ALL = "all"


MODE_LABELS = {
    SelectionMode.STATIC: "Static list",
    SelectionMode.SEARCH: "Search",
    SelectionMode.ALL: "All devices",
}


@dataclass(frozen=True, slots=True)
class DeviceSearch:
    """Criteria that a device must all meet; an empty criterion does not narrow.

    Ids are kept as the database knows them.
    """

    text: str = ""
    networks: tuple[int, ...] = ()
    tags: tuple[int, ...] = ()
    platforms: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return the form in which a job stores it."""
        return {
            "text": self.text,
            "networks": list(self.networks),
            "tags": list(self.tags),
            "platforms": list(self.platforms),
        }

    @classmethod
    def from_json(cls, data: dict[str, object] | None) -> DeviceSearch:
        """Read what `as_json` wrote; missing keys mean no criterion."""
        data = data or {}
        return cls(
            text=str(data.get("text", "")),
            networks=tuple(int(x) for x in _list(data.get("networks"))),
            tags=tuple(int(x) for x in _list(data.get("tags"))),
            platforms=tuple(str(x) for x in _list(data.get("platforms"))),
        )


@dataclass(frozen=True, slots=True)
class DeviceSelection:
    """The whole answer to "which devices": in static mode the union of devices picked and devices that carry a tag."""

    mode: SelectionMode = SelectionMode.STATIC
    search: DeviceSearch = field(default_factory=DeviceSearch)
    devices: tuple[str, ...] = ()
    tags: tuple[int, ...] = ()


def _list(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else []
