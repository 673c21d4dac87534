"""OpsRamp's jobs as ours: the same templates, plans, approvals and runs; only the words of the body are theirs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from approvals import access as approval_access
from approvals import services as approvals
from approvals.domain import OPEN, ApprovalStatus, Scope
from config.errors import Forbidden, Invalid
from devices import access as tenants
from devices import selectors as inventory
from devices.domain.roles import Verb
from devices.domain.secrets import Secret
from devices.domain.selection import DeviceSelection
from devices.models import Device, Tenant
from devices.services import audit
from jobs import access, types
from jobs.authoring import drafts
from jobs.authoring.drafts import SAVE, Wish
from jobs.dispatch import approval_gate, starter
from jobs.domain.opsramp.body import Body, Words
from jobs.domain.opsramp.patterns import moment_text, rule_of
from jobs.domain.spec import JobSpec, TriggerKind, TriggerSpec
from jobs.models import JobRun, ServiceJob
from jobs.types import OpsRampType
from templates_app.domain.content import VariableType
from templates_app.models import ServiceTemplate
from templates_app.services.built_in import keep_built_in

#: Our fields of a job → the path in the body; a type adds its own.
PATHS = {
    "name": "name",
    "devices": "entities",
    "schedule": "schedule.startDate",
    "credential": "credentialSet.uniqueId",
}

#: An installation that its request approves may run as often as it is scheduled, for so long.
APPROVED_FOR = timedelta(days=3650)


def words() -> dict[str, Words]:
    """Return the job types that OpsRamp's API knows, by its word for each, in the order of the list of types."""
    return {kind: opsramp.words for kind, (_, opsramp) in types.in_opsramp().items()}


def _type(body: Body) -> OpsRampType:
    return types.in_opsramp()[body.kind][1]


def create(*, by: User, tenant: Tenant, body: Body, now: datetime) -> ServiceJob:
    """Make the job of a body in a tenant; a change asks for its approval. Invalid names the fields of the body."""
    access.check_may_run(by, tenant)
    _check_auto_approval(by, tenant, body)
    with transaction.atomic():
        template = _template(tenant, body)
        draft = drafts.start_draft(by=by, template_id=template.pk)
        _fill(by, draft, body, body.name or _free_name(tenant, f"Job - {_type(body).title(body)}"), now)
        return _finish(by, draft, body, now)


def update(*, by: User, job: ServiceJob, body: Body, now: datetime) -> ServiceJob:
    """Change a job to what a body says; its type and its script stay what they are."""
    access.check_may_run(by, job.tenant)
    _check_auto_approval(by, job.tenant, body)
    with transaction.atomic():
        if _template(job.tenant, body).pk != job.template_id:
            raise Invalid(
                fields={"script": ["A job keeps its job type, its script and its user type; make a new job."]}
            )
        draft = job if job.status == ServiceJob.Status.DRAFT else drafts.start_editing(by=by, job=job)
        _fill(by, draft, body, body.name or job.name, now)
        ServiceJob.objects.filter(pk=job.pk).update(compat=draft.compat)
        done = _finish(by, draft, body, now)
        if done.draft_of_id:  # what is missing cannot be missing in a job that is in use
            raise Invalid(fields={"entities": ["Give at least one device of this tenant."]})
        return ServiceJob.objects.get(pk=job.pk)


def _check_auto_approval(by: User, tenant: Tenant, body: Body) -> None:
    if _type(body).runs_unapproved(body) and not approval_access.may_bypass(by, tenant):
        raise Forbidden(
            "approvalType 1 approves the installation without anybody else, which needs the right 'Run a job without "
            "approval'. Send 0 to request approval."
        )


def _template(tenant: Tenant, body: Body) -> ServiceTemplate:
    job_type, opsramp = types.in_opsramp()[body.kind]
    if opsramp.template:
        return opsramp.template(tenant, body)
    assert job_type.template is not None, "a type without a template of its own finds one for each body"
    return keep_built_in(tenant, job_type.template())


def _free_name(tenant: Tenant, name: str) -> str:
    """Return a generated name, numbered where it is taken (X-20)."""
    taken = {
        found.lower()
        for found in ServiceJob.objects.filter(tenant=tenant, deleted_at=None, name__istartswith=name).values_list(
            "name", flat=True
        )
    }
    numbers = (name if n == 1 else f"{name} ({n})" for n in range(1, len(taken) + 2))
    return next(found for found in numbers if found.lower() not in taken)


def _fill(by: User, draft: ServiceJob, body: Body, name: str, now: datetime) -> None:
    """Write a body into a draft."""
    own, above = Q(tenant=draft.tenant), inventory.agents_for(draft.tenant)
    agent = above.filter(own).order_by("pk").first() or above.order_by("-tenant__path", "pk").first()
    if agent is None:
        raise Invalid(fields={"tenantId": ["The tenant has no agent yet. Add one, then create the job."]})
    _check_devices(by, draft.tenant, body)
    kinds = {v.name: v.type for v in draft.version.content.variables}
    values = _type(body).variables(body)
    secret = {name: Secret(text) for name, text in values.items() if kinds.get(name) is VariableType.SECRET}
    spec = JobSpec(
        template=draft.template_id,
        name=name,
        description=draft.description or "Made through the OpsRamp API.",
        agent=agent.pk,
        snapshots=draft.version.content.changes_devices,
        selection=DeviceSelection(devices=body.devices),
        credential=body.parts.get("credential") or None,
        variables={key: text for key, text in values.items() if key not in secret},
        secret_variables=secret,
        in_queue=body.queued,
        wants_approval=_type(body).wants_approval(body),
        triggers=(_trigger(body, now),),
    )
    try:
        drafts.save_draft(by=by, draft=draft, spec=spec)
    except Invalid as error:
        raise _translated(error, body) from None
    draft.compat = _compat(body)
    ServiceJob.objects.filter(pk=draft.pk).update(compat=draft.compat)


def _check_devices(by: User, tenant: Tenant, body: Body) -> None:
    """A sibling's device is as unknown as one that never was (X-19)."""
    usable = tenants.scoped(by, inventory.devices_under(tenant), Verb.RUN).filter(pk__in=body.devices)
    known = {str(pk) for pk in usable.values_list("pk", flat=True)}
    wrong = {
        f"entities.{number}.resource.id": ["There is no such device."]
        for number, pk in enumerate(body.devices)
        if pk not in known
    }
    if wrong:
        raise Invalid(fields=wrong)


def _trigger(body: Body, now: datetime) -> TriggerSpec:
    kind = body.pattern["type"]
    if body.start is None and kind in ("never", "run once"):
        return TriggerSpec(kind=TriggerKind.NOW, name=kind)
    rule = rule_of(body.pattern, body.start or now.replace(second=0, microsecond=0))
    return TriggerSpec(kind=TriggerKind(rule["kind"]), name=kind, rule=rule)


def _compat(body: Body) -> dict[str, object]:
    """Return what is only given back in answers; nothing is ever decided by it."""
    found: dict[str, object] = {"pattern": body.pattern, "devices": list(body.devices)}
    if body.start:
        found |= {"start": moment_text(body.start), "rule": rule_of(body.pattern, body.start)}
    return found | {key: body.parts[key] for key in _type(body).kept if body.parts[key]}


def _finish(by: User, draft: ServiceJob, body: Body, now: datetime) -> ServiceJob:
    """Save a draft as a job and ask for the approval it needs; leave it a draft where something is to be defined
    yet."""
    draft = ServiceJob.objects.select_related("tenant", "template", "version", "agent", "approval", "draft_of").get(
        pk=draft.pk
    )
    may_miss = _type(body).may_miss(body) | (frozenset() if body.devices else {"devices"})
    if may_miss & set(drafts.problems_of(draft, by)):
        return draft
    reason = body.parts.get("approval", {}).get("approvalReason", "")
    try:
        if draft.draft_of_id is None:
            return drafts.finish_draft(by=by, draft=draft, wish=_wish(draft, body, reason, now))[0]
        job, _ = drafts.submit_job(by=by, draft=draft, now=now)
        if not (job.approval and job.approval.status in OPEN):
            _allow(by, job, _wish(job, body, reason, now), now)
    except Invalid as error:
        raise _translated(error, body) from None
    return job


def _wish(job: ServiceJob, body: Body, reason: str, now: datetime) -> Wish:
    """Return what the body wishes for a change: to run unapproved where it says so, else to be asked for."""
    if not approval_gate.is_change(job):
        return SAVE
    if _type(body).runs_unapproved(body):
        scope = Scope(series=True, until=now + APPROVED_FOR)
        return Wish(reason=reason or "The request says that it is approved.", scope=scope)
    return Wish(message=reason or "Requested through the API.")


def _allow(by: User, job: ServiceJob, wish: Wish, now: datetime) -> None:
    if wish.reason is not None:
        approval_gate.bypass(by=by, job=job, reason=wish.reason, now=now, scope=wish.scope)
    elif wish.message is not None:
        approval_gate.request(by=by, job=job, message=wish.message, now=now)


def _translated(error: Invalid, body: Body) -> Invalid:
    paths = {**PATHS, **_type(body).paths}
    fields: dict[str, list[str]] = {}
    for name, sentences in error.fields.items():
        path = paths.get(name, "script.parameters" if name.startswith("variables.p") else name)
        fields.setdefault(path, []).extend(sentences)
    return Invalid(fields=fields)


def run(*, by: User, job: ServiceJob, reason: str, now: datetime) -> JobRun:
    """Start a job now; the reason is kept in the audit trail.

    It is also why a change runs without approval, where nobody has agreed to it and the caller may do without: what he
    asked for himself is withdrawn then.
    """
    with transaction.atomic():
        by_right = bool(reason.strip()) and not job.wants_approval and approval_access.may_bypass(by, job.tenant)
        if approval_gate.is_allowed(job) or not by_right:
            made = starter.run_now(by=by, job=job, now=now, confirmed=bool(reason.strip()))
        else:
            if job.approval and job.approval.status == ApprovalStatus.REQUESTED and job.approval.requested_by == by:
                job.approval = approvals.close(by=by, request=job.approval, message=reason, now=now)
            made = starter.run_unapproved(by=by, job=job, reason=reason, now=now)
        audit.record(tenant=job.tenant, by=by, action="run.asked", subject=job.name, run=made.pk, reason=reason[:500])
    return made


def devices_in_order(job: ServiceJob, devices: Iterable[Device]) -> list[Device]:
    """Return devices in the order of the request that made the job."""
    places = {pk: number for number, pk in enumerate(job.compat.get("devices", ()))}
    return sorted(devices, key=lambda device: (places.get(str(device.pk), len(places)), device.name))
