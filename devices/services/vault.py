"""Seal and open secrets: AES-256-GCM under a key ring; a sealed text is bound to tenant, row and field."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.utils.crypto import salted_hmac

from config.errors import Invalid, ServiceError
from config.one_line import flaw
from devices.domain.secrets import EMPTY, Login, Secret
from devices.models import Credential

FIELDS = ("password", "enable_password", "private_key")
#: The fields whose secrets are several lines.
OF_LINES = frozenset({"private_key"})


class KeyMissing(ServiceError):
    """A sealed text cannot be opened: its key is not in the ring, or the text was moved or damaged."""

    code = "key_missing"


def seal(secret: Secret, *, tenant_id: int, row: str, field: str) -> str:
    """Return `v1.<key id>.<base64 of nonce and ciphertext>`; an empty secret stays empty.

    Invalid names the field of a secret that is not one line: it would be typed as several. A key has several.
    """
    if not secret:
        return ""
    if field not in OF_LINES and (said := flaw(secret.reveal())):
        raise Invalid(fields={field: [f"It {said}"]})
    key_id, key = next(iter(_ring().items()))
    nonce = secrets.token_bytes(12)
    sealed = AESGCM(key).encrypt(nonce, secret.reveal().encode(), _bound_to(tenant_id, row, field, key_id))
    return f"v1.{key_id}.{base64.b64encode(nonce + sealed).decode()}"


def unseal(text: str, *, tenant_id: int, row: str, field: str) -> Secret:
    """Open what `seal` made for the same tenant, row and field; KeyMissing when that fails."""
    if not text:
        return EMPTY
    _, key_id, body = text.split(".", 2)
    key = _ring().get(key_id)
    if key is None:
        raise KeyMissing(f"The key '{key_id}' is not in the key ring {settings.KEY_RING_FILE.name}; restore it.")
    raw = base64.b64decode(body)
    try:
        plain = AESGCM(key).decrypt(raw[:12], raw[12:], _bound_to(tenant_id, row, field, key_id))
    except InvalidTag:
        raise KeyMissing("A stored secret does not belong to this row or is damaged; enter it again.") from None
    return Secret(plain.decode())


def mark(credential: Credential) -> str:
    """Return 16 hex digits that change with a credential's user name and secrets, and with nothing else."""
    parts = [credential.username]
    for field in FIELDS:
        text = getattr(credential, f"{field}_sealed")
        parts.append(mark_of(text, tenant_id=credential.tenant_id, row=str(credential.pk), field=field))
    return _mark("\n".join(parts))


def mark_of(text: str, *, tenant_id: int, row: str, field: str) -> str:
    """Return 16 hex digits that change with a sealed secret, not with its sealing; empty for none."""
    try:
        secret = unseal(text, tenant_id=tenant_id, row=row, field=field)
    except KeyMissing:
        return "unreadable"
    return _mark(secret.reveal()) if secret else ""


def _mark(text: str) -> str:
    """Keyed, because a guessed password must not be confirmed by it."""
    return salted_hmac("devices.services.vault.mark", text, algorithm="sha256").hexdigest()[:16]


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


def _bound_to(tenant_id: int, row: str, field: str, key_id: str) -> bytes:
    return f"{tenant_id}|{row}|{field}|{key_id}".encode()


def _ring() -> dict[str, bytes]:
    return _read_ring(str(settings.KEY_RING_FILE))


@lru_cache(maxsize=4)
def _read_ring(name: str) -> dict[str, bytes]:
    """Read the ring, newest key first; a missing file is made with one key and mode 0600."""
    path = Path(name)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as stream:
            stream.write(f"k{secrets.token_hex(4)} {secrets.token_hex(32)}\n")
    pairs = (line.split() for line in path.read_text().splitlines() if line.strip())
    return {key_id: bytes.fromhex(key) for key_id, key in pairs}
