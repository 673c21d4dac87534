"""The database itself refuses references into another tenant, moved rows, and changed history."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from devices.models import AssetTag, AuditEvent, Credential, Device, DeviceTag, Network, Tenant
from devices.models.integrity import rules
from devices.services import audit
from tests import make

pytestmark = pytest.mark.django_db
APPS = ("devices", "templates_app", "approvals", "jobs")


def refused(work):
    with pytest.raises(DatabaseError), transaction.atomic():
        work()


def test_every_rule_has_its_trigger_in_the_database():
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        else:
            cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
        have = {name for (name,) in cursor.fetchall()}
    wanted = {
        n
        for app in APPS
        for rule in rules(app)
        for n in ([f"{rule.name}_i", f"{rule.name}_u"] if rule.column else [rule.name])
    }
    assert len(wanted) > 60
    assert not wanted - have


def test_a_device_takes_no_credential_or_network_of_another_tenant(tenant):
    device = make.devices(tenant("acme"))[0]
    refused(
        lambda: Device.objects.filter(pk=device.pk).update(credential=Credential.objects.get(tenant=tenant("globex")))
    )
    refused(
        lambda: Device.objects.filter(pk=device.pk).update(
            network=Network.objects.filter(tenant=tenant("globex")).first()
        )
    )


def test_a_row_never_moves_to_another_tenant(tenant):
    device = make.devices(tenant("acme"))[0]
    refused(lambda: Device.objects.filter(pk=device.pk).update(tenant=tenant("globex")))


def test_a_tag_of_another_tenant_cannot_be_tied_to_a_device(tenant):
    tag = AssetTag.objects.filter(tenant=tenant("globex")).first()
    refused(lambda: DeviceTag.objects.create(tenant=tenant("acme"), device=make.devices(tenant("acme"))[0], tag=tag))


def test_a_job_of_the_msp_may_hold_devices_below_it_but_a_customers_not_its_siblings(tenant, person, wakeups):
    from jobs.models import JobDevice

    acme, globex = tenant("acme"), tenant("globex")
    draft = make.draft(person("acme-operator"), make.template(acme), make.devices(acme, "linux"))
    refused(lambda: JobDevice.objects.create(tenant=acme, job=draft, device=make.devices(globex)[0]))
    refused(lambda: JobDevice.objects.create(tenant=tenant("msp_12"), job=draft, device=make.devices(acme)[0]))
    template = make.new_template(tenant("msp_12"), {"linux": "uname -a"}, name="MSP wide")
    from jobs.authoring import drafts

    both = [make.devices(acme, "linux")[0], make.devices(globex, "linux")[0]]
    wide = drafts.start_draft(by=person("msp-admin"), template_id=template.pk)
    for device in both:
        JobDevice.objects.create(tenant=tenant("msp_12"), job=wide, device=device)
    assert wide.devices.count() == 2


def test_the_audit_trail_can_only_grow_and_its_chain_verifies(tenant):
    acme = tenant("acme")
    event = audit.record(tenant=acme, by=None, action="test", subject="x")
    assert audit.verify(acme) > 1
    refused(lambda: AuditEvent.objects.filter(pk=event.pk).update(subject="y"))
    refused(lambda: AuditEvent.objects.filter(pk=event.pk).delete())


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite locks no rows.")
def test_who_writes_an_event_does_not_hold_up_what_else_happens_in_the_tenant(tenant):
    """A lock on the tenant's own row kept workers from storing results, for as long as the writer's transaction was
    open."""
    with CaptureQueriesContext(connection) as asked:
        audit.record(tenant=tenant("acme"), by=None, action="test", subject="x")
    locking = [query["sql"] for query in asked if " FOR " in query["sql"]]
    assert len(locking) == 1 and locking[0].endswith("FOR NO KEY UPDATE") and Tenant._meta.db_table not in locking[0]


@pytest.mark.parametrize("left", [1, 0])
def test_a_trail_that_was_cut_is_found(left, tenant):
    """The owner of the database may drop the trigger: what is gone then is told by the stored head."""
    acme = tenant("acme")
    audit.record(tenant=acme, by=None, action="test", subject="x")
    table = AuditEvent._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"DROP TRIGGER ao_{table}_delete" + (f" ON {table}" if connection.vendor == "postgresql" else "")
        )
    gone = AuditEvent.objects.filter(tenant=acme).order_by("pk")[left:].values("pk")
    AuditEvent.objects.filter(pk__in=list(gone.values_list("pk", flat=True))).delete()
    with pytest.raises(ValueError, match=f"newest audit events are missing: {left} are left"):
        audit.verify(acme)


def test_a_forged_audit_event_breaks_the_chain(tenant):
    acme = tenant("acme")
    event = audit.record(tenant=acme, by=None, action="test", subject="x")
    AuditEvent.objects.create(
        tenant=acme, at=event.at, actor_name="x", action="forged", subject="x", previous_hash=event.hash, hash="0" * 64
    )
    with pytest.raises(ValueError, match="was changed"):
        audit.verify(acme)
    with pytest.raises(CommandError, match="1 audit trails are broken"):
        call_command("verify_audit", stdout=io.StringIO())
