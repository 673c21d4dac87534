"""What the things of an inventory are made of, as forms, the API and files give it to the services. None need be
given: what is missing stays as it is, or becomes what the column says."""

from __future__ import annotations

from typing import TypedDict

from devices.models import Credential, Network


class TagValues(TypedDict, total=False):
    """An asset tag."""

    name: str


class NetworkValues(TypedDict, total=False):
    """A network."""

    name: str
    description: str


class AgentValues(TypedDict, total=False):
    """An agent, its name apart; `max_parallel` None means no limit."""

    draining: bool
    max_parallel: int | None


class DeviceValues(TypedDict, total=False):
    """A device, its tags apart; `protocol` is ssh or telnet."""

    name: str
    address: str
    platform: str
    network: Network
    credential: Credential | None
    connect_host: str
    connect_port: int
    host_key: str
    legacy_ssh: bool
    protocol: str
    enabled: bool


class CredentialValues(TypedDict, total=False):
    """A credential, its secrets apart; one without a name is an account typed into a job."""

    name: str
    username: str
    is_default: bool


class TenantSettings(TypedDict, total=False):
    """What of a tenant is changed after it was made."""

    name: str
    time_zone: str
    max_parallel: int | None
    allow_telnet: bool
