"""Between a JobSpec and the rows of a job: write one into the other, checking every reference against the caller."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.models import Group, User
from django.db.models import QuerySet

from config.errors import Invalid, NotFound
from config.one_line import flaw
from devices import access as tenants
from devices import selectors as inventory
from devices.domain.selection import DeviceSearch, DeviceSelection, SelectionMode
from devices.drivers import platforms
from devices.models import AssetTag, Tenant
from devices.services import vault
from devices.services.inventory import save_credential
from jobs import types
from jobs.domain.misfire import MisfirePolicy
from jobs.domain.recurrence import ImpossibleRule
from jobs.domain.rollout import Rollout
from jobs.domain.schedule_json import schedule_from
from jobs.domain.spec import (
    OPTIONS,
    Account,
    ConnectionProtocol,
    JobSpec,
    TaskSpec,
    TransferProtocol,
    TriggerKind,
    TriggerSpec,
)
from jobs.models import JobDevice, JobTag, JobTask, ScheduleFilter, ServiceJob, TaskDevice, Trigger
from templates_app import selectors as templates
from templates_app.domain.content import VariableType

UNUSABLE = "At least one device does not exist, is switched off, or is not yours to use."


def spec_of(job: ServiceJob) -> JobSpec:
    """Read a job back as a specification. Secrets stay where they are: None means "as stored"."""
    tasks = tuple(
        TaskSpec(
            step=task.step,
            devices=None if task.all_devices else tuple(str(pk) for pk in task.devices.values_list("pk", flat=True)),
            profile=task.profile_id,
            credential=str(task.credential_id) if task.credential_id else None,
            connection_protocol=ConnectionProtocol(task.connection_protocol),
            transfer_protocol=TransferProtocol(task.transfer_protocol),
        )
        for task in job.tasks.all()
    )
    return JobSpec(
        template=job.template_id,
        name=job.name,
        description=job.description,
        job_type=job.job_type,
        agent=job.agent_id,
        selection=selection_of(job),
        account=Account(username=job.account.username if job.account else ""),
        credential=str(job.credential_id) if job.credential_id else None,
        variables=dict(job.variables),
        notify_users=tuple(job.notify_users.values_list("pk", flat=True)),
        notify_groups=tuple(job.notify_groups.values_list("pk", flat=True)),
        tasks=tasks,
        triggers=tuple(trigger_spec(row) for row in job.triggers.filter(retired=False)),
        rollout=Rollout.from_json(job.rollout),
        window=job.window_id,
        **{option.name: option.typed(getattr(job, option.name)) for option in OPTIONS},
    )


def selection_of(job: ServiceJob) -> DeviceSelection:
    """Return which devices a job is for."""
    return DeviceSelection(
        mode=SelectionMode(job.selection_mode),
        search=DeviceSearch.from_json(job.search),
        devices=tuple(str(row.device_id) for row in job.jobdevice_set.all()),
        tags=tuple(row.tag_id for row in job.jobtag_set.all()),
    )


def write_spec(*, by: User, job: ServiceJob, spec: JobSpec) -> ServiceJob:
    """Write a specification into a new or existing job. Invalid names the fields that refer to what `by` may not use.

    The tenant is the template's (I-31). Must run inside a transaction.
    """
    problems = _search_problems(by, job, spec.selection.search)
    tenant = job.tenant
    _write_columns(by, job, spec, problems)
    devices = list(
        tenants.scoped(by, inventory.devices_under(tenant))
        .filter(pk__in=spec.selection.devices)
        .values_list("pk", flat=True)
    )
    if len(devices) != len(set(spec.selection.devices)):
        problems["devices"] = [UNUSABLE]
    tags = _pks(tenants.scoped(by, AssetTag.objects.filter(tenant__path__startswith=tenant.path)), spec.selection.tags)
    if len(tags) != len(set(spec.selection.tags)):
        problems["tags"] = ["At least one asset tag does not exist."]
    if problems:
        raise Invalid(fields=problems)
    _write_account(job, spec.account)
    _write_secrets(job, spec)
    job.save()
    _write_people(job, tenant, spec)
    JobDevice.objects.filter(job=job).delete()
    JobDevice.objects.bulk_create(JobDevice(tenant=tenant, job=job, device_id=pk) for pk in devices)
    JobTag.objects.filter(job=job).delete()
    JobTag.objects.bulk_create(JobTag(tenant=tenant, job=job, tag_id=pk) for pk in tags)
    _write_tasks(by, job, spec)
    _write_triggers(job, spec)
    return job


def _search_problems(by: User, job: ServiceJob, search: DeviceSearch) -> dict[str, list[str]]:
    """Say which criteria of a search name what is unknown to `by`; those that the job has already may have gone."""
    held = [DeviceSearch.from_json(row.search) for row in (job, job.draft_of) if row]
    problems = {}
    for name, rows in (("networks", inventory.visible_networks(by)), ("tags", inventory.visible_tags(by))):
        wanted = {*getattr(search, name)} - {pk for row in held for pk in getattr(row, name)}
        own = rows.filter(tenant__path__startswith=job.tenant.path, pk__in=wanted)
        if own.values("pk").distinct().count() != len(wanted):
            problems[f"selection.search.{name}"] = [f"At least one of these {name} does not exist."]
    unknown = {*search.platforms} - {*platforms.PLATFORMS} - {key for row in held for key in row.platforms}
    if unknown:
        problems["selection.search.platforms"] = [f"There is no platform '{min(unknown)}'."]
    return problems


def _write_columns(by: User, job: ServiceJob, spec: JobSpec, problems: dict[str, list[str]]) -> None:
    job.name, job.description, job.job_type = (
        spec.name.strip(),
        spec.description.strip(),
        types.of_template(job.template.built_in).key,
    )
    if spec.job_type not in ("", job.job_type):
        problems["job_type"] = [f"The template makes a job of type {job.job_type}; leave the type out."]
    for option in OPTIONS:
        setattr(job, option.name, getattr(spec, option.name))
    job.selection_mode, job.search = spec.selection.mode, spec.selection.search.as_json()
    job.variables, job.changed_by = dict(spec.variables), by
    if spec.agent is not None and not inventory.agents_for(job.tenant).filter(pk=spec.agent).exists():
        problems["agent"] = ["There is no such agent for this customer."]
    job.agent_id = spec.agent
    try:
        spec.rollout.check()
    except Invalid as error:
        problems |= error.fields
    job.rollout, job.window_id = spec.rollout.as_json(), spec.window
    if spec.window is not None and not filters_above(job.tenant).filter(pk=spec.window).exists():
        problems["window"] = ["There is no such filter for this customer."]
    if spec.credential and not _usable_credential(by, job.tenant, spec.credential):
        problems["credential"] = ["There is no such credential."]
    job.credential_id = spec.credential


def _write_account(job: ServiceJob, account: Account) -> None:
    """Keep the job's own login; without user name and secrets there is none."""
    given = any(secret for secret in (account.password, account.enable_password))
    if not account.username and not given:
        if job.account:
            job.account.delete()
        job.account = None
        return
    job.account = save_credential(
        by=None,
        tenant=job.tenant,
        instance=job.account,
        name="",
        username=account.username,
        secrets={"password": account.password, "enable_password": account.enable_password},
    )


def _write_secrets(job: ServiceJob, spec: JobSpec) -> None:
    """Seal the secret variables given anew; keep the others; drop those the template no longer has."""
    wanted = {v.name for v in job.version.content.variables if v.type is VariableType.SECRET}
    sealed = {name: text for name, text in job.sealed_variables.items() if name in wanted}
    for name, secret in spec.secret_variables.items():
        if name in wanted and secret:
            try:
                sealed[name] = vault.seal(secret, tenant_id=job.tenant_id, row=str(job.pk), field=name)
            except Invalid as error:
                raise Invalid(fields={f"variables.{field}": said for field, said in error.fields.items()}) from None
    job.sealed_variables = sealed
    for name in wanted:
        job.variables.pop(name, None)


def _write_people(job: ServiceJob, tenant: Tenant, spec: JobSpec) -> None:
    people = User.objects.filter(pk__in=tenants.people_of(tenant).values("pk")).filter(pk__in=spec.notify_users)
    groups = Group.objects.filter(role__in=tenants.roles_of(tenant)).filter(pk__in=spec.notify_groups)
    if people.count() != len(set(spec.notify_users)) or groups.count() != len(set(spec.notify_groups)):
        raise Invalid(fields={"notifier": ["At least one recipient does not belong to this customer."]})
    job.notify_users.set(people)
    job.notify_groups.set(groups)


def _write_tasks(by: User, job: ServiceJob, spec: JobSpec) -> None:
    steps = range(len(job.version.content.steps))
    usable = tenants.scoped(by, inventory.devices_under(job.tenant))
    held = set(TaskDevice.objects.filter(task__job__in=[job.pk, job.draft_of_id]).values_list("device_id", flat=True))
    JobTask.objects.filter(job=job).delete()
    if len({task.step for task in spec.tasks}) != len(spec.tasks):
        raise Invalid(fields={"tasks": ["Two tasks are about the same step; say it in one."]})
    for task in spec.tasks:
        where = f"tasks.{task.step}"
        if task.step not in steps:
            raise Invalid(fields={f"{where}.step": ["The template has no such step."]})
        chosen = set(usable.filter(pk__in=task.devices or ()).values_list("pk", flat=True))
        # What the job held already and was switched off since is left out, so that the rest of it can be changed.
        if {UUID(pk) for pk in task.devices or ()} - chosen - held:
            raise Invalid(fields={f"{where}.devices": [UNUSABLE]})
        if task.profile and not templates.profiles_of(job.tenant).filter(pk=task.profile).exists():
            raise Invalid(fields={f"{where}.profile": ["There is no such configuration profile."]})
        if task.credential and not _usable_credential(by, job.tenant, task.credential):
            raise Invalid(fields={f"{where}.credential": ["There is no such credential."]})
        row = JobTask.objects.create(
            tenant=job.tenant,
            job=job,
            step=task.step,
            all_devices=task.devices is None,
            profile_id=task.profile,
            credential_id=task.credential,
            connection_protocol=task.connection_protocol,
            transfer_protocol=task.transfer_protocol,
        )
        TaskDevice.objects.bulk_create(TaskDevice(tenant=job.tenant, task=row, device_id=pk) for pk in chosen)


def _write_triggers(job: ServiceJob, spec: JobSpec) -> None:
    """Replace the triggers; those that have fired stay, retired, because runs point at them."""
    job.triggers.filter(runs=None).delete()
    job.triggers.update(enabled=False, retired=True, next_run_at=None)
    for trigger in spec.triggers:
        if said := flaw(trigger.name):
            raise Invalid(fields={"triggers.name": [f"It {said}"]})
        write_trigger(Trigger(tenant=job.tenant, job=job), trigger)


def write_trigger(row: Trigger, spec: TriggerSpec) -> None:
    """Write one trigger of a job; Invalid when its rule is impossible or its filter not the customer's."""
    try:
        if spec.kind is not TriggerKind.NOW:
            schedule_from(spec.rule)
    except ImpossibleRule as error:
        raise Invalid(fields={"schedule": [str(error)]}) from None
    if spec.schedule_filter and not filters_above(row.tenant).filter(pk=spec.schedule_filter).exists():
        raise Invalid(fields={"schedule_filter": ["There is no such schedule filter."]})
    row.name, row.kind, row.rule, row.schedule_filter_id = spec.name, spec.kind, spec.rule, spec.schedule_filter
    row.missed, row.grace_minutes, row.catch_up = spec.missed, spec.grace_minutes, spec.catch_up
    row.enabled = spec.enabled
    row.save()


def trigger_spec(row: Trigger) -> TriggerSpec:
    """Read a trigger back."""
    return TriggerSpec(
        kind=TriggerKind(row.kind),
        name=row.name,
        rule=row.rule,
        schedule_filter=row.schedule_filter_id,
        missed=MisfirePolicy(row.missed),
        grace_minutes=row.grace_minutes,
        catch_up=row.catch_up,
        enabled=row.enabled,
    )


def filters_above(tenant: Tenant) -> QuerySet[ScheduleFilter]:
    """Return the schedule filters that a tenant may use: its own and those of the tenants above it."""
    return ScheduleFilter.objects.filter(tenant__in=inventory.own_and_above(tenant))


def _usable_credential(by: User, tenant: Tenant, pk: str) -> bool:
    try:
        found = tenants.get_visible(by, inventory.visible_credentials(by), pk=pk)
    except NotFound:
        return False
    return found.tenant_id == tenant.pk


def _pks(rows: QuerySet[AssetTag], wanted: tuple[int, ...]) -> list[int]:
    return list(rows.filter(pk__in=wanted).values_list("pk", flat=True))
