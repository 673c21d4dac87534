"""The value type that carries a secret through the process without ever printing it."""

from __future__ import annotations

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
class Login:
    """What one login to one device needs. `private_key` is an OpenSSH or PEM text."""

    username: str
    password: Secret = EMPTY
    enable_password: Secret = EMPTY
    private_key: Secret = EMPTY

    def secrets(self) -> tuple[str, ...]:
        """Return every secret text that must never be stored with device output."""
        return tuple(s.reveal() for s in (self.password, self.enable_password, self.private_key) if s)
