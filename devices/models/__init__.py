"""Columns and constraints, one concept a file; this module only collects them for Django."""

from devices.models.agents import Agent, Worker
from devices.models.audit import AuditEvent, AuditHead
from devices.models.channels import MailServer, OutboxMessage, TrapReceiver, Webhook
from devices.models.credentials import Credential
from devices.models.demo import DemoAccount
from devices.models.guesses import Guesses
from devices.models.idempotency import IdempotentAnswer
from devices.models.inventory import AssetTag, Device, DeviceTag, Network
from devices.models.jump_hosts import JumpHost, UsedCode
from devices.models.known_secrets import KnownSecret
from devices.models.notices import Notice
from devices.models.roles import Role
from devices.models.sightings import Sighting
from devices.models.snapshots import ConfigSnapshot
from devices.models.tenants import Tenant, TenantOwned
from devices.models.tokens import ApiToken

__all__ = [
    "Agent",
    "ApiToken",
    "AssetTag",
    "AuditEvent",
    "AuditHead",
    "ConfigSnapshot",
    "Credential",
    "DemoAccount",
    "Device",
    "Guesses",
    "IdempotentAnswer",
    "DeviceTag",
    "JumpHost",
    "KnownSecret",
    "MailServer",
    "Network",
    "Notice",
    "OutboxMessage",
    "Role",
    "Sighting",
    "Tenant",
    "TenantOwned",
    "TrapReceiver",
    "UsedCode",
    "Webhook",
    "Worker",
]
