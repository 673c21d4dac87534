"""Secrets as texts of the database: `v2.<mark>.<base64>`; the first release wrote `v1.<key id>.<base64>`.

The mark is drawn when somebody enters a secret, and stays when its key is replaced.
"""

from __future__ import annotations

import base64
import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from config import key_ring
from config.key_ring import KeyMissing

#: What a text begins with that carries a mark.
MARKED = "v2"
#: What one without a mark begins with.
UNMARKED = "v1"
#: Bytes of a mark.
MARK_BYTES = 8
#: Bytes of the nonce of an unmarked text.
NONCE_BYTES = 12


def seal_text(plain: str, place: str, mark: str = "") -> str:
    """Seal a text for its place, with a mark of its own or the given one."""
    mark = mark or secrets.token_hex(MARK_BYTES)
    sealed = key_ring.encrypt(plain.encode(), f"{place}|{mark}")
    return f"{MARKED}.{mark}.{base64.b64encode(sealed).decode()}"


def open_text(text: str, place: str) -> str:
    """Open what `seal_text` made for the same place; KeyMissing when that fails."""
    if text.startswith(f"{UNMARKED}."):
        return _open_unmarked(text, place)
    _, mark, body = text.split(".", 2)
    return key_ring.decrypt(base64.b64decode(body), f"{place}|{mark}").decode()


def mark_of(text: str) -> str:
    """Return what a sealed text is known by: another one after every entry, the same after a change of keys."""
    if text.startswith(f"{MARKED}."):
        return text.split(".", 2)[1]
    return hashlib.sha256(text.encode()).hexdigest()[: MARK_BYTES * 2]


def key_of(text: str) -> str:
    """Return the id of the key that a text is sealed with."""
    version, second, body = text.split(".", 2)
    return second if version == UNMARKED else key_ring.key_of(base64.b64decode(body))


def renew(text: str, place: str) -> str:
    """Return a sealed text sealed with the newest key; its mark stays."""
    return seal_text(open_text(text, place), place, mark_of(text))


def _open_unmarked(text: str, place: str) -> str:
    _, key_id, body = text.split(".", 2)
    key, raw = key_ring.keys().get(key_id), base64.b64decode(body)
    if key is None:
        raise KeyMissing(f"The key '{key_id}' is not in the key ring {settings.KEY_RING_FILE.name}; restore it.")
    try:
        return AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], f"{place}|{key_id}".encode()).decode()
    except InvalidTag:
        raise KeyMissing("A stored secret does not belong to this row or is damaged; enter it again.") from None
