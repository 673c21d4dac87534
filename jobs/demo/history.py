"""Give a new demo world a little history: real jobs, run on the fleet by the real worker."""

from __future__ import annotations

from dataclasses import replace

from django.contrib.auth.models import User
from django.utils import timezone

from devices.domain.selection import DeviceSelection, SelectionMode
from devices.models import Agent, Device
from jobs.authoring import drafts
from jobs.domain.spec import TriggerKind, TriggerSpec
from jobs.plan.job_mapping import spec_of
from templates_app.models import ServiceTemplate

RUNNERS = {
    "acme": "acme-operator",
    "globex": "globex-operator",
    "client_13": "client13-operator",
    "client_93": "client93-admin",
}


def start() -> None:
    """Make and start one reading job per customer."""
    for tenant, account in RUNNERS.items():
        user = User.objects.get(username=account)
        template = ServiceTemplate.objects.get(tenant__key=tenant, name="Show version")
        draft = drafts.start_draft(by=user, template_id=template.pk)
        devices = Device.objects.filter(tenant__key=tenant).order_by("name")[:4]
        spec = replace(
            spec_of(draft),
            name="Version survey",
            description="Reads the software version of the first devices.",
            agent=Agent.objects.filter(tenant__key=tenant).values_list("pk", flat=True).first(),
            selection=DeviceSelection(SelectionMode.STATIC, devices=tuple(str(d.pk) for d in devices)),
            triggers=(TriggerSpec(kind=TriggerKind.NOW),),
        )
        drafts.save_draft(by=user, draft=draft, spec=spec)
        drafts.submit_job(by=user, draft=draft, now=timezone.now())
