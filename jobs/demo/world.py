"""Load the demo world, and describe the fleet that plays its devices. Loading again changes nothing but the ports."""

from __future__ import annotations

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core.management.color import no_style
from django.db import connection, transaction

from devices.domain.secrets import Secret
from devices.models import Agent, AssetTag, Device, Network, Tenant
from devices.services import demo_accounts, inventory, tenants, tokens
from devices.simulator.cli_windows import WindowsCli
from devices.simulator.clis import CLIS, TURNS
from devices.simulator.state import DeviceSpec
from jobs import types
from jobs.demo.templates import PROFILES, TEMPLATES
from jobs.schedule import filters
from templates_app.models import Script, ScriptParameter
from templates_app.services import authoring
from templates_app.services.built_in import keep_built_in

PASSWORD = "demo"
CUSTOMERS = ("acme", "globex", "client_13", "client_93")
#: account → (tenant, roles)
PEOPLE: dict[str, tuple[str, tuple[str, ...]]] = {
    "msp-admin": ("msp_12", ("tenant_admin",)),
    "acme-operator": ("acme", ("operator",)),
    "acme-approver-1": ("acme", ("approver",)),
    "acme-approver-2": ("acme", ("approver",)),
    "acme-viewer": ("acme", ("viewer",)),
    "acme-admin": ("acme", ("tenant_admin",)),
    "globex-operator": ("globex", ("operator",)),
    "client13-admin": ("client_13", ("tenant_admin",)),
    "client13-operator": ("client_13", ("operator",)),
    "client93-admin": ("client_93", ("tenant_admin",)),
}
#: The devices of the OpsRamp document: id → identity address.
OPSRAMP = {
    "709824de-8315-4cf9-ad1c-b15aaf7bf2a5": "10.233.19.130",
    "4e96d5bc-763c-4c00-beab-928d653a0422": "172.30.1.60",
}
HOLIDAYS = [{"mode": "exclude", "yearly": ["01-01", "12-24", "12-25", "12-26", "12-31"]}]
LOGIN = {"username": "netops", "password": "demo-login", "enable": "demo-enable"}


def fleet(count: int) -> dict[str, list[DeviceSpec]]:
    """Return the simulated devices per customer, `count` in all (at least 16): a quarter to each, the rest to acme."""
    share = max(4, min(count // len(CUSTOMERS), 8))
    sizes = dict.fromkeys(CUSTOMERS, share)
    sizes["acme"] = max(share, count - share * (len(CUSTOMERS) - 1))
    found: dict[str, list[DeviceSpec]] = {}
    for block, customer in enumerate(CUSTOMERS):
        found[customer] = [_spec(customer, block, index) for index in range(sizes[customer])]
    return found


def _spec(customer: str, block: int, index: int) -> DeviceSpec:
    # The sixth device of the customers of the OpsRamp document is a domain controller.
    is_controller = index == 5 and customer.startswith("client")
    cli = WindowsCli if is_controller else CLIS[TURNS[index % len(TURNS)]]
    number = 1 if is_controller else index // len(TURNS) + 1
    prefix = customer.replace("_", "")
    return DeviceSpec(
        address=f"127.{20 + block}.{index // 200}.{index % 200 + 10}",
        platform=cli.platform,
        name=f"{prefix}-{cli.prefix}{number:02d}",
        **LOGIN,
    )


def load(count: int, port: int) -> bool:
    """Make what is not there yet; point every demo device at the fleet's port. Returns whether the world was new."""
    new = not Tenant.objects.filter(key="msp_12").exists()
    with transaction.atomic():
        if new:
            _people(_tenants())
        for customer, specs in fleet(count).items():
            _customer(Tenant.objects.get(key=customer), specs, port)
    Device.objects.exclude(connect_host="").update(connect_port=port)
    return new


def _tenants() -> dict[str, Tenant]:
    made = {"msp_12": tenants.create_tenant(by=None, key="msp_12", name="MSP 12", kind="msp")}
    names = {"acme": "Acme", "globex": "Globex", "client_13": "Client 13", "client_93": "Client 93"}
    for key in CUSTOMERS:
        made[key] = tenants.create_tenant(by=None, key=key, name=names[key], kind="customer", parent=made["msp_12"])
    inventory.save_agent(by=None, tenant=made["msp_12"], name="msp-agent-1")
    return made


def _people(made: dict[str, Tenant]) -> None:
    admin = User.objects.create_superuser("admin", "admin@example.com")
    tokens.create_token(user=admin, name="demo", text="demo-admin")
    for account, (tenant, roles) in PEOPLE.items():
        user = User.objects.create_user(account, f"{account}@example.com", is_staff=True)
        for role in roles:
            tenants.give_role(by=None, user=user, tenant=made[tenant], role=role)
        tokens.create_token(user=user, name="demo", text=f"demo-{account}")
    # Hashing is slow on purpose; of one password that everybody knows, once is enough.
    everybody = User.objects.filter(username__in=["admin", *PEOPLE])
    everybody.update(password=make_password(PASSWORD))
    demo_accounts.mark(everybody)


def _customer(tenant: Tenant, specs: list[DeviceSpec], port: int) -> None:
    if not Network.objects.filter(tenant=tenant).exists():
        _furnish(tenant)
    networks = list(Network.objects.filter(tenant=tenant).order_by("pk"))
    tags = {tag.name: tag for tag in AssetTag.objects.filter(tenant=tenant)}
    have = set(Device.objects.filter(tenant=tenant).values_list("connect_host", flat=True))
    ids = list(OPSRAMP.items()) if tenant.key == "client_13" else []
    for index, spec in enumerate(specs):
        if spec.address in have:
            continue
        name, number = spec.name, f"10.{10 + tenant.pk}.{index // 200}.{index % 200 + 10}"
        instance = None
        platform = spec.platform
        if index >= len(specs) - len(ids):
            pk, address = ids[index - (len(specs) - len(ids))]
            instance, name, number = Device(pk=pk, tenant=tenant), address, address
        inventory.save_device(
            by=None,
            tenant=tenant,
            instance=instance,
            platform=platform,
            network=networks[index % len(networks)],
            connect_host=spec.address,
            connect_port=port,
            tags=[tags[CLIS[platform].tag]],
            name=name,
            address=number,
        )


def _furnish(tenant: Tenant) -> None:
    for name in ("Headquarters", "Branch offices"):
        inventory.save_network(by=None, tenant=tenant, name=name)
    for name in dict.fromkeys(cli.tag for cli in CLIS.values()):
        inventory.save_tag(by=None, tenant=tenant, name=name)
    inventory.save_agent(by=None, tenant=tenant, name=f"{tenant.key}-agent-1")
    secrets: dict[str, Secret | None] = {
        "password": Secret(LOGIN["password"]),
        "enable_password": Secret(LOGIN["enable"]),
    }
    inventory.save_credential(
        by=None, tenant=tenant, name="Fleet login", username=LOGIN["username"], is_default=True, secrets=secrets
    )
    for name, (description, content) in TEMPLATES.items():
        authoring.save_template(
            by=None, tenant=tenant, name=name, description=description, status="ready", content=content
        )
    for built_in in types.built_in_templates():
        keep_built_in(tenant, built_in)
    filters.save_filter(by=None, tenant=tenant, name="Holidays", rules=HOLIDAYS, time_zone="Europe/Berlin")
    for name, (description, values) in PROFILES.items():
        authoring.save_profile(by=None, tenant=tenant, name=name, description=description, values=values)
    if tenant.key == "client_13":
        script = Script.objects.create(
            pk=7,
            tenant=tenant,
            name="test script",
            description="test script",
            platforms=["WINDOWS"],
            body='Write-Output "The value is $String"\n',
        )
        ScriptParameter.objects.create(tenant=tenant, script=script, number=2, name="String")
        # PostgreSQL counts on from its own last number, and would come to this one.
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), [Script]):
                cursor.execute(statement)


def all_queues() -> list[str]:
    """Return the queues of every agent."""
    return list(Agent.objects.values_list("queue", flat=True))
