"""The job types, in the order in which people see them. Wizard, API, filters, policies and documentation read this
list, and nothing else in the product names a type."""

from __future__ import annotations

from operator import attrgetter

from config.errors import NotFound
from config.registry import by_key
from jobs.types.ad_check_list import AD_CHECK_LIST
from jobs.types.app_install import APP_INSTALL
from jobs.types.backup import BACKUP
from jobs.types.base import JobType, OpsRampType
from jobs.types.regular import REGULAR
from jobs.types.script import SCRIPT
from templates_app.domain.built_in import BuiltInTemplate

#: In the order in which people see them.
BY_KEY: dict[str, JobType] = by_key(
    "job type",
    (
        REGULAR,
        AD_CHECK_LIST,
        BACKUP,
        APP_INSTALL,
        SCRIPT,
    ),
    attrgetter("key"),
)


def get(key: str) -> JobType:
    """Return a type by its key; NotFound when there is none."""
    try:
        return BY_KEY[key]
    except KeyError:
        raise NotFound(f"There is no job type '{key}'.") from None


def find(key: str) -> JobType | None:
    """Return a type by its key, or None: rows of the past may name one that is no more."""
    return BY_KEY.get(key)


def choices() -> list[tuple[str, str]]:
    """Return (key, label) of every type."""
    return [(one.key, one.label) for one in BY_KEY.values()]


def label_of(key: str) -> str:
    """Return the label of a type; a key that is none stands for itself."""
    found = find(key)
    return found.label if found else key


def of_template(built_in: str) -> JobType:
    """Return the type of the jobs of a template, by its `built_in` key; empty for one that people wrote."""
    return get(built_in.partition(":")[0] or REGULAR.key)


def built_in_templates() -> list[BuiltInTemplate]:
    """Return the templates that the product keeps for every tenant."""
    return [one.template() for one in BY_KEY.values() if one.template]


def in_opsramp() -> dict[str, tuple[JobType, OpsRampType]]:
    """Return the types that OpsRamp's API knows, by its word for each, in the order of the list."""
    return {one.opsramp.words.kind: (one, one.opsramp) for one in BY_KEY.values() if one.opsramp}
