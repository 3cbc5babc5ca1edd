"""`/blobs/…`: the blobs of the local store, for whoever has a signed URL of one.

What is served was uploaded by anybody: nothing of it may run on the origin of the admin. So it has a type that is not
guessed, a sandbox, and what is not known to be harmless is a download.
"""

import threading
import time
from collections.abc import Iterator
from functools import cache
from typing import BinaryIO, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header, http_date

from mixpeek_site import blob_stores
from mixpeek_site.api import ranges
from mixpeek_site.api.error_response import error_response, without_body
from mixpeek_site.api.slow_clients import cut_off_after
from mixpeek_site.blob_stores.local import Opened, is_valid
from mixpeek_site.errors import (
    DomainError,
    ForbiddenError,
    MethodNotAllowedError,
    NotFoundError,
    TooManyRequestsError,
)

_PIECE: Final = 256 * 1024
_AT_ONCE: Final = 2**20
"""A smaller answer is read whole; a larger one is streamed, which holds a thread as long as the client takes."""

_SHOWN: Final = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp", "text/plain")
_SHOWN_KINDS: Final = ("audio/", "video/")
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
    "Accept-Ranges": "bytes",
}


def serve(request: HttpRequest, key: str) -> HttpResponseBase:
    """GET and HEAD, also of a part. 403 for a URL that was not signed here, was changed, or has expired."""
    try:
        response = _serve(request, key)
    except DomainError as error:
        response = error_response(error)
    if request.method == "HEAD" and isinstance(response, HttpResponse) and response.content:
        return without_body(response)
    return response


def _serve(request: HttpRequest, key: str) -> HttpResponseBase:
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowedError(request.method or "", ["GET", "HEAD"])
    expires, signature = request.GET.get("expires", ""), request.GET.get("signature", "")
    if not is_valid(key, expires, signature):
        raise ForbiddenError("This URL is not signed, or is not valid any more.")
    store = blob_stores.local_store()
    found = None if store is None else store.open(key)
    if found is None:
        raise NotFoundError("This blob was not found.", resource="blob")
    return _answer(request, found, int(expires))


def _answer(request: HttpRequest, found: Opened, expires: int) -> HttpResponseBase:
    etag, modified = f'"{found.size:x}-{found.modified:.6f}"', int(found.modified)
    headers = {
        **_HEADERS,
        "Content-Disposition": content_disposition_header(not _is_shown(found.content_type), found.name) or "inline",
        "Content-Type": "text/plain; charset=utf-8" if found.content_type == "text/plain" else found.content_type,
        "ETag": etag,
        "Last-Modified": http_date(modified),
        "Cache-Control": f"private, max-age={max(0, expires - int(time.time()))}, immutable",
    }
    if _names(request.META.get("HTTP_IF_NONE_MATCH"), etag):
        found.file.close()
        return HttpResponse(status=304, headers=headers)
    part, status = range(found.size), 200
    if ranges.still_holds(request.META.get("HTTP_IF_RANGE"), etag, modified):
        try:
            asked = ranges.wanted(request.META.get("HTTP_RANGE"), found.size)
        except ranges.UnsatisfiableError:
            found.file.close()
            return HttpResponse(status=416, headers={**headers, "Content-Range": f"bytes */{found.size}"})
        if asked is not None:
            part, status = asked, 206
            headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{found.size}"
    headers["Content-Length"] = str(len(part))
    if request.method == "HEAD":
        found.file.close()
        return HttpResponse(status=status, headers=headers)
    if len(part) <= _AT_ONCE:
        with found.file as file:
            file.seek(part.start)
            return HttpResponse(file.read(len(part)), status=status, headers=headers)
    cut_off_after(settings.EXPORT_STALL_SECONDS, int(request.META.get("SERVER_PORT") or 0))
    return StreamingHttpResponse(_Pieces(found.file, part), status=status, headers=headers)


class _Pieces:
    """The bytes of a part, one piece after the other. Raises TooManyRequestsError when too many clients are being served."""

    def __init__(self, file: BinaryIO, part: range) -> None:
        if not _slots().acquire(blocking=False):
            file.close()
            raise TooManyRequestsError(
                f"This worker has {settings.BLOB_DOWNLOADS_AT_ONCE} large downloads under way; try again shortly."
            )
        self._file = file
        self._left = len(part)
        self._open = True
        file.seek(part.start)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = self._file.read(min(_PIECE, self._left)) if self._open and self._left else b""
        if not piece:
            raise StopIteration
        self._left -= len(piece)
        return piece

    def close(self) -> None:
        """Also of an answer that nobody reads any more."""
        if self._open:
            self._open = False
            self._file.close()
            _slots().release()


@cache
def _slots() -> threading.BoundedSemaphore:
    """Of this process."""
    return threading.BoundedSemaphore(settings.BLOB_DOWNLOADS_AT_ONCE)


def _is_shown(content_type: str) -> bool:
    return content_type in _SHOWN or content_type.startswith(_SHOWN_KINDS)


def _names(header: str | None, etag: str) -> bool:
    return header is not None and (header.strip() == "*" or etag in [tag.strip().removeprefix("W/") for tag in header.split(",")])
