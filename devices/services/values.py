"""What the things of an inventory are made of, as forms, the API and files give it to the services. None need be
given: what is missing stays as it is, or becomes what the column says."""

from __future__ import annotations

from typing import TypedDict

from devices.models import Credential, JumpHost, Network


class TagValues(TypedDict, total=False):
    """An asset tag."""

    name: str


class NetworkValues(TypedDict, total=False):
    """A network."""

    name: str
    description: str
    jump_host: JumpHost | None


class JumpHostValues(TypedDict, total=False):
    """A jump host."""

    name: str
    host: str
    port: int
    credential: Credential
    through: JumpHost | None


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
    jump_host: JumpHost | None
    direct: bool
    console: bool
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
    certificate: str
    totp_digits: int
    totp_algorithm: str


class TenantSettings(TypedDict, total=False):
    """What of a tenant is changed after it was made."""

    name: str
    time_zone: str
    max_parallel: int | None
    allow_telnet: bool
