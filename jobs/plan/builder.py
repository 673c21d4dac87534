"""Make the plan of a job from the database as it is at this moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet, prefetch_related_objects

from config.errors import Conflict
from devices import selectors as inventory
from devices.domain.endpoints import spelled
from devices.domain.selection import SelectionMode
from devices.drivers import platforms
from devices.drivers.platforms import PLATFORMS
from devices.models import Credential, Device, JumpHost
from devices.models.jump_hosts import MOST_HOPS, way_from
from jobs import types
from jobs.domain import plan as rules
from jobs.domain.plan import CredentialChoice, DevicePlan, HopChoice, Plan
from jobs.domain.planner import DeviceFacts, PlatformWords, TaskFacts
from jobs.models import JobRun, ServiceJob
from jobs.plan.job_mapping import selection_of
from templates_app.domain.content import VariableType
from templates_app.domain.rendering import Renderer, TooMuchWork

#: What a plan reads of its job; fetched ahead for many jobs at once.
RELATED = ("credential", "tenant", "network")
PARTS = ("jobdevice_set", "jobtag_set", "tasks__profile", "tasks__credential", "tasks__devices")


#: Why a plan is not made whose texts need more than all texts of a plan may.
TOO_MUCH = (
    "To render the template for all of its devices takes too long. Make its loops smaller, or choose fewer devices."
)


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Which devices (ids) alone run, of which ended run it is a part again, and at which step (position) they go on,
    if not anew."""

    only: set[str]
    of: JobRun | None = None
    resumes: dict[str, int] | None = None


class Fetched:
    """What the plans of many jobs read, fetched together: the devices of static lists, and default credentials.

    The plans are those in the name of each job's creator. With a `renderer` of the caller's, its TooMuchWork is the
    caller's, too.
    """

    def __init__(self, jobs: Iterable[ServiceJob] = (), renderer: Renderer | None = None) -> None:
        self.renderer = renderer
        self._defaults: dict[frozenset[int], dict[int, Credential]] = {}
        self._devices: dict[tuple[object, ...], dict[str, Device]] = {}
        self._jump_hosts: dict[UUID, JumpHost] = {}
        self._with_jump_hosts: set[int] = set()
        groups: dict[tuple[object, ...], tuple[ServiceJob, set[str]]] = {}
        for job in jobs:
            chosen = selection_of(job)
            if chosen.mode is SelectionMode.STATIC and not chosen.tags:
                groups.setdefault(self._group(job), (job, set()))[1].update(chosen.devices)
        for group, (job, pks) in groups.items():
            rows = inventory.choices_for(job.created_by, job.tenant, job.version.content.platforms).filter(pk__in=pks)
            self._devices[group] = {str(row.pk): row for row in rows.select_related(*RELATED)}

    def devices(self, job: ServiceJob) -> list[Device] | None:
        """Return a job's target devices, by name; None when they are not among what was fetched."""
        chosen = selection_of(job)
        if chosen.mode is not SelectionMode.STATIC or chosen.tags or self._group(job) not in self._devices:
            return None
        known = self._devices[self._group(job)]
        return sorted((known[pk] for pk in chosen.devices if pk in known), key=lambda device: device.name)

    def defaults(self, tenants: frozenset[int]) -> dict[int, Credential]:
        """Return the default credentials of some tenants (ids)."""
        if tenants not in self._defaults:
            rows = Credential.objects.filter(is_default=True, tenant__in=tenants)
            self._defaults[tenants] = {row.tenant_id: row for row in rows}
        return self._defaults[tenants]

    def jump_hosts(self, devices: Iterable[Device]) -> dict[UUID, JumpHost]:
        """Return the jump hosts of the tenants of those devices that are reached over any, by id."""
        tenants = {device.tenant_id for device in devices if device.next_hop_id}
        if tenants - self._with_jump_hosts:
            rows = JumpHost.objects.filter(tenant__in=tenants).select_related("credential")
            self._jump_hosts |= {row.pk: row for row in rows}
            self._with_jump_hosts |= tenants
        return self._jump_hosts

    def _group(self, job: ServiceJob) -> tuple[object, ...]:
        return job.created_by_id, job.tenant_id, job.version.content.platforms


def target_devices(job: ServiceJob, by: User) -> QuerySet[Device]:
    """Return the devices a job means now, within what `by` sees and what the template is for."""
    choices = inventory.choices_for(by, job.tenant, job.version.content.platforms)
    return inventory.selected(choices, selection_of(job))


def plan_of(
    job: ServiceJob,
    by: User,
    *,
    first: int | None = None,
    only: set[str] | None = None,
    narrowed: Narrowed | None = None,
    fetched: Fetched | None = None,
) -> Plan:
    """Return the plan for all target devices, for the first few of them (a preview), for `only` some (ids), or for
    what of an ended run is run again.

    Conflict when its texts take too long.
    """
    fetched = fetched or Fetched()
    if narrowed:
        plan = plan_of(job, by, only=narrowed.only, fetched=fetched)
        return resumed(plan, narrowed.of, narrowed.resumes) if narrowed.of and narrowed.resumes else plan
    found = fetched.devices(job) if only is None else None
    if found is None:
        devices = target_devices(job, by).prefetch_related(*RELATED)  # thousands of devices have few networks
        devices = devices if only is None else devices.filter(pk__in=only)
        found = list(devices[:first] if first else devices)
    rows = found
    variables = {**job.variables, **_secret_marks(job)}
    planner = types.get(job.job_type).planner(
        job.version.content,
        _tasks(job),
        variables,
        snapshots=job.snapshots,
        renderer=fetched.renderer or Renderer(),
    )
    defaults = _default_credentials(job, rows, fetched)
    hosts = fetched.jump_hosts(rows)
    try:
        plans = tuple(planner.plan(facts_of(device, hosts), _credential_for(job, device, defaults)) for device in rows)
    except TooMuchWork:
        if fetched.renderer:
            raise
        raise Conflict(TOO_MUCH) from None
    return Plan(
        template=str(job.template_id),
        version=job.version.number,
        devices=plans,
        networks=tuple(sorted({device.network.name for device in rows if device.network})),
    )


def resumed(plan: Plan, of: JobRun, places: Mapping[str, int]) -> Plan:
    """Return a plan whose devices go on at their places (step positions) in an earlier run; Conflict when the plan
    is another."""
    earlier = {str(row.device_id): row.plan for row in of.device_runs.filter(device__in=[UUID(pk) for pk in places])}
    for device in plan.devices:
        place = places[device.device]
        if _from(device, place) != _from(earlier[device.device], place):
            raise Conflict(
                f"The plan for {device.name} is not what it was in run {of.pk}, so it cannot go on there. "
                "Run it again from the start."
            )
    return replace(plan, devices=tuple(rules.resumed(device, places[device.device], of.pk) for device in plan.devices))


def _from(plan: DevicePlan, place: int) -> list[tuple[object, ...]]:
    """Return all steps' names, and what those from a place on send."""
    return [(s.name, s.kind, *((s.commands, s.script) if s.position >= place else ())) for s in plan.steps]


def endpoint_of(device: Device) -> str:
    """Return where a device is reached, as `host:port`, the one spelling by which it is also locked."""
    return spelled(*device.endpoint)


def way_of(device: Device, hosts: Mapping[UUID, JumpHost]) -> tuple[HopChoice, ...]:
    """Return the jump hosts on the way to a device, the first one first; one more than may be where there are too
    many."""
    return tuple(
        HopChoice(str(hop.pk), hop.name, spelled(hop.host, hop.port), str(hop.credential_id), hop.credential.name)
        for hop in reversed(way_from(device.next_hop_id, hosts))
    )


def facts_of(device: Device, hosts: Mapping[UUID, JumpHost]) -> DeviceFacts:
    """Return what a plan must know of a device; `hosts` are the jump hosts of its tenant, by id."""
    via = way_of(device, hosts)
    too_long = f"More than {MOST_HOPS} jump hosts stand on its way." if len(via) > MOST_HOPS else ""
    return DeviceFacts(
        id=str(device.pk),
        name=device.name,
        address=device.address,
        platform=device.platform,
        platform_label=platforms.label(device.platform),
        endpoint=endpoint_of(device),
        telnet=device.protocol == Device.Protocol.TELNET,
        legacy=device.legacy_ssh,
        console=device.console,
        via=via[-MOST_HOPS:],
        problem=_unreachable(device) or too_long,
        words=_words(device.platform),
    )


@cache
def _words(platform: str) -> PlatformWords:
    found = PLATFORMS[platform]
    return PlatformWords(**{field.name: getattr(found, field.name) for field in fields(PlatformWords)})


def _unreachable(device: Device) -> str:
    """Say why a device must not be talked to in the way that it is set to; empty when it may."""
    platform = PLATFORMS[device.platform]
    if device.console and (platform.netmiko or not platform.shell):
        return f"How to log in on a console port is not known for {platforms.label(device.platform)}."
    if device.protocol != Device.Protocol.TELNET:
        return ""
    if not device.tenant.allow_telnet:
        return f"Telnet is off for {device.tenant}: an administrator can allow it there, or set the device to SSH."
    if not PLATFORMS[device.platform].telnet:
        return f"The Telnet login of {platforms.label(device.platform)} is not known; set the device to SSH."
    return ""


def _tasks(job: ServiceJob) -> dict[int, TaskFacts]:
    found = {}
    tasks = list(job.tasks.all())
    prefetch_related_objects(tasks, "profile", "credential", "devices")
    for task in tasks:
        own = None if task.all_devices else frozenset(str(device.pk) for device in task.devices.all())
        credential = _choice(task.credential, "task") if task.credential else None
        found[task.step] = TaskFacts(task.step, own, task.profile.values if task.profile else {}, credential)
    return found


def _credential_for(job: ServiceJob, device: Device, defaults: Mapping[int, Credential]) -> CredentialChoice | None:
    """Return the winner of job account > job credential > device > default of its tenant > default of the job's."""
    if job.account_id:
        return CredentialChoice(str(job.account_id), "account of this job", "job account")
    if job.credential:
        return _choice(job.credential, "job")
    if device.credential:
        return _choice(device.credential, "device")
    default = defaults.get(device.tenant_id) or defaults.get(job.tenant_id)
    return _choice(default, "default of the tenant") if default else None


def _choice(credential: Credential, source: str) -> CredentialChoice:
    return CredentialChoice(str(credential.pk), credential.name, source)


def _default_credentials(job: ServiceJob, devices: list[Device], fetched: Fetched) -> dict[int, Credential]:
    if job.account_id or job.credential_id or all(device.credential_id for device in devices):
        return {}
    return fetched.defaults(frozenset({device.tenant_id for device in devices} | {job.tenant_id}))


def _secret_marks(job: ServiceJob) -> dict[str, str]:
    """Stand in for the secret values, so that required ones count as given; the plan shows marks only."""
    stored = set(job.sealed_variables)
    if job.draft_of:
        stored |= set(job.draft_of.sealed_variables)
    secret = {v.name for v in job.version.content.variables if v.type is VariableType.SECRET}
    return dict.fromkeys(stored & secret, "stored")
