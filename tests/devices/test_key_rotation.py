"""Changing the keys: everything is sealed anew, a kill half-way loses nothing, and no key in use is dropped."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import models
from django.utils import timezone

from config import key_ring, sealed_text
from devices.channels.webhook import WEBHOOK
from devices.domain.secrets import Secret
from devices.models import AuditHead, ConfigSnapshot, Credential, KnownSecret, TenantOwned, Webhook
from devices.services import channels, key_rotation, vault
from devices.services.inventory import save_credential
from devices.services.snapshots import Content, keep_snapshots
from jobs.models import ServiceJob
from tests import make

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(autouse=True)
def ring(settings, tmp_path):
    """A ring of this test's own; what the demo world has sealed with another one is sealed anew with it."""
    before = settings.KEY_RING_FILE
    path = tmp_path / "credentials.key"
    path.write_text(before.read_text())
    settings.KEY_RING_FILE = path
    return path


@pytest.fixture
def sealed(tenant, person, wakeups):
    """One of each: a credential, a channel, a secret variable, a transcript, a configuration."""
    from tests.jobs.test_secrets_of_runs import template_with_secret

    acme, admin = tenant("acme"), person("acme-admin")
    credential = save_credential(
        by=admin, tenant=acme, name="Kept", username="u", secrets={"password": Secret(" kept byte for byte ")}
    )
    hook = channels.save_channel(
        by=admin,
        tenant=acme,
        channel=WEBHOOK,
        secrets={"secret": Secret("signing-key-1")},
        name="Hook",
        url="https://h/",
    )
    device = make.devices(acme, "linux")[0]
    said = template_with_secret(acme, "exec", {"linux": "echo {{ phrase }}"})
    job, run = make.job(admin, said, [device], snapshots=False, secret_variables={"phrase": Secret("variable-1")})
    row = run.device_runs.get()
    make.step(row, [("a", "b", False)], position=0, name="S", kind="read", started_at=timezone.now())
    keep_snapshots([Content(acme.pk, device, f"text {n}", "test") for n in range(120)], taken_at=timezone.now())
    return credential, hook, job, row


def opened(sealed):
    """What was sealed, in the clear."""
    credential, hook, job, row = sealed
    credential, hook = Credential.objects.get(pk=credential.pk), Webhook.objects.get(pk=hook.pk)
    job = ServiceJob.objects.get(pk=job.pk)
    variable = vault.unseal(job.sealed_variables["phrase"], tenant_id=job.tenant_id, row=str(job.pk), field="phrase")
    return (
        vault.open_login(credential).password.reveal(),
        channels.opened(WEBHOOK, hook)["secret"].reveal(),
        variable.reveal(),
        make.shown(row.steps.get()).exchanges,
        sorted(snapshot.unsealed for snapshot in ConfigSnapshot.objects.all()),
        sorted(vault.texts_of(KnownSecret.objects.all())),
    )


def test_every_column_that_holds_something_sealed_is_found():
    """By its name; bytes are sealed, but for the ones named here."""
    from django.apps import apps

    names = {str(column) for column in key_rotation.columns()}
    assert {"devices.Credential.password_sealed", "jobs.ServiceJob.sealed_variables"} < names
    assert {"jobs.StepResult.exchanges_sealed", "devices.ConfigSnapshot.content_sealed"} < names
    plain = {"approvals.ApprovalRequest.content_z"}  # what is asked for: marks stand for secrets in it
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, models.BinaryField):
                assert f"{model._meta.label}.{field.name}" in names | plain
            if "sealed" in field.name:
                assert issubclass(model, TenantOwned | AuditHead) and f"{model._meta.label}.{field.name}" in names


def test_everything_is_sealed_anew_and_opens(sealed, capsys):
    before, (old,) = opened(sealed), key_ring.keys()
    marks = sealed_text.mark_of(sealed[2].sealed_variables["phrase"])
    call_command("rotate_keys")
    newest = next(iter(key_ring.keys()))
    assert set(key_rotation.in_use()) == {newest} != {old} and opened(sealed) == before
    assert sealed_text.mark_of(ServiceJob.objects.get(pk=sealed[2].pk).sealed_variables["phrase"]) == marks
    said = capsys.readouterr().out
    assert f"rotate_keys --drop {old}" in said and "devices.ConfigSnapshot.content_sealed: 50 rows" in said
    call_command("rotate_keys", drop=old)
    assert list(key_ring.keys()) == [newest] and opened(sealed) == before


def test_an_approval_is_not_void_because_keys_changed(person, tenant, sealed):
    from jobs.dispatch import approval_gate
    from jobs.plan import builder

    digest = lambda: approval_gate.content_of(  # noqa: E731
        (job := ServiceJob.objects.get(pk=sealed[2].pk)), builder.plan_of(job, job.created_by), message=""
    )["secrets"]
    before = digest()
    call_command("rotate_keys")
    assert digest() == before


@pytest.mark.parametrize("key_id,words", [("knone", "has no key"), ("", "newest"), ("old", "need the key")])
def test_no_key_in_use_is_dropped(sealed, key_id, words):
    (old,) = key_ring.keys()
    key_rotation.begin(lambda said: None)
    with pytest.raises(CommandError, match=words):
        call_command("rotate_keys", drop={"": next(iter(key_ring.keys())), "old": old}.get(key_id, key_id))
    assert old in dict(key_ring.keys()) and opened(sealed)


def test_who_is_stopped_half_way_goes_on_with_the_same_key(sealed, monkeypatch):
    before, (old,) = opened(sealed), key_ring.keys()

    def stop(said):
        if "100 rows" in said:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        key_rotation.begin(stop)
        key_rotation.reseal(stop)
    first = next(iter(key_ring.keys()))
    assert set(key_rotation.in_use()) == {old, first} and opened(sealed) == before, "both are needed half-way"
    with pytest.raises(CommandError, match="need the key"):
        call_command("rotate_keys", drop=old)
    call_command("rotate_keys")
    assert list(key_ring.keys()) == [first, old] and set(key_rotation.in_use()) == {first}
    assert opened(sealed) == before


def test_a_ring_that_was_changed_is_read_again(ring):
    key_id, key = key_ring.new_key()
    key_ring.replace({key_id: key, **key_ring.keys()})
    assert key_ring.key_of(key_ring.encrypt(b"x", "y")) == key_id
    assert ring.stat().st_mode & 0o777 == 0o600


def test_what_is_sealed_opens_in_its_own_place_only_and_not_when_damaged():
    data = key_ring.pack(b"text " * 100, "1|step|2:0")
    assert key_ring.unpack(data, "1|step|2:0") == b"text " * 100 and len(data) < 120
    for place in ("2|step|2:0", "1|step|2:1", ""):
        with pytest.raises(key_ring.KeyMissing):
            key_ring.unpack(data, place)
    for damaged in (data[:-1], data[:40], b"s1.", b"", b"x" + data[1:], data[:-1] + bytes([data[-1] ^ 1])):
        with pytest.raises(key_ring.KeyMissing):
            key_ring.unpack(damaged, "1|step|2:0")


def test_a_killed_process_leaves_a_ring_and_rows_that_open(tmp_path):
    """A real process, killed by the kernel after its first rows; the next one ends what it began."""
    var = {**os.environ, "INTERLOCK_VAR": str(tmp_path / "state"), "DATABASE_URL": "", "INTERLOCK_KEY_FILE": ""}
    var.pop("INTERLOCK_KEY_FILE")
    python = [sys.executable, "-c"]
    start = "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'; django.setup();"
    make_rows = start + (
        "from django.core.management import call_command; call_command('migrate', verbosity=0);"
        "from devices.services.tenants import create_tenant; from devices.services import vault;"
        "from devices.domain.secrets import Secret;"
        "t = create_tenant(by=None, key='t', name='T');"
        "[vault.know(Secret(f'secret-{n}'), tenant_id=t.pk) for n in range(400)]"
    )
    look = start + (
        "from devices.services import key_rotation, vault; from devices.models import KnownSecret;"
        "print(len(vault.texts_of(KnownSecret.objects.all())), len(key_rotation.in_use()))"
    )
    run = lambda code: subprocess.run(  # noqa: E731
        [*python, code], cwd=ROOT, env=var, check=True, capture_output=True, text=True
    ).stdout.split()
    run(make_rows)
    rotate = [sys.executable, "-u", "manage.py", "rotate_keys"]
    with subprocess.Popen(rotate, cwd=ROOT, env=var, stdout=subprocess.PIPE, text=True) as process:
        while "rows sealed anew" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    assert run(look) == ["400", "2"], "half-way"
    ended = subprocess.run(rotate, cwd=ROOT, env=var, check=True, capture_output=True, text=True).stdout
    assert "goes on" in ended and run(look) == ["400", "1"]
