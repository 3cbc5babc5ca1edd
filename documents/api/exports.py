"""Exports as answers: streamed while they are read (contract: the permission to read)."""

import logging
import threading
import time
from collections.abc import Generator, Iterator
from functools import cache
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header

from documents.api.openapi import exports as openapi
from documents.exporting import FORMATS, MEDIA_TYPES, SCHEMA_VERSIONS, Asked, MissingExtraError, begun
from documents.filters import read_filters
from mixpeek_site import jsonio
from mixpeek_site.api.query import read_query
from mixpeek_site.api.slow_clients import cut_off_after
from mixpeek_site.api.viewset import ContractViewSet, read_object
from mixpeek_site.errors import DomainError, Fault, ServiceUnavailableError, TooManyRequestsError, ValidationError
from mixpeek_site.jsonio import JSONObject
from namespaces.models import Permission
from namespaces.scope import Scope

logger = logging.getLogger("mixpeek.api")

_SAME: Final = {"select_fields": "select", "include_vectors": "return_vectors", "sample_size": "limit"}
_ACCEPTED: Final = (
    *("format", "filters", "select", "schema_version", "return_vectors", "limit", *_SAME),
    *("include_lineage", "include_media", "samples_per_shard", "destination"),
)
_FORMATS: Final = {"json": "jsonl", **{name: name for name in FORMATS}}
_MAX_NAMES: Final = 200


class ExportViewSet(ContractViewSet):
    permissions = {"export": Permission.READ}

    @openapi.EXPORT
    def export(self, request: HttpRequest, collection_identifier: str) -> HttpResponseBase:
        body, _ = read_object(request, empty={})
        read_query(request, ())
        asked = read_export(body, collection_identifier)
        stream = Stream(self.scope, asked)
        cut_off_after(settings.EXPORT_STALL_SECONDS, int(request.META.get("SERVER_PORT") or 0))
        name = f"{stream.collection}.{asked.format}"
        return StreamingHttpResponse(
            stream,
            content_type=MEDIA_TYPES[asked.format],
            headers={
                "Content-Disposition": content_disposition_header(True, name) or "",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            },
        )


class Stream:
    """The pieces of an export. What fails before the first one is raised here; what fails later breaks the stream off."""

    def __init__(self, scope: Scope, asked: Asked) -> None:
        """Raises TooManyRequestsError, NotFoundError, ValidationError, ServiceUnavailableError."""
        self._asked = asked
        self._until = time.monotonic() + settings.EXPORT_SECONDS
        self._pieces = self._read(scope)
        self.collection = ""
        self._first: bytes | None = next(self._pieces)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        try:
            return next(self._pieces)
        except StopIteration:
            raise
        except DomainError as error:
            logger.warning("An export of %s broke off: %s", self.collection, error.message)
            return _broken_off(self._asked.format, type(error).__name__, error.message)
        except Exception:
            logger.exception("An export of %s broke off", self.collection)
            return _broken_off(self._asked.format, "InternalServerError", "Something went wrong on the server.")

    def close(self) -> None:
        """Ends the export, also one that nobody reads any more. The server calls it in the thread that it streams in."""
        self._pieces.close()

    def _read(self, scope: Scope) -> Generator[bytes, None, None]:
        if not _slots().acquire(blocking=False):
            raise TooManyRequestsError(f"This worker has {settings.EXPORTS_AT_ONCE} exports under way; try again shortly.")
        try:
            with begun(scope, self._asked, statement_seconds=settings.BULK_STATEMENT_SECONDS) as export:
                self.collection = export.sources[0].collection
                for number, piece in enumerate(export.pieces()):
                    if number and time.monotonic() > self._until:
                        raise ServiceUnavailableError(f"The export took longer than {settings.EXPORT_SECONDS} s.")
                    yield piece.content
        except MissingExtraError as error:
            raise ValidationError(Fault(("body", "format"), f"is not served here: {error}", "enum")) from error
        finally:
            _slots().release()


@cache
def _slots() -> threading.BoundedSemaphore:
    """Of this process."""
    return threading.BoundedSemaphore(settings.EXPORTS_AT_ONCE)


def _broken_off(format_: str, type_: str, message: str) -> bytes:
    """The end of a stream that is not whole: nothing that a parser of the format accepts."""
    if format_ == "jsonl":
        return f'{{"_export_error":{jsonio.dumps({"type": type_, "message": message})}'.encode()
    return f'"The export broke off: {message}'.encode() if format_ == "csv" else b""


def read_export(body: JSONObject, collection: str) -> Asked:
    """Raises ValidationError with what is wrong."""
    faults = [
        Fault(("body", name), f"unknown; accepted: {', '.join(sorted(_ACCEPTED))}", "extra_forbidden")
        for name in body
        if name not in _ACCEPTED
    ]
    if faults:
        raise ValidationError(*faults)
    given = {_SAME.get(name, name): (name, value) for name, value in body.items() if value is not None}
    for name in ("include_lineage", "include_media"):
        _boolean(given, name)
    for name in ("include_media", "destination"):
        if given.get(name, (name, False))[1] is not False:
            raise ValidationError(Fault(("body", name), "is not served: the answer holds the documents, and is all", "unserved"))
    return Asked(
        collections=(collection,),
        filters=read_filters(body.get("filters"), ("body", "filters")),
        format=_FORMATS[_one_of(given, "format", tuple(_FORMATS), "jsonl")],
        schema_version=_one_of(given, "schema_version", SCHEMA_VERSIONS, "native"),
        select=_names(given),
        vectors=_boolean(given, "return_vectors"),
        limit=_limit(given),
    )


Given = dict[str, tuple[str, Any]]
"""What was said by its usual name: the name that it stood under, and the value."""


def _one_of(given: Given, name: str, accepted: tuple[str, ...], default: str) -> str:
    said, value = given.get(name, (name, default))
    if value not in accepted:
        raise ValidationError(Fault(("body", said), f"must be one of {', '.join(accepted)}", "enum"))
    return str(value)


def _boolean(given: Given, name: str) -> bool:
    said, value = given.get(name, (name, False))
    if not isinstance(value, bool):
        raise ValidationError(Fault(("body", said), "must be true or false", "bool_type"))
    return value


def _limit(given: Given) -> int | None:
    said, value = given.get("limit", ("limit", None))
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValidationError(Fault(("body", said), "must be an integer", "int_type"))
    if not 1 <= value < 2**63:
        raise ValidationError(Fault(("body", said), "must be at least 1", "out_of_range"))
    return value


def _names(given: Given) -> tuple[str, ...] | None:
    said, value = given.get("select", ("select", []))
    if value == []:
        return None
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise ValidationError(Fault(("body", said), "must be an array of fields' names", "list_type"))
    if len(value) > _MAX_NAMES:
        raise ValidationError(Fault(("body", said), f"must name at most {_MAX_NAMES} fields", "length"))
    return tuple(value)
