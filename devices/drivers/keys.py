"""SSH keys and certificates of logins: read, and checked before they are stored."""

from __future__ import annotations

import io
import struct

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificate,
    SSHCertificateType,
    load_ssh_public_identity,
)

from devices.domain.errors import LoginRefused
from devices.domain.secrets import LoginKey

#: What a broken text makes of those who read keys.
UNREADABLE = (
    paramiko.SSHException,
    ValueError,
    TypeError,
    LookupError,
    AssertionError,
    struct.error,
    UnsupportedAlgorithm,
)
KINDS = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


class WrongKey(ValueError):
    """A key or what belongs to it cannot be used: `field` of the credential, and why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


def read(given: LoginKey) -> paramiko.PKey:
    """Return a key, with its certificate; WrongKey."""
    key = _opened(given)
    if given.certificate:
        _certify(key, given.certificate)
    return key


def key_for(given: LoginKey) -> paramiko.PKey:
    """Return the key of a login that is made now; LoginRefused when it cannot be read."""
    try:
        return read(given)
    except WrongKey as error:
        raise LoginRefused(f"The SSH key of the credential cannot be used; store it again. {error.message}") from error


def _opened(given: LoginKey) -> paramiko.PKey:
    needs = False
    for kind in KINDS:
        try:
            return kind.from_private_key(
                io.StringIO(given.text.reveal()), given.passphrase.reveal() if given.passphrase else None
            )
        except paramiko.PasswordRequiredException:
            needs = True
        except UNREADABLE:
            continue
    if needs:
        raise WrongKey("passphrase", "The SSH key is locked; give its passphrase.")
    if given.passphrase and _is_locked(given.text.reveal()):
        raise WrongKey("passphrase", "This passphrase does not open the SSH key.")
    raise WrongKey("private_key", "The SSH key cannot be read; give it in OpenSSH or PEM form, whole.")


def _is_locked(text: str) -> bool:
    """Say whether a key would be read, were it not locked."""
    for kind in KINDS:
        try:
            kind.from_private_key(io.StringIO(text))
        except paramiko.PasswordRequiredException:
            return True
        except UNREADABLE:
            continue
    return False


def _certify(key: paramiko.PKey, text: str) -> None:
    line = " ".join(text.split())
    if "-cert-v01@openssh.com" not in line.partition(" ")[0]:
        raise WrongKey("certificate", "It is no OpenSSH certificate: give the one line of a '-cert.pub' file.")
    try:
        found = load_ssh_public_identity(line.encode())
        assert isinstance(found, SSHCertificate)
        public = found.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode().split()[1]
    except UNREADABLE as error:
        raise WrongKey("certificate", "The certificate cannot be read; copy its line whole.") from error
    if found.type is not SSHCertificateType.USER:
        raise WrongKey("certificate", "It is the certificate of a host; give one of a user.")
    if public != key.get_base64():
        raise WrongKey("certificate", "The certificate belongs to another SSH key than this one.")
    key.load_certificate(line)
