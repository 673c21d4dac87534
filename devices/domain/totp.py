"""Codes of a second factor that change with the time (RFC 6238, RFC 4226). Pure: the caller has the clock."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct

#: So long (seconds) a code holds.
STEP_SECONDS = 30
ALGORITHMS = {"sha1": hashlib.sha1, "sha256": hashlib.sha256, "sha512": hashlib.sha512}
ALGORITHM_WORDS = {"sha1": "SHA-1", "sha256": "SHA-256", "sha512": "SHA-512"}
DIGITS = (6, 8)
#: Fewer bytes (80 bits) no server gives, and they could be guessed.
LEAST_BYTES = 10


def key_of(text: str) -> bytes:
    """Return the bytes of a secret in base32, as servers show it, in groups or not; ValueError with a sentence."""
    plain = text.replace(" ", "").replace("-", "").rstrip("=").upper()
    try:
        key = base64.b32decode(plain + "=" * (-len(plain) % 8))
    except ValueError:
        raise ValueError("It is not base32: letters A to Z and digits 2 to 7, as the server shows it.") from None
    if len(key) < LEAST_BYTES:
        raise ValueError(f"It is too short: a secret has at least {LEAST_BYTES * 8 // 5} letters and digits.")
    return key


def code(key: bytes, step: int, digits: int = 6, algorithm: str = "sha1") -> str:
    """Return the code of a step, which is the time in seconds by STEP_SECONDS."""
    digest = hmac.new(key, struct.pack(">Q", step), ALGORITHMS[algorithm]).digest()
    at = digest[-1] & 15
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def account_of(key: bytes) -> str:
    """Return what stands for the account of a secret where it is noted which of its codes were used: nobody gets
    from it to the secret."""
    return hashlib.sha256(b"interlock second factor|" + key).hexdigest()
