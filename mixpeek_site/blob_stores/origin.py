"""Where this server is reached, for URLs that lead back to it: `PUBLIC_URL`, else as the request at hand names it."""

from contextvars import ContextVar

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest

_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


def of(request: HttpRequest) -> None:
    """This is the request that the thread answers now."""
    _request.set(request)


def current() -> str | None:
    """`https://store.example`; None outside requests, and of a request to a host that ALLOWED_HOSTS does not name."""
    if settings.PUBLIC_URL:
        return str(settings.PUBLIC_URL)
    request = _request.get()
    if request is None:
        return None
    try:
        return f"{request.scheme}://{request.get_host()}"
    except DisallowedHost:
        return None
