"""What the API says of the configurations around a device run, and of their difference."""

from __future__ import annotations

from jobs.models import DeviceRun
from jobs.results.evidence import Evidence, Reading, evidence_of


def diff_body(row: DeviceRun, *, with_ignored: bool = False) -> dict[str, object]:
    """Return the shape of `RunDiffSerializer`: what was not compared is null, never empty."""
    found = evidence_of(row, row.steps.all())
    by_kind = {item.kind: item.compared(row.platform, with_ignored=with_ignored) for item in found}
    running, startup = by_kind.get("running"), by_kind.get("startup")
    return {
        "unified": running and [line for _, line in running.changes],
        "startup": startup and [line for _, line in startup.changes],
        "ignored": [line for _, line in running.ignored] if running else [],
        "startup_ignored": [line for _, line in startup.ignored] if startup else [],
        "headings": [_heading(item) for item in found],
        "configurations": [_read(reading) for item in found for reading in (item.before, item.after)],
    }


def _heading(item: Evidence) -> str:
    return " ".join(filter(None, (f"{item.heading}.", item.gap or item.remark)))


def _read(reading: Reading) -> dict[str, object]:
    snapshot = reading.snapshot
    return {
        "which": reading.keep,
        "name": reading.name,
        "read": snapshot is not None,
        "snapshot": snapshot and snapshot.pk,
        "read_at": reading.read_at,
        "why_not": reading.why,
    }
