"""What a credential holds is looked at when it is saved: key, passphrase, certificate, secret of a second factor."""

import asyncssh
import pytest
from django.core.management import call_command

from config import key_ring
from config.errors import Invalid
from devices.domain.secrets import Secret
from devices.models import Credential
from devices.services import inventory, key_rotation, vault
from tests.ways.servers import SECRET, a_key

pytestmark = pytest.mark.django_db
PASSPHRASE = "correct horse 'battery'"


def signed(key, kind="user"):
    authority = asyncssh.generate_private_key("ssh-ed25519")
    made = getattr(authority, f"generate_{kind}_certificate")(key, "test", principals=["ops"])
    return made.export_certificate("openssh").decode()


def save(acme, instance=None, certificate=None, **secrets):
    given = {name: Secret(text) for name, text in secrets.items()}
    more = {} if certificate is None else {"certificate": certificate}
    return inventory.save_credential(
        by=None, tenant=acme, instance=instance, name="Keys", username="ops", secrets=given, **more
    )


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"])
def test_a_key_with_its_passphrase_and_certificate_is_taken(acme, kind):
    key, text = a_key(kind, PASSPHRASE)
    row = save(acme, private_key=text, passphrase=PASSPHRASE, certificate=signed(key))
    login = vault.open_login(Credential.objects.get(pk=row.pk))
    assert login.key.passphrase.reveal() == PASSPHRASE and "-cert-v01" in login.key.certificate
    assert PASSPHRASE in login.secrets()


WRONG = {
    "a locked key without passphrase": ("passphrase", "locked"),
    "another passphrase": ("passphrase", "does not open"),
    "a broken key": ("private_key", "cannot be read"),
    "half a key": ("private_key", "cannot be read"),
    "a passphrase alone": ("passphrase", "no SSH key"),
    "a certificate alone": ("certificate", "no SSH key"),
    "the certificate of another key": ("certificate", "belongs to another"),
    "the certificate of a key of another kind": ("certificate", "belongs to another"),
    "a public key for a certificate": ("certificate", "no OpenSSH certificate"),
    "half a certificate": ("certificate", "cannot be read"),
    "a certificate that lacks its end": ("certificate", "cannot be read"),
    "the certificate of a host": ("certificate", "of a host"),
    "no base32": ("totp_secret", "base32"),
    "too short a secret": ("totp_secret", "too short"),
}


def given(what):
    key, text = a_key()
    locked = key.export_private_key("openssh", PASSPHRASE).decode()
    other, _ = a_key()
    rsa, _ = a_key("ssh-rsa")
    public = key.export_public_key("openssh").decode()
    half = " ".join(part[: len(part) if n == 0 else 60] for n, part in enumerate(signed(key).split()[:2]))
    return {
        "a locked key without passphrase": {"private_key": locked},
        "another passphrase": {"private_key": locked, "passphrase": "other"},
        "a broken key": {"private_key": "no key"},
        "half a key": {"private_key": text[: len(text) // 2]},
        "a passphrase alone": {"passphrase": PASSPHRASE},
        "a certificate alone": {"certificate": signed(key)},
        "the certificate of another key": {"private_key": text, "certificate": signed(other)},
        "the certificate of a key of another kind": {"private_key": text, "certificate": signed(rsa)},
        "a public key for a certificate": {"private_key": text, "certificate": public},
        "half a certificate": {"private_key": text, "certificate": half},
        "a certificate that lacks its end": {"private_key": text, "certificate": signed(key)[:-60]},
        "the certificate of a host": {"private_key": text, "certificate": signed(key, "host")},
        "no base32": {"totp_secret": "0189"},
        "too short a secret": {"totp_secret": "JBSWY3DP"},
    }[what]


@pytest.mark.parametrize("what", WRONG)
def test_what_could_log_in_nowhere_is_refused_beside_its_field(acme, what, browser, api):
    field, words = WRONG[what]
    values = given(what)
    with pytest.raises(Invalid) as found:
        save(acme, **values)
    assert set(found.value.fields) == {field} and words in found.value.fields[field][0]
    form = {"tenant": acme.pk, "name": "Web", "username": "u", "totp_digits": 6, "totp_algorithm": "sha1", **values}
    page = browser("acme-admin").post("/edit/credentials/new/", form)
    assert page.status_code == 200 and words in " ".join(str(page.context["form"].errors[field]).split())
    body = {"tenant": acme.pk, "name": "Api", "username": "u", **values}
    answer = api("acme-admin").post("/api/v1/credentials/", body, format="json")
    assert answer.status_code == 400 and words in answer.content.decode()
    shown = page.content.decode() + answer.content.decode()
    assert all(v not in shown for n, v in values.items() if n != "certificate" and len(v) > 4 and v in (PASSPHRASE,))
    assert not Credential.objects.filter(name__in=["Keys", "Web", "Api"]).exists()


def test_a_key_that_is_exchanged_takes_its_certificate_along(acme):
    key, text = a_key()
    row = save(acme, private_key=text, certificate=signed(key))
    other, second = a_key()
    with pytest.raises(Invalid, match="another SSH key"):
        save(acme, instance=Credential.objects.get(pk=row.pk), private_key=second)
    with pytest.raises(Invalid, match="another SSH key"):
        save(acme, instance=Credential.objects.get(pk=row.pk), certificate=signed(other))
    found = save(acme, instance=Credential.objects.get(pk=row.pk), private_key=second, certificate=signed(other))
    assert vault.open_login(found).key.text.reveal() == second


def test_how_codes_are_made_and_the_certificate_change_the_mark_of_an_approval(acme):
    key, text = a_key()
    row = save(acme, private_key=text, totp_secret=SECRET)
    marks = [vault.mark(row)]
    for values in ({"totp_digits": 8}, {"totp_algorithm": "sha512"}, {"certificate": signed(key)}):
        marks.append(vault.mark(inventory.save_credential(by=None, tenant=acme, instance=row, **values)))
    assert len(set(marks)) == 4


def test_new_keys_of_the_ring_seal_the_new_secrets_too(acme, settings, tmp_path):
    before = settings.KEY_RING_FILE
    path = tmp_path / "credentials.key"
    path.write_text(before.read_text())
    settings.KEY_RING_FILE = path
    _, text = a_key(passphrase=PASSPHRASE)
    row = save(acme, private_key=text, passphrase=PASSPHRASE, totp_secret=SECRET)
    call_command("rotate_keys")
    assert set(key_rotation.in_use()) == {next(iter(key_ring.keys()))}
    login = vault.open_login(Credential.objects.get(pk=row.pk))
    assert (login.key.passphrase.reveal(), login.second.secret.reveal()) == (PASSPHRASE, SECRET)
    names = {str(column) for column in key_rotation.columns()}
    assert {"devices.Credential.passphrase_sealed", "devices.Credential.totp_secret_sealed"} < names
