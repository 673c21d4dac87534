"""Drive the main job through HTTP as a client would: sign in, pick, create, run, read every line back."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from config.json_value import Json
from devices.simulator.clis import TURNS

PLATFORMS = TURNS


class SmokeFailed(RuntimeError):
    """The instance did not do what it must; the message says what."""


@dataclass(frozen=True)
class Row:
    """What became of one device."""

    device: str
    platform: str
    status: str
    commands: int
    received: int
    message: str


class Client:
    """A small JSON client for one instance."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or (443 if parts.scheme == "https" else 80)
        self.kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self.token = token

    def call(self, method: str, path: str, body: object = None, expect: int = 200) -> Json:
        """Send one request; SmokeFailed unless the status is the expected one."""
        connection = self.kind(self.host, self.port, timeout=30)
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
        }
        try:
            connection.request(method, f"/api/v1/{path}", json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            text = response.read().decode()
        except OSError as error:
            raise SmokeFailed(f"No answer from {self.host} port {self.port}: {error}. Is the demo running?") from error
        finally:
            connection.close()
        if response.status != expect:
            raise SmokeFailed(f"{method} {path} answered {response.status} instead of {expect}: {text[:300]}")
        return json.loads(text) if text else None


def run(url: str, token: str, seconds: float = 60.0) -> list[Row]:
    """Create a reading job on one device of each platform, run it, and return what each device gave.

    SmokeFailed unless all devices succeed and every planned command has exactly one answer with text in it.
    """
    client = Client(url, token)
    body = _job_on_each_platform(client)
    job = client.call("POST", "jobs/", body, expect=201)
    run_id = job["run"]
    deadline = time.monotonic() + seconds
    while client.call("GET", f"runs/{run_id}/")["ended_at"] is None:
        if time.monotonic() > deadline:
            raise SmokeFailed(f"Run {run_id} did not end within {seconds:g} s.")
        time.sleep(0.3)
    rows = [_row(client, found["id"]) for found in client.call("GET", f"runs/{run_id}/devices/")["results"]]
    ended = client.call("GET", f"runs/{run_id}/")["status"]
    client.call("DELETE", f"jobs/{job['id']}/", expect=204)
    if client.call("GET", f"runs/{run_id}/")["job_name"] != body["name"]:
        raise SmokeFailed("The history lost the run when its job was deleted.")
    if ended != "succeeded" or len(rows) != len(PLATFORMS):
        raise SmokeFailed(f"Run {run_id} ended '{ended}' with {len(rows)} devices:\n" + table(rows))
    return rows


def _job_on_each_platform(client: Client) -> dict[str, object]:
    """Return the body of a job that reads the version of one device of each platform, and is run at once."""
    template = _first(client, "service-templates/?search=Show+version", "a template 'Show version'")
    devices = [d for d in client.call("GET", "devices/?page_size=200")["results"] if d["enabled"]]
    chosen = {d["platform"]: d for d in reversed(devices) if d["tenant"] == template["tenant"]}
    if missing := [p for p in PLATFORMS if p not in chosen]:
        raise SmokeFailed(f"There is no device of {', '.join(missing)} to run on.")
    agents = [a for a in client.call("GET", "agents/")["results"] if a["tenant"] == template["tenant"]]
    return {
        "template": template["id"],
        "name": f"Smoke test {time.time_ns()}",
        "description": "Made by 'manage.py smoke'.",
        "agent": agents[0]["id"],
        "selection": {"mode": "static", "devices": [d["id"] for d in chosen.values()]},
        "execute": "now",
    }


def table(rows: list[Row]) -> str:
    """Return the rows as a text table."""
    lines = [f"{'device':<22} {'platform':<14} {'status':<10} {'commands':>8} {'received':>9}  message"]
    lines += [
        f"{r.device:<22} {r.platform:<14} {r.status:<10} {r.commands:>8} {r.received:>8}B  {r.message}" for r in rows
    ]
    return "\n".join(lines)


def _row(client: Client, pk: int) -> Row:
    found = client.call("GET", f"device-runs/{pk}/")
    planned = [command for step in found["plan"]["steps"] for command in step["commands"]]
    exchanges = [exchange for step in found["steps"] for exchange in step["exchanges"]]
    if found["status"] == "succeeded":
        if [exchange["sent"] for exchange in exchanges] != planned:
            raise SmokeFailed(f"{found['device_name']} was sent something else than the plan says.")
        if empty := [exchange["sent"] for exchange in exchanges if not exchange["received"].strip()]:
            raise SmokeFailed(f"{found['device_name']} gave no output for {empty[0]}.")
    size = sum(len(exchange["received"]) for exchange in exchanges)
    return Row(found["device_name"], found["platform"], found["status"], len(exchanges), size, found["message"])


def _first(client: Client, path: str, what: str) -> Json:
    found = client.call("GET", path)["results"]
    if not found:
        raise SmokeFailed(f"There is no {what}.")
    return found[0]
