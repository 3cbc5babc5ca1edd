"""What every response carries: `X-Request-ID`, echoed when the client sent a decent one (contract section 1), and its length.

And every request is where the URLs begin that answers sign (mixpeek_site/blob_stores/origin.py)."""

import os
import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from mixpeek_site.blob_stores import origin

_ACCEPTED = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,126}[\x21-\x7e])?")


class ResponseHeadersMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        origin.of(request)
        response = self.get_response(request)
        sent = request.META.get("HTTP_X_REQUEST_ID")
        response.headers["X-Request-ID"] = (
            sent if sent is not None and _ACCEPTED.fullmatch(sent) else f"req_{os.urandom(12).hex()}"
        )
        if not response.streaming and "Content-Length" not in response.headers and response.status_code != 204:
            response.headers["Content-Length"] = str(len(response.content))
        return response
