"""The value type that carries a secret through the process without ever printing it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


class Secret:
    """A text that shows itself only through `reveal()`; `str`, `repr`, formatting and pickling give nothing away."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text itself; call this only where it leaves for the device or for encryption."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return "***"

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        raise TypeError("A secret cannot be serialized.")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


EMPTY = Secret("")


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """What makes the codes of a second factor: a `secret` in base32, digits, and a hash (`devices.domain.totp`).

    `claim(account, step)` says whether a code of an account may be used in a step of time: once, whoever asks.
    """

    secret: Secret
    digits: int = 6
    algorithm: str = "sha1"
    claim: Callable[[str, int], bool] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginKey:
    """An SSH key: an OpenSSH or PEM text, locked by `passphrase` if given; `certificate` is OpenSSH's for its public
    part."""

    text: Secret
    passphrase: Secret = EMPTY
    certificate: str = ""


@dataclass(frozen=True, slots=True)
class Login:
    """What one login to one device needs."""

    username: str
    password: Secret = EMPTY
    enable_password: Secret = EMPTY
    key: LoginKey | None = None
    second: SecondFactor | None = None

    def secrets(self) -> tuple[str, ...]:
        """Return every secret text that must never be stored with device output."""
        own = [self.password, self.enable_password]
        own += [self.key.text, self.key.passphrase] if self.key else []
        own += [self.second.secret] if self.second else []
        return tuple(s.reveal() for s in own if s)
