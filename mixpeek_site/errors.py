"""The domain's errors. They say what is wrong and with what; `mixpeek_site.api.error_response` says how that looks on the wire.

The class names are the stable `type` of the contract (section 2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class DomainError(Exception):
    """Base of every error that a caller may cause or has to handle."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class BadRequestError(DomainError):
    """The request can't be understood, or contradicts itself (path against body, cursor of another query)."""


class UnauthorizedError(DomainError):
    """No key, or one that is malformed, unknown, revoked or expired."""


class ForbiddenError(DomainError):
    """The key lacks the permission."""


class NotFoundError(DomainError):
    """The thing does not exist for this caller. A foreign namespace's thing is this, too."""

    def __init__(self, message: str, *, resource: str, id: str | None = None) -> None:
        super().__init__(message, resource=resource, **({} if id is None else {"id": id}))


class MethodNotAllowedError(DomainError):
    def __init__(self, method: str, allowed: Sequence[str]) -> None:
        super().__init__(f"{method} is not allowed here; use {', '.join(allowed)}.", allowed=list(allowed))
        self.allowed = allowed


class AlreadyExistsError(DomainError):
    """The id or name is taken; nothing was changed."""


class ConflictError(DomainError):
    """The present state does not permit it (children under `restrict`, a failed JSON Patch test, a bucket with objects)."""


class PreconditionFailedError(DomainError):
    """`If-Match` names another version than the stored one."""


class PayloadTooLargeError(DomainError):
    """The body, or the document it would make, exceeds the limit."""


class UnsupportedMediaTypeError(DomainError):
    """The body's media type or encoding is not one the route reads."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an input. `location` is where: ("body", "metadata", 0) or ("query", "limit")."""

    location: tuple[str | int, ...]
    message: str
    type: str = "value_error"


class ValidationError(DomainError):
    """Well-formed but invalid input; lists every fault found."""

    def __init__(self, *faults: Fault) -> None:
        first = faults[0]
        where = ".".join(map(str, first.location))
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        super().__init__(f"{where}: {first.message}{more}" if where else f"{first.message}{more}")
        self.faults = faults
        self.details = {
            "validation_errors": [
                {"type": fault.type, "location": list(fault.location), "message": fault.message} for fault in faults
            ]
        }


class TooManyRequestsError(DomainError):
    """As much of this kind is going on as the server allows at once; trying again later works."""

    retry_after_seconds = 10


class ServiceUnavailableError(DomainError):
    """The database, or a part that the request needs, can't be reached now; trying again later may work."""

    retry_after_seconds = 1
