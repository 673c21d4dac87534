"""OpsRamp's `appinstall`: its approval, and which application. `app` and `version` are our addition."""

from __future__ import annotations

from jobs.domain.opsramp.body import Body, Words
from jobs.domain.opsramp.reader import Reader
from jobs.models import ServiceJob
from jobs.types.base import OpsRampType

#: The order of keys in its answers; the database keeps none.
APPROVAL = ("approvalType", "approvalReason", "alertRequired")
#: The `approvalType` of an installation that others approve, whoever asks for it, and of one that nobody else does.
MANUAL = 0
AUTOMATIC = 1


def read_parts(read: Reader, body: dict[str, object], script: dict[str, object]) -> dict[str, object]:
    """Return `approval`, `app` and `version`."""
    path = "script.approvalType"
    found: dict[str, object] = {}
    if "approvalType" in script:
        given = read.mapping(script["approvalType"], path, APPROVAL)
        found["approvalType"] = read.integer(given.get("approvalType"), f"{path}.approvalType", 0, AUTOMATIC)
        if "approvalReason" in given:
            found["approvalReason"] = read.text(given["approvalReason"], f"{path}.approvalReason", 500)
        if "alertRequired" in given:
            found["alertRequired"] = read.boolean(given["alertRequired"], f"{path}.alertRequired")
    return {
        "approval": found,
        "app": read.text(script.get("app"), "script.app", 120, False),
        "version": read.text(script.get("version"), "script.version", 120, False),
    }


def write(job: ServiceJob) -> dict[str, object]:
    """Return the `script` of a job's body."""
    found: dict[str, object] = {"jobType": WORDS.kind}
    approval = job.compat.get("approval")
    if approval:
        found["approvalType"] = {key: approval[key] for key in APPROVAL if key in approval}
    return found | {key: job.variables[key] for key in ("app", "version") if job.variables.get(key)}


def _approval_type(body: Body) -> int | None:
    found: int | None = body.parts["approval"].get("approvalType")
    return found


WORDS = Words(
    kind="appinstall",
    name="Install Application",
    needs_name=False,
    needs_schedule=False,
    script_fields=("approvalType", "app", "version"),
    read=read_parts,
)
OPSRAMP = OpsRampType(
    words=WORDS,
    variables=lambda body: {key: body.parts[key] for key in ("app", "version")},
    write=write,
    title=lambda body: body.parts["app"] or WORDS.kind,
    runs_unapproved=lambda body: _approval_type(body) == AUTOMATIC,
    wants_approval=lambda body: _approval_type(body) == MANUAL,
    paths={"variables.app": "script.app", "variables.version": "script.version"},
    may_miss=lambda body: frozenset() if body.parts["app"] else frozenset({"variables.app"}),
    kept=("approval",),
)
