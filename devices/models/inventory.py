"""Networks, asset tags and devices."""

import uuid

from django.db import models
from django.db.models.functions import Lower

from devices.drivers.platforms import PLATFORMS, choices
from devices.models.agents import Agent
from devices.models.credentials import Credential
from devices.models.jump_hosts import JumpHost
from devices.models.tenants import TenantOwned
from devices.models.texts import OneLine


class Network(TenantOwned):
    """A managed network: one address is unique in it."""

    name = OneLine(max_length=120)
    description = models.CharField(max_length=300, blank=True)
    jump_host = models.ForeignKey(
        JumpHost,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="networks",
        help_text="From where its devices are reached; none means from the agent's worker.",
    )

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint("tenant", Lower("name"), name="network_name_once_per_tenant")]

    def __str__(self) -> str:
        return self.name


class AssetTag(TenantOwned):
    """A word that groups devices, for example Switches."""

    name = OneLine(max_length=60)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint("tenant", Lower("name"), name="asset_tag_name_once_per_tenant")]

    def __str__(self) -> str:
        return self.name


class Device(TenantOwned):
    """One device. `address` says which device it is; `connect_host` and `connect_port` say how it is reached."""

    class Protocol(models.TextChoices):
        """How it is reached."""

        SSH = "ssh", "SSH"
        TELNET = "telnet", "Telnet (clear text)"

    tenant_rules = {"agent": "ancestors"}

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = OneLine("host name", max_length=120)
    address = models.GenericIPAddressField("IP address", unpack_ipv4=True, help_text="The address that identifies it.")
    connect_host = OneLine(max_length=255, blank=True, help_text="Where to connect, when not to the IP address.")
    connect_port = models.PositiveIntegerField(default=22)
    platform = models.CharField(max_length=40, choices=choices)
    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="devices")
    credential = models.ForeignKey(Credential, null=True, blank=True, on_delete=models.SET_NULL, related_name="devices")
    jump_host = models.ForeignKey(
        JumpHost,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="devices",
        help_text="From where it is reached, when not as its network says.",
    )
    direct = models.BooleanField(
        "without jump host", default=False, help_text="Connect directly, whatever its network says."
    )
    console = models.BooleanField(
        "console port",
        default=False,
        help_text="SSH leads to its serial line on a console server: log in on the line, and log out at the end.",
    )
    agent = models.ForeignKey(Agent, null=True, blank=True, on_delete=models.SET_NULL, related_name="devices")
    tags = models.ManyToManyField(AssetTag, through="DeviceTag", related_name="devices")
    host_key = models.CharField(max_length=100, blank=True, editable=False, help_text="SHA-256 of the pinned host key.")
    legacy_ssh = models.BooleanField(
        "legacy SSH", default=False, help_text="Allow SHA-1 key exchange and ssh-rsa keys."
    )
    protocol = models.CharField(
        max_length=6,
        choices=Protocol,
        default=Protocol.SSH,
        help_text="Telnet sends the password and everything else in clear text; the customer's settings must allow it.",
    )
    enabled = models.BooleanField(default=True, help_text="A device that is switched off is in no job.")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint("network", "address", name="device_address_once_per_network"),
            models.UniqueConstraint("tenant", Lower("name"), name="device_name_once_per_tenant"),
        ]
        indexes = [
            models.Index(fields=["tenant", "platform"]),
            models.Index(fields=["address"]),
            models.Index(fields=["name", "id"]),
            models.Index(fields=["platform", "id"]),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def endpoint(self) -> tuple[str, int]:
        """Host and TCP port to connect to."""
        return (self.connect_host or self.address, self.connect_port)

    @property
    def next_hop_id(self) -> uuid.UUID | None:
        """The jump host next to it: its own wins over its network's, and `direct` over both."""
        return None if self.direct else (self.jump_host_id or self.network.jump_host_id)

    @property
    def vendor(self) -> str:
        """The vendor of its platform."""
        return PLATFORMS[self.platform].vendor


class DeviceTag(TenantOwned):
    """A device carries a tag."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE)
    tag = models.ForeignKey(AssetTag, on_delete=models.CASCADE)

    class Meta:
        constraints = [models.UniqueConstraint("device", "tag", name="device_tag_once")]
