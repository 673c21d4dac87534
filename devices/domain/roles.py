"""Who may do what: the verbs (object permissions on a tenant) and the roles that bundle them."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class RoleDefinition:
    """What people call a role, and the rights that it bundles."""

    name: str
    verbs: frozenset[Verb]


#: The roles that every tenant has from its start, by key.
ROLES: dict[str, RoleDefinition] = {
    "viewer": RoleDefinition("viewer", frozenset({Verb.VIEW})),
    "operator": RoleDefinition("operator", frozenset({Verb.VIEW, Verb.RUN})),
    "approver": RoleDefinition("approver", frozenset({Verb.VIEW, Verb.APPROVE})),
    "template_author": RoleDefinition("template author", frozenset({Verb.VIEW, Verb.AUTHOR})),
    "tenant_admin": RoleDefinition(
        "tenant admin", frozenset({Verb.VIEW, Verb.RUN, Verb.BYPASS, Verb.AUTHOR, Verb.ADMINISTER})
    ),
}
