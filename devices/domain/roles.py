"""Who may do what: the verbs (object permissions on a tenant) and the roles that bundle them."""

from __future__ import annotations

from enum import StrEnum


class Verb(StrEnum):
    """A right on one tenant; a right on an MSP covers everything below it."""

    VIEW = "view_tenant"
    RUN = "run_jobs"
    APPROVE = "approve_jobs"
    BYPASS = "run_without_approval"
    AUTHOR = "author_templates"
    ADMINISTER = "administer_tenant"


VERB_LABELS: dict[Verb, str] = {
    Verb.VIEW: "See what belongs to the tenant",
    Verb.RUN: "Create, edit and run jobs",
    Verb.APPROVE: "Approve a job execution",
    Verb.BYPASS: "Run a job without approval",
    Verb.AUTHOR: "Write service templates",
    Verb.ADMINISTER: "Administer devices, credentials, agents and settings",
}

ROLES: dict[str, frozenset[Verb]] = {
    "viewer": frozenset({Verb.VIEW}),
    "operator": frozenset({Verb.VIEW, Verb.RUN}),
    "approver": frozenset({Verb.VIEW, Verb.APPROVE}),
    "template author": frozenset({Verb.VIEW, Verb.AUTHOR}),
    "tenant admin": frozenset({Verb.VIEW, Verb.RUN, Verb.BYPASS, Verb.AUTHOR, Verb.ADMINISTER}),
}
