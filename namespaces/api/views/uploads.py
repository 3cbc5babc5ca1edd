"""`/v1/buckets/{bucket}/blobs`: files too large for a JSON body (**ours**)."""

from collections.abc import Iterator
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from mixpeek_site.api.query import read_query
from mixpeek_site.api.viewset import ContractViewSet, json_response
from mixpeek_site.blob_stores import names
from mixpeek_site.errors import BadRequestError, Fault, UnsupportedMediaTypeError, ValidationError
from mixpeek_site.jsonio import unstorable
from namespaces import services
from namespaces.api.openapi import operations as schema
from namespaces.services.uploads import MAX_FILENAME, too_large

_PIECE: Final = 256 * 1024


class UploadViewSet(ContractViewSet):
    @schema.operation(
        "upload_blob",
        "Upload a file, which a blob's `upload_id` then names",
        tag="Objects",
        raw_body="The file's bytes, as they are; Content-Type is kept.",
        answer="BlobUploadResponse",
        parameters=[schema.text("filename", "The file's name.")],
        errors=(413,),
    )
    def create(self, request: HttpRequest, bucket_identifier: str) -> HttpResponse:
        if request.META.get("HTTP_CONTENT_ENCODING", "").strip().lower() not in ("", "identity"):
            raise UnsupportedMediaTypeError("Compressed bodies are not read; send the file plain.")
        length = _length(request)
        query = read_query(request, ("filename",))
        filename = query.get("filename") or None
        faults = list(unstorable(filename, ("query", "filename"))) if filename else []
        if filename and len(filename) > MAX_FILENAME:
            faults.append(Fault(("query", "filename"), f"must have at most {MAX_FILENAME} characters", "string_length"))
        if faults:
            raise ValidationError(*faults)
        content_type = names.media_type(request.META.get("CONTENT_TYPE"))
        if content_type == names.BINARY and filename:
            content_type = names.guessed(filename)
        made = services.store_upload(
            scope=self.scope,
            bucket_identifier=bucket_identifier,
            chunks=_pieces(request, length),
            content_type=content_type,
            filename=filename,
            max_bytes=settings.MAX_UPLOAD_BYTES,
        )
        return json_response(
            {
                "upload_id": made.upload_id,
                "url": made.url,
                "size_bytes": made.size_bytes,
                "checksum": made.checksum,
                "content_type": made.content_type,
                "filename": made.filename,
            }
        )


def _length(request: HttpRequest) -> int | None:
    """Of the body; None of one that is sent in chunks. Raises BadRequestError, PayloadTooLargeError."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length:
        return None if "HTTP_TRANSFER_ENCODING" in request.META else 0
    if not (length.isascii() and length.isdigit()):
        raise BadRequestError("The header Content-Length is not a number.")
    if len(length) > 18 or int(length) > settings.MAX_UPLOAD_BYTES:
        raise too_large(settings.MAX_UPLOAD_BYTES)
    return int(length)


def _pieces(request: HttpRequest, length: int | None) -> Iterator[bytes]:
    """The body as it comes. Raises BadRequestError when it ends before its Content-Length."""
    source, left = request.META["wsgi.input"], length
    while left is None or left > 0:
        piece: bytes = source.read(_PIECE if left is None else min(_PIECE, left))
        if not piece:
            break
        left = None if left is None else left - len(piece)
        yield piece
    if left:
        raise BadRequestError(f"The body ended {left} bytes before its Content-Length.")
