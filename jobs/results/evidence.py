"""The configurations that a device run was to read around its steps: what was read, when, and why not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from devices.models import ConfigSnapshot
from devices.services.snapshots import Compared, compared
from jobs.domain import evidence
from jobs.domain.evidence import Ending
from jobs.domain.plan import SNAPSHOT, SNAPSHOTS, PlannedStep
from jobs.models import DeviceRun, StepResult

#: (kind, name for people, which one is read before, which after), as `jobs.domain.plan.SNAPSHOTS` calls them.
KINDS = (
    ("running", "Configuration", "before", "after"),
    ("startup", "Startup configuration", "startup_before", "startup_after"),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One configuration of a device run (`keep`): the stored one and when it was read, or `why` there is none."""

    keep: str
    kind: str
    snapshot: ConfigSnapshot | None
    read_at: datetime | None
    why: str

    @property
    def name(self) -> str:
        """Its name for people."""
        return SNAPSHOTS[self.keep]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The two configurations of a kind; `gap` says why they are not compared, empty where they are.

    `remark` says when the second one was read, where that is not the end of the steps.
    """

    kind: str
    heading: str
    remark: str
    before: Reading
    after: Reading
    gap: str

    @property
    def read(self) -> list[Reading]:
        """Those of the two that were read."""
        return [reading for reading in (self.before, self.after) if reading.snapshot]

    def compared(self, platform: str, *, with_ignored: bool = False) -> Compared | None:
        """Return the comparison; None where one was not read."""
        if self.before.snapshot is None or self.after.snapshot is None:
            return None
        return compared(self.before.snapshot, self.after.snapshot, platform, with_ignored=with_ignored)


def evidence_of(row: DeviceRun, steps: Iterable[StepResult]) -> list[Evidence]:
    """Return what an ended or open device run was to read, or did; nothing of a kind that was neither."""
    planned = {step.keep: step for step in row.plan.steps if step.kind == SNAPSHOT}
    done = {step.position: step for step in steps}
    run = Ending(row.status, row.reason)
    found = []
    for kind, name, before, after in KINDS:
        if not {before, after} & planned.keys() and not (_stored(row, before) or _stored(row, after)):
            continue
        old, new = (_reading(row, run, keep, kind, planned.get(keep), done) for keep in (before, after))
        is_read = new.snapshot is not None
        found.append(
            Evidence(
                kind=kind,
                heading=evidence.heading(name, run, after_is_read=is_read),
                remark=evidence.remark(run, after_is_read=is_read),
                before=old,
                after=new,
                gap=evidence.gap(old.why, new.why),
            )
        )
    return found


def _stored(row: DeviceRun, keep: str) -> ConfigSnapshot | None:
    found: ConfigSnapshot | None = getattr(row, keep if keep.startswith("startup") else f"snapshot_{keep}")
    return found


def _reading(
    row: DeviceRun, run: Ending, keep: str, kind: str, planned: PlannedStep | None, done: dict[int, StepResult]
) -> Reading:
    snapshot, step = _stored(row, keep), done.get(planned.position) if planned else None
    if snapshot:
        return Reading(keep, kind, snapshot, (step and step.ended_at) or snapshot.taken_at, "")
    ending = Ending(step.status, message=step.message) if step else None
    return Reading(keep, kind, None, None, evidence.why_not_read(run, planned=planned is not None, step=ending))
