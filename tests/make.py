"""Plain factories. They call services, so that every state is one that the product can reach."""

import asyncio
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from django.contrib.auth.models import User
from django.utils import timezone

from approvals import access
from approvals.domain import Scope
from devices.domain.selection import DeviceSelection, SelectionMode
from devices.models import Agent, Device
from devices.services import workers
from devices.simulator import telnet
from devices.simulator.server import Fleet
from devices.simulator.state import CommandLog, Scenario
from jobs.authoring import drafts
from jobs.demo import world
from jobs.dispatch import approval_gate, dispatcher, starter
from jobs.domain.spec import TriggerKind, TriggerSpec
from jobs.domain.states import OPEN
from jobs.models import JobRun, StepResult
from jobs.plan.job_mapping import spec_of
from jobs.results.transcripts import with_maskers
from jobs.worker import executor
from templates_app.domain.content import StepKind, TemplateContent, TemplateStep
from templates_app.models import ServiceTemplate
from templates_app.services import authoring

FAR = datetime(2099, 1, 1, tzinfo=UTC)
NOW = (TriggerSpec(kind=TriggerKind.NOW),)


def template(tenant, name="Show version"):
    """Return a template of the demo world."""
    return ServiceTemplate.objects.get(tenant=tenant, name=name)


def new_template(tenant, commands, kind=StepKind.READ, name="Made for a test", **step):
    """Make a one-step template."""
    bodies = commands if isinstance(commands, dict) else {"*": commands}
    content = TemplateContent((TemplateStep(name="Step", kind=StepKind(kind), commands=bodies, **step),))
    return authoring.save_template(by=None, tenant=tenant, name=name, description="", status="ready", content=content)


def devices(tenant, *platforms):
    """Return the first device of each platform (all enabled devices when none is named)."""
    rows = Device.objects.filter(tenant=tenant).order_by("name")
    return [rows.filter(platform=p).first() for p in platforms] if platforms else list(rows)


def draft(by, of, chosen=(), triggers=NOW, **changes):
    """Make a complete draft."""
    found = drafts.start_draft(by=by, template_id=of.pk)
    spec = replace(
        spec_of(found),
        **{
            "name": f"Job {found.pk}",
            "description": "A job of a test.",
            "agent": Agent.objects.filter(tenant=of.tenant).order_by("pk")[0].pk,
            "selection": DeviceSelection(SelectionMode.STATIC, devices=tuple(str(d.pk) for d in chosen)),
            "triggers": triggers,
            **changes,
        },
    )
    return drafts.save_draft(by=by, draft=found, spec=spec)


def job(by, of, chosen=(), needs_schedule=True, may_bypass=True, **changes):
    """Make and submit a job; return it and its run (None when it needs approval or has no trigger for now).

    A change of somebody who may run it without approval does, now or as often as it is scheduled.
    """
    found = draft(by, of, chosen, **changes)
    if approval_gate.is_change(found) and may_bypass and access.may_bypass(by, of.tenant) and not found.wants_approval:
        scope = Scope() if found.triggers.filter(kind="now") else Scope(series=True, until=FAR)
        return drafts.bypass_job(by=by, draft=found, reason="A test does without.", scope=scope)
    return drafts.submit_job(by=by, draft=found, needs_schedule=needs_schedule)


def worker():
    """Register a worker that serves every agent."""
    return workers.register(queues=list(Agent.objects.values_list("queue", flat=True)), now=timezone.now())


def finish(run):
    """Do with a run what a worker would, in this thread; devices that are tried again later are tried at once."""
    serving = worker()
    executor.work_on(run_id=run.pk, worker=serving)
    while run.device_runs.filter(not_before__isnull=False).update(not_before=None):
        executor.work_on(run_id=run.pk, worker=serving)
    run.refresh_from_db()
    return run


def end(rows, status="succeeded", **columns):
    """Put open runs, or device runs, into a status that they end in, the way that the database allows: by running."""
    pks = list(rows.filter(status__in=OPEN).values_list("pk", flat=True))
    rows = rows.model.objects.filter(pk__in=pks)
    for before, after in (("waiting", "queued"), ("queued", "running")):
        rows.filter(status=before).update(status=after)
    return rows.update(status=status, **columns)


def step(device_run, exchanges, **columns):
    """Store a step of a device run with what was said in it."""
    found = StepResult(device_run=device_run, tenant=device_run.tenant, **columns)
    found.take(exchanges)
    found.save()
    return found


def shown(step):
    """Return a step as it may be shown."""
    return with_maskers([step])[0]


def user(name):
    """Return an account of the cast."""
    return User.objects.get(username=name)


def tick(now):
    """Tick and start at a moment, as beat and worker would; return the runs made, in order."""
    before = JobRun.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    dispatcher.tick(now=now)
    starter.start_queued(now=now)
    return list(JobRun.objects.filter(pk__gt=before).order_by("pk"))


def wait_until(holds, seconds):
    """Return as soon as `holds()`; fail when it does not within the time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"It does not hold after {seconds} s."
        time.sleep(0.02)


@contextmanager
def old_ssh_server():
    """An SSH server that knows SHA-1 only and refuses every login; yields its port."""
    import asyncssh

    async def listen():
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[asyncssh.generate_private_key("ssh-rsa", key_size=2048)],
            kex_algs=["diffie-hellman-group1-sha1"],
            encryption_algs=["aes128-cbc"],
            mac_algs=["hmac-sha1"],
            signature_algs=["ssh-rsa"],
        )

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(listen(), loop).result(20)
    try:
        yield server.get_port()
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


@contextmanager
def fleet(tmp_path, tenant, port=0, with_telnet=False, image="", also=()):
    """Play the demo devices of a tenant on a port of their own; yields (set faults, read executed commands).

    With Telnet, its port is the next one. All share the host key of an `image`, if given; `also` are further addresses
    of the first one.
    """
    specs = world.fleet(24)[tenant]
    from jobs.demo.processes import free_fleet_port

    port = free_fleet_port([s.address for s in specs], 4000 + hash((str(tmp_path), tenant)) % 20000)
    log, faults = tmp_path / "commands.jsonl", tmp_path / "faults.json"
    log.touch()
    begin = {spec.address: {"image": image} for spec in specs if image} | (
        {specs[0].address: {"also": list(also)}} if also else {}
    )
    faults.write_text(json.dumps(begin))
    served = Fleet(specs, port, Scenario(faults), CommandLog(log), telnet.beside(port + 1) if with_telnet else None)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(served.start(), loop).result(20)
    Device.objects.filter(tenant__key=tenant).update(connect_port=port)

    def set_faults(**by_name):
        hosts = dict(Device.objects.filter(tenant__key=tenant).values_list("name", "connect_host"))
        faults.write_text(json.dumps({hosts[name.replace("__", "-")]: f for name, f in by_name.items()}))
        import os

        os.utime(faults, ns=(1, faults.stat().st_mtime_ns + 1_000_000))

    def logged(what, device):
        rows = [json.loads(line) for line in log.read_text().splitlines()]
        return [row for row in rows if what in row and (device is None or row["device"] == device.connect_host)]

    def executed(device=None):
        return [row["command"] for row in logged("command", device)]

    #: (name, accepted) of each password that a device was given.
    executed.logins = lambda device: [(row["login"], row["accepted"]) for row in logged("login", device)]
    #: What a simulated device is at this moment.
    executed.state = lambda device: served.devices[device.connect_host]
    try:
        yield set_faults, executed
    finally:
        asyncio.run_coroutine_threadsafe(served.stop(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
