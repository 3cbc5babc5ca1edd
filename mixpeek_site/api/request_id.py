"""`X-Request-ID`: echoed when the client sent a decent one, else made here; every response has it (contract section 1)."""

import os
import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

_ACCEPTED = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,126}[\x21-\x7e])?")


class RequestIdMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        sent = request.META.get("HTTP_X_REQUEST_ID")
        response.headers["X-Request-ID"] = (
            sent if sent is not None and _ACCEPTED.fullmatch(sent) else f"req_{os.urandom(12).hex()}"
        )
        return response
