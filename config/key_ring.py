"""Encrypt bytes with AES-256-GCM under the keys of a file, one `id hex-key` a line, the newest first.

What is sealed is bound to a text that says what it is (tenant, row, column): moved elsewhere, it does not open.
"""

from __future__ import annotations

import contextlib
import fcntl
import hmac
import os
import secrets
import zlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from config.errors import ServiceError

#: What every sealed value begins with; the id of its key and a dot follow.
FORMAT = b"s1."
#: Bytes from which, with a key of the ring, the key of some messages is made, and bytes of their nonces.
SALT_BYTES = 16
NONCE_BYTES = 12
#: So many messages share a salt. A nonce is drawn, and AES-GCM allows 2^32 drawn ones for a key (NIST SP 800-38D, 8.3).
MESSAGES_OF_A_SALT = 1 << 20


class KeyMissing(ServiceError):
    """A sealed value cannot be opened: its key is not in the ring, or it was moved or damaged."""

    code = "key_missing"


class _Salt:
    """The salt that this process seals with; a forked process draws its own."""

    def __init__(self) -> None:
        self.left, self.value = 0, b""

    def take(self) -> bytes:
        if self.left <= 0:
            self.left, self.value = MESSAGES_OF_A_SALT, secrets.token_bytes(SALT_BYTES)
        self.left -= 1
        return self.value

    def forget(self) -> None:
        self.left = 0


_SALT = _Salt()
os.register_at_fork(after_in_child=_SALT.forget)


def encrypt(data: bytes, bound_to: str) -> bytes:
    """Return `data` sealed with the newest key: format, key id, salt, nonce, ciphertext."""
    key_id, key = next(iter(keys().items()))
    salt, nonce = _SALT.take(), os.urandom(NONCE_BYTES)
    head = b"%b%b." % (FORMAT, key_id.encode())
    return head + salt + nonce + _cipher(key, salt).encrypt(nonce, data, head + bound_to.encode())


def decrypt(sealed: bytes, bound_to: str) -> bytes:
    """Open what `encrypt` made for the same `bound_to`; KeyMissing when that fails."""
    key_id = key_of(sealed)
    key = keys().get(key_id)
    if key is None:
        raise KeyMissing(f"The key '{key_id}' is not in the key ring {settings.KEY_RING_FILE.name}; restore it.")
    head = b"%b%b." % (FORMAT, key_id.encode())
    body = sealed[len(head) :]
    salt, nonce = body[:SALT_BYTES], body[SALT_BYTES : SALT_BYTES + NONCE_BYTES]
    try:
        return _cipher(key, salt).decrypt(nonce, body[SALT_BYTES + NONCE_BYTES :], head + bound_to.encode())
    except (InvalidTag, ValueError):
        raise KeyMissing("What is stored sealed does not belong to this row or is damaged.") from None


def pack(data: bytes, bound_to: str) -> bytes:
    """Return `data` compressed, then sealed."""
    return encrypt(zlib.compress(data, 1), bound_to)


def unpack(sealed: bytes, bound_to: str) -> bytes:
    """Return what `pack` was given; KeyMissing as of `decrypt`."""
    return zlib.decompress(decrypt(sealed, bound_to))


def renew(sealed: bytes, bound_to: str) -> bytes:
    """Return what is sealed, sealed with the newest key."""
    return encrypt(decrypt(sealed, bound_to), bound_to)


def key_of(sealed: bytes) -> str:
    """Return the id of the key that a value is sealed with; empty where it is not sealed."""
    if not sealed.startswith(FORMAT):
        return ""
    return sealed[len(FORMAT) :].split(b".", 1)[0].decode(errors="replace")


def keys() -> Mapping[str, bytes]:
    """Return the ring, the newest key first; a ring that somebody has changed is read again."""
    path = settings.KEY_RING_FILE
    try:
        found = os.stat(path)
    except FileNotFoundError:
        _make(path)
        found = os.stat(path)
    return _read(str(path), (found.st_ino, found.st_mtime_ns, found.st_size))


@contextlib.contextmanager
def changing() -> Iterator[Mapping[str, bytes]]:
    """Yield the ring while nobody else changes it: two who did at once would lose a key."""
    path: Path = settings.KEY_RING_FILE
    with open(os.open(path.with_name(f".{path.name}.lock"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield keys()


def replace(ring: Mapping[str, bytes]) -> None:
    """Write the ring anew, in one go: who is killed meanwhile leaves the former one."""
    path: Path = settings.KEY_RING_FILE
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    _write(draft, "".join(f"{key_id} {key.hex()}\n" for key_id, key in ring.items()), os.O_TRUNC)
    os.replace(draft, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def new_key() -> tuple[str, bytes]:
    """Return a new key with its id."""
    return f"k{secrets.token_hex(4)}", secrets.token_bytes(32)


def _make(path: Path) -> None:
    """Make a ring of one key, mode 0600; whoever makes it at the same time wins or waits."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key_id, key = new_key()
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    _write(draft, f"{key_id} {key.hex()}\n", os.O_TRUNC)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _write(path: Path, text: str, flags: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o600)
    with os.fdopen(handle, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


@lru_cache(maxsize=4)
def _read(name: str, version: tuple[int, ...]) -> Mapping[str, bytes]:
    pairs = (line.split() for line in Path(name).read_text().splitlines() if line.strip())
    return {key_id: bytes.fromhex(key) for key_id, key in pairs}


@lru_cache(maxsize=4096)
def _cipher(key: bytes, salt: bytes) -> AESGCM:
    """Return the cipher of the messages of one salt: its key is HMAC-SHA256 of the salt (RFC 5869, one block)."""
    return AESGCM(hmac.digest(key, b"interlock sealed v1\0" + salt, "sha256"))
