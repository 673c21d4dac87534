"""What the plant works on: one tenant, the fleet's devices, and jobs whose every line carries the job's own mark."""

from datetime import timedelta

from django.core.management import call_command
from django.utils import timezone

LINES = tuple(
    f"snmp-server {word} {{{{ mark }}}}-{n}"
    for n, word in enumerate(("location", "contact", "chassis-id", "host", "group", "user"), 1)
)


def load(plant):
    """Make the schema, the demo world, the fleet's devices, the template and a webhook."""
    from devices.models import Device, Network, Tenant
    from jobs.demo import world
    from templates_app.domain.content import RuntimeVariable, StepKind, TemplateContent, TemplateStep
    from templates_app.services import authoring

    call_command("migrate", verbosity=0)
    world.load(24, 1)
    tenant = Tenant.objects.get(key="acme")
    network = Network.objects.filter(tenant=tenant).first()
    Device.objects.bulk_create(
        Device(
            tenant=tenant,
            name=f"chaos-{n:03}",
            address=f"10.70.0.{n + 1}",
            connect_host=address,
            connect_port=plant.port,
            platform="cisco_ios",
            network=network,
        )
        for n, address in enumerate([*plant.addresses, plant.refuses])  # the last one refuses every login
    )
    step = TemplateStep(name="Mark", kind=StepKind.CONFIG, commands={"*": "\n".join(LINES)}, save=True)
    content = TemplateContent((step,), (RuntimeVariable(name="mark", required=True),))
    authoring.save_template(by=None, tenant=tenant, name="Chaos", description="", status="ready", content=content)
    _webhook(tenant, plant.hook)


def jobs(count, queue="agent.acme.acme-agent-1", first=0, devices=None):
    """Make jobs for one device each, the devices taking turns; nothing starts them yet.

    Returns them with their marks.
    """
    from devices.models import Agent, Device
    from jobs.domain.overlap import Overlap
    from jobs.models import JobDevice, ServiceJob
    from tests import make

    rows = list(Device.objects.filter(name__startswith="chaos-").order_by("name"))
    rows = rows if devices is None else [rows[n] for n in devices]
    of = make.template(rows[0].tenant, "Chaos")
    model = (
        ServiceJob.objects.filter(name="Model").first()
        or make.job(
            make.user("acme-admin"),
            of,
            rows[:1],
            name="Model",
            triggers=(),
            overlap=Overlap.ALLOW,
            needs_schedule=False,
            variables={"mark": "model"},
            may_bypass=False,
            agent=Agent.objects.get(queue="agent.acme.acme-agent-1").pk,
        )[0]
    )
    skip = ("id", "name", "variables", "agent", "approval", "approval_subject")
    columns = {f.attname: getattr(model, f.attname) for f in ServiceJob._meta.concrete_fields if f.name not in skip}
    agent = Agent.objects.get(queue=queue)
    found = ServiceJob.objects.bulk_create(
        ServiceJob(name=f"Chaos {n}", variables={"mark": f"mark{n}"}, agent=agent, **columns)
        for n in range(first, first + count)
    )
    JobDevice.objects.bulk_create(
        JobDevice(tenant=model.tenant, job=job, device=rows[n % len(rows)]) for n, job in enumerate(found)
    )
    return found


def allow(found):
    """Let jobs, as they are now, run without approval as often as they are started; return them."""
    from approvals.domain import Scope
    from jobs.dispatch import approval_gate
    from tests import make

    admin, scope, now = make.user("acme-admin"), Scope(series=True, until=make.FAR), timezone.now()
    return [approval_gate.bypass(by=admin, job=job, reason="Chaos.", now=now, scope=scope) for job in found]


def agent(name):
    """Make an agent of its own; return its queue."""
    from devices.models import Agent, Tenant

    row, _ = Agent.objects.get_or_create(
        tenant=Tenant.objects.get(key="acme"), name=name, defaults={"queue": f"agent.acme.{name}"}
    )
    return row.queue


def fire(found, gap):
    """Give each job a once trigger, `gap` seconds apart, beginning in two seconds; return when the last one is due."""
    from jobs.domain.spec import TriggerKind
    from jobs.models import Trigger

    begin, rows = timezone.now() + timedelta(seconds=3), []
    for n, job in enumerate(found):
        at = begin + timedelta(seconds=n * gap)
        rule = {"kind": "once", "time_zone": "UTC", "start_at": at.replace(tzinfo=None).isoformat()}
        rows.append(
            Trigger(
                tenant=job.tenant,
                job=job,
                kind=TriggerKind.ONCE,
                name="chaos",
                rule=rule,
                next_run_at=at,
                missed="catch_up",
            )
        )
    Trigger.objects.bulk_create(rows)
    allow(found)
    return begin + timedelta(seconds=len(found) * gap)


def vote(job, late=False):
    """Ask for and give an approval (run by an actor); with `late`, one whose time has passed and that is to run now."""
    from approvals.domain import Action, Late
    from approvals.models import ApprovalRequest
    from approvals.services import decide
    from jobs.dispatch import approval_gate, starter
    from jobs.models import ServiceJob
    from tests import make

    found = ServiceJob.objects.get(pk=job)
    now = timezone.now()
    request = (
        found.approval
        or approval_gate.request(by=make.user("acme-operator"), job=found, message="Please.", now=now).approval
    )
    if late:
        ApprovalRequest.objects.filter(pk=request.pk).update(status="approved", late=Late.NOW)
        starter.start_late(now=now)
        return
    decide(
        by=make.user("acme-approver-1"),
        request=request,
        action=Action.APPROVE,
        message="",
        digest=request.digest,
        now=now,
    )


def ask_for_approval(found):
    """Ask for the approval of jobs as the operator; return (job, request, digest) of each."""
    from jobs.dispatch import approval_gate
    from tests import make

    by, now = make.user("acme-operator"), timezone.now()
    asked = [approval_gate.request(by=by, job=job, message="Please.", now=now) for job in found]
    return [(job.pk, job.approval_id, job.approval.digest) for job in asked]


def cancel(queue):
    """Cancel the open runs of an agent."""
    from jobs import control
    from jobs.models import JobRun
    from tests import make

    for run in JobRun.objects.filter(agent__queue=queue, status__in=["queued", "running"]):
        control.cancel_run(by=make.user("acme-admin"), run=run, now=timezone.now())


def _webhook(tenant, url):
    """Give the tenant a webhook; what it is sent is kept by the plant."""
    from devices.channels.webhook import WEBHOOK
    from devices.domain.secrets import Secret
    from devices.services import channels
    from tests import make

    channels.save_channel(
        by=make.user("admin"),
        tenant=tenant,
        channel=WEBHOOK,
        secrets={"secret": Secret("chaos")},
        name="chaos",
        url=url,
        enabled=True,
    )
