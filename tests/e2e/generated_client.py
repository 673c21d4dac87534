"""Run by `test_api_document` beside the client that was generated: create a job, run it, wait for its end."""

import json
import sys
import time

from interlock_client import AuthenticatedClient
from interlock_client.api.v1 import (
    v1_agents_list,
    v1_devices_list,
    v1_jobs_create,
    v1_jobs_run_create,
    v1_runs_retrieve,
    v1_service_templates_list,
)
from interlock_client.models import JobInputRequest, SelectionRequest

client = AuthenticatedClient(base_url=sys.argv[1], token="demo-acme-operator", raise_on_unexpected_status=True)
template = v1_service_templates_list.sync(client=client, search="Show version").results[0]
agent = v1_agents_list.sync(client=client, search="acme").results[0]
device = v1_devices_list.sync(client=client, search="acme-srv01").results[0]
body = JobInputRequest(
    template=template.id,
    name="Made by a generated client",
    description="Reads a version.",
    agent=agent.id,
    selection=SelectionRequest(devices=[device.id]),
)
job = v1_jobs_create.sync(client=client, body=body)
run = v1_jobs_run_create.sync(client=client, id=job.id)
until = time.monotonic() + 60
while run.ended_at is None and time.monotonic() < until:
    time.sleep(0.3)
    run = v1_runs_retrieve.sync(client=client, id=run.id)
print(json.dumps({"status": str(run.status.value), "devices": run.device_count}))
