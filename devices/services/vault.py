"""Seal and open secrets under the key ring; a sealed text is bound to tenant, row and field.

Every value that is sealed here is known from then on, and hidden in whatever is shown (`devices.services.masking`).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterable
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from config import key_ring
from config.errors import Invalid
from config.key_ring import KeyMissing
from config.one_line import flaw
from devices.domain.secrets import EMPTY, Login, Secret
from devices.models import Credential, KnownSecret

FIELDS = ("password", "enable_password", "private_key")
#: The fields whose secrets are several lines.
OF_LINES = frozenset({"private_key"})
#: What a secret's text begins with that carries a mark, by which it is the same after a change of keys.
MARKED = "v2"
#: What one without a mark begins with.
UNMARKED = "v1"
#: Bytes of a mark.
MARK_BYTES = 8
#: Bytes of the nonce of an unmarked text.
NONCE_BYTES = 12


def seal(secret: Secret, *, tenant_id: int, row: str, field: str) -> str:
    """Return `v2.<mark>.<base64>`, and know the secret from now on; an empty secret stays empty.

    Invalid names the field of a secret that is not one line: it would be typed as several. A key has several.
    """
    if not secret:
        return ""
    if field not in OF_LINES and (said := flaw(secret.reveal())):
        raise Invalid(fields={field: [f"It {said}"]})
    know([secret], tenant_id=tenant_id)
    return _seal(secret, secrets.token_hex(MARK_BYTES), tenant_id=tenant_id, row=row, field=field)


def unseal(text: str, *, tenant_id: int, row: str, field: str) -> Secret:
    """Open what `seal` made for the same tenant, row and field; KeyMissing when that fails."""
    if not text:
        return EMPTY
    if text.startswith(f"{UNMARKED}."):
        return _unseal_unmarked(text, f"{tenant_id}|{row}|{field}")
    _, mark, body = text.split(".", 2)
    return Secret(key_ring.decrypt(base64.b64decode(body), f"{tenant_id}|{row}|{field}|{mark}").decode())


def mark_of(text: str) -> str:
    """Return what a sealed text is known by: another one after every entry, the same after a change of keys."""
    if text.startswith(f"{MARKED}."):
        return text.split(".", 2)[1]
    return hashlib.sha256(text.encode()).hexdigest()[: MARK_BYTES * 2]


def key_of(text: str) -> str:
    """Return the id of the key that a text is sealed with."""
    version, second, body = text.split(".", 2)
    return second if version == UNMARKED else key_ring.key_of(base64.b64decode(body))


def renew(text: str, *, tenant_id: int, row: str, field: str) -> str:
    """Return a sealed text sealed with the newest key; its mark stays."""
    secret = unseal(text, tenant_id=tenant_id, row=row, field=field)
    return _seal(secret, mark_of(text), tenant_id=tenant_id, row=row, field=field)


def know(given: Iterable[Secret], *, tenant_id: int) -> None:
    """Remember, sealed, what is a secret of a tenant, so that it is hidden from now on."""
    wanted = {secret.reveal(): secret for secret in given if secret}
    have = texts_of(KnownSecret.objects.filter(tenant=tenant_id)) if wanted else frozenset()
    for secret in (secret for text, secret in wanted.items() if text not in have):
        KnownSecret.objects.create(tenant_id=tenant_id, value_sealed=known_text(secret, tenant_id=tenant_id))


def known_text(secret: Secret, *, tenant_id: int) -> str:
    """Seal a secret for the rows of those that are known."""
    return _seal(secret, secrets.token_hex(MARK_BYTES), tenant_id=tenant_id, row=KnownSecret.ROW, field="value")


def texts_of(rows: Iterable[KnownSecret]) -> frozenset[str]:
    """Return the values of known secrets, for who hides them; KeyMissing when one cannot be opened."""
    return frozenset(_opened(row.value_sealed, row.tenant_id, row.sealed_row) for row in rows)


@lru_cache(maxsize=10_000)
def _opened(sealed: str, tenant_id: int, row: str) -> str:
    """Return a known value, opened once a process."""
    return unseal(sealed, tenant_id=tenant_id, row=row, field="value").reveal()


def _seal(secret: Secret, mark: str, *, tenant_id: int, row: str, field: str) -> str:
    sealed = key_ring.encrypt(secret.reveal().encode(), f"{tenant_id}|{row}|{field}|{mark}")
    return f"{MARKED}.{mark}.{base64.b64encode(sealed).decode()}"


def _unseal_unmarked(text: str, place: str) -> Secret:
    """Open what the first release sealed: `v1.<key id>.<base64 of nonce and ciphertext>`."""
    _, key_id, body = text.split(".", 2)
    key, raw = key_ring.keys().get(key_id), base64.b64decode(body)
    if key is None:
        raise KeyMissing(f"The key '{key_id}' is not in the key ring {settings.KEY_RING_FILE.name}; restore it.")
    try:
        plain = AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], f"{place}|{key_id}".encode())
    except InvalidTag:
        raise KeyMissing("A stored secret does not belong to this row or is damaged; enter it again.") from None
    return Secret(plain.decode())


def mark(credential: Credential) -> str:
    """Return 16 hex digits that change with each entry of one of a credential's secrets, and with nothing else."""
    marks = [mark_of(text) for field in FIELDS if (text := getattr(credential, f"{field}_sealed"))]
    return hashlib.sha256(".".join(marks).encode()).hexdigest()[: MARK_BYTES * 2]


def set_secrets(credential: Credential, given: dict[str, Secret | None]) -> None:
    """Seal the given fields into an unsaved or loaded credential; None leaves a field as it is."""
    for field in FIELDS:
        secret = given.get(field)
        if secret is not None:
            sealed = seal(secret, tenant_id=credential.tenant_id, row=str(credential.pk), field=field)
            setattr(credential, f"{field}_sealed", sealed)


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
    """Return the login in the clear; only the worker calls this, right before it connects."""
    opened = {
        field: unseal(
            getattr(credential, f"{field}_sealed"), tenant_id=credential.tenant_id, row=str(credential.pk), field=field
        )
        for field in FIELDS
    }
    return Login(username=credential.username, **opened)


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
