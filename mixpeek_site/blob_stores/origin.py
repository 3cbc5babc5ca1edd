"""Where this server is reached, for URLs that lead back to it: `PUBLIC_URL`, else as the request at hand names it."""

from contextvars import ContextVar

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest


class _Asked:
    """The request that a thread answers, and where it reached this server, once somebody asked."""

    __slots__ = ("origin", "request")

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.origin: str | None = None


_asked: ContextVar[_Asked | None] = ContextVar("asked", default=None)


def of(request: HttpRequest) -> None:
    """This is the request that the thread answers now."""
    _asked.set(_Asked(request))


def current() -> str | None:
    """`https://store.example`; None outside requests, and of a request to a host that ALLOWED_HOSTS does not name."""
    asked = _asked.get()
    if asked is None:
        return settings.PUBLIC_URL or None
    if asked.origin is None:
        asked.origin = _found(asked.request)
    return asked.origin or None


def _found(request: HttpRequest) -> str:
    """ "" where there is none."""
    if settings.PUBLIC_URL:
        return str(settings.PUBLIC_URL)
    try:
        return f"{request.scheme}://{request.get_host()}"
    except DisallowedHost:
        return ""
