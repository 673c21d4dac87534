"""Seal and open secrets under the key ring; a sealed text is bound to tenant, row and field.

Every value that is sealed here is known from then on, and hidden in whatever is shown (`devices.services.masking`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache

from config.errors import Invalid
from config.key_ring import KeyMissing
from config.one_line import flaw
from config.sealed_text import mark_of, open_text, seal_text
from devices.domain import totp
from devices.domain.secrets import EMPTY, Login, LoginKey, SecondFactor, Secret
from devices.drivers import keys
from devices.models import Credential, KnownSecret

__all__ = ["KeyMissing", "Logins", "know", "mark", "mark_of", "open_login", "reseal", "seal", "texts_of", "unseal"]
FIELDS = ("password", "enable_password", "private_key", "passphrase", "totp_secret")
#: The fields whose secrets are several lines.
OF_LINES = frozenset({"private_key"})
#: Hex digits of the mark of a credential.
MARK_DIGITS = 16


def seal(secret: Secret, *, tenant_id: int, row: str, field: str) -> str:
    """Return a secret's sealed text, and know the secret from now on; an empty secret stays empty.

    Invalid names the field of a secret that is not one line: it would be typed as several. A key has several.
    """
    if not secret:
        return ""
    if field not in OF_LINES and (said := flaw(secret.reveal())):
        raise Invalid(fields={field: [f"It {said}"]})
    know(secret, tenant_id=tenant_id)
    return seal_text(secret.reveal(), f"{tenant_id}|{row}|{field}")


def unseal(text: str, *, tenant_id: int, row: str, field: str) -> Secret:
    """Open what `seal` made for the same tenant, row and field; KeyMissing when that fails."""
    return Secret(open_text(text, f"{tenant_id}|{row}|{field}")) if text else EMPTY


def know(secret: Secret, *, tenant_id: int) -> None:
    """Remember, sealed, what is a secret of a tenant, so that it is hidden from now on."""
    if secret.reveal() not in texts_of(KnownSecret.objects.filter(tenant=tenant_id)):
        row = KnownSecret(tenant_id=tenant_id)
        row.value_sealed = seal_text(secret.reveal(), f"{tenant_id}|{row.sealed_row}|value")
        row.save()


def texts_of(rows: Iterable[KnownSecret]) -> frozenset[str]:
    """Return the values of known secrets, for who hides them; KeyMissing when one cannot be opened."""
    return frozenset(_opened(row.value_sealed, f"{row.tenant_id}|{row.sealed_row}|value") for row in rows)


@lru_cache(maxsize=10_000)
def _opened(sealed: str, place: str) -> str:
    """Return a known value, opened once a process."""
    return open_text(sealed, place)


def mark(credential: Credential) -> str:
    """Return 16 hex digits that change with each entry of one of a credential's secrets, with its certificate and with
    how its codes are made, and with nothing else."""
    marks = [mark_of(text) for field in FIELDS if (text := getattr(credential, f"{field}_sealed"))]
    if credential.certificate:
        marks.append(credential.certificate)
    if credential.totp_secret_sealed:
        marks.append(f"{credential.totp_digits} {credential.totp_algorithm}")
    return hashlib.sha256(".".join(marks).encode()).hexdigest()[:MARK_DIGITS]


def set_secrets(credential: Credential, given: dict[str, Secret | None]) -> None:
    """Seal the given fields into an unsaved or loaded credential; None leaves a field as it is.

    Invalid names the field of a secret that cannot be what it is for, and of a certificate of another key.
    """
    check_login(credential, given)
    for field in FIELDS:
        secret = given.get(field)
        if secret is not None:
            sealed = seal(secret, tenant_id=credential.tenant_id, row=str(credential.pk), field=field)
            setattr(credential, f"{field}_sealed", sealed)


def check_login(credential: Credential, given: dict[str, Secret | None]) -> None:
    """Raise Invalid, by field, where a credential would be useless with the given secrets: its SSH key cannot be read,
    its certificate is another key's, its TOTP secret is none."""
    wrong: dict[str, list[str]] = {}
    if secret := given.get("totp_secret"):
        try:
            totp.key_of(secret.reveal())
        except ValueError as error:
            wrong["totp_secret"] = [str(error)]
    if said := _wrong_key(credential, given):
        wrong[said.field] = [said.message]
    if wrong:
        raise Invalid(fields=wrong)


def _wrong_key(credential: Credential, given: dict[str, Secret | None]) -> keys.WrongKey | None:
    """Return what is wrong with a credential's key, with what is given; None where nothing is, or nothing changes."""
    text, passphrase = given.get("private_key"), given.get("passphrase")
    if not (text or credential.private_key_sealed):
        if passphrase:
            return keys.WrongKey("passphrase", "There is no SSH key that it could open; give the key, too.")
        if credential.certificate:
            return keys.WrongKey("certificate", "There is no SSH key to which it could belong; give the key, too.")
        return None
    if not (text or passphrase or credential.certificate):
        return None
    kept = open_login(credential).key
    key = LoginKey(
        text=text or (kept.text if kept else EMPTY),
        passphrase=passphrase or (kept.passphrase if kept else EMPTY),
        certificate=credential.certificate,
    )
    try:
        keys.read(key)
    except keys.WrongKey as error:
        return error
    return None


def reseal(text: str, *, tenant_id: int, field: str, row: str, to: str) -> str:
    """Return what `seal` made for one row sealed anew for another of the same tenant; nobody else sees the secret.

    KeyMissing when it does not belong to `row`.
    """
    return seal(unseal(text, tenant_id=tenant_id, row=row, field=field), tenant_id=tenant_id, row=to, field=field)


def hand_over(source: Credential, target: Credential) -> list[str]:
    """Seal what one credential holds into another of its tenant (not saved yet); return the fields that it held."""
    held = [field for field in FIELDS if getattr(source, f"{field}_sealed")]
    for field in held:
        text = getattr(source, f"{field}_sealed")
        sealed = reseal(text, tenant_id=source.tenant_id, field=field, row=str(source.pk), to=str(target.pk))
        setattr(target, f"{field}_sealed", sealed)
    return held


def open_login(credential: Credential) -> Login:
    """Return the login in the clear; only the worker and the recorder call this, right before they connect."""

    def opened(field: str) -> Secret:
        text = getattr(credential, f"{field}_sealed")
        return unseal(text, tenant_id=credential.tenant_id, row=str(credential.pk), field=field)

    text, secret = opened("private_key"), opened("totp_secret")
    return Login(
        credential.username,
        opened("password"),
        opened("enable_password"),
        LoginKey(text=text, passphrase=opened("passphrase"), certificate=credential.certificate) if text else None,
        SecondFactor(secret, credential.totp_digits, credential.totp_algorithm) if secret else None,
    )


class Logins:
    """The logins of some credentials, each opened when it is first asked for, and for all who ask the same."""

    def __init__(self, credentials: Iterable[Credential]) -> None:
        self._sealed = {str(row.pk): row for row in credentials}
        self._open: dict[str, Login] = {}

    def __contains__(self, pk: str) -> bool:
        return pk in self._sealed

    def __getitem__(self, pk: str) -> Login:
        """Return the login of a credential (id) as `open_login` does; KeyError when it is none of them."""
        if pk not in self._open:
            self._open[pk] = open_login(self._sealed[pk])
        return self._open[pk]
