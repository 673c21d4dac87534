"""The errors that services raise and faces translate.

Domain errors subclass these; nothing here knows HTTP libraries.
"""

from __future__ import annotations


class ServiceError(Exception):
    """Something the caller asked for cannot be done; the message says what happened and what to do."""

    code = "error"
    status = 500

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code


class NotFound(ServiceError):
    """The thing does not exist, or the caller may not know that it does."""

    code, status = "not_found", 404


class Forbidden(ServiceError):
    """The caller sees the thing but may not do this with it."""

    code, status = "forbidden", 403


class Conflict(ServiceError):
    """Somebody else was first, or the thing is in a state that does not allow this."""

    code, status = "conflict", 409


class Stale(ServiceError):
    """The caller's copy is not the present one."""

    code, status = "stale", 412


class Invalid(ServiceError):
    """The input is wrong; `fields` maps a field name to its list of sentences."""

    code, status = "invalid", 400

    def __init__(self, message: str = "", *, fields: dict[str, list[str]] | None = None) -> None:
        self.fields = fields or {}
        first = next((sentences[0] for sentences in self.fields.values() if sentences), "The input is not valid.")
        super().__init__(message or first)
