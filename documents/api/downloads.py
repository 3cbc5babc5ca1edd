"""`…/documents/{id}/download`: to the bytes of a document's blob."""

from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.utils.encoding import iri_to_uri

from documents import queries
from documents.api.openapi import downloads as openapi
from documents.blobs import Fetchable, fetchable
from documents.stored import StoredDocument
from mixpeek_site import jsonio
from mixpeek_site.api.query import read_query
from mixpeek_site.api.viewset import ContractViewSet, json_response
from mixpeek_site.blob_stores import Owner
from mixpeek_site.errors import ConflictError, NotFoundError

_MAX_LOCATION: Final = 8000
"""Bytes of a header that every client and proxy takes."""


class DownloadViewSet(ContractViewSet):
    def require_resources(self, **kwargs: str) -> None:
        queries.document(self.scope, kwargs["collection_identifier"], kwargs["document_id"])

    @openapi.DOWNLOAD
    def download(self, request: HttpRequest, collection_identifier: str, document_id: str) -> HttpResponse:
        query = read_query(request, ("field",))
        document = queries.document(self.scope, collection_identifier, document_id)
        blob = _chosen(document, Owner(self.scope.organization_public_id, document.namespace), query.get("field"))
        if blob.url is None:
            raise ConflictError(f"The blob {blob.field} can't be fetched: {blob.reason}", field=blob.field, reason=blob.reason)
        if _wants_json(request.META.get("HTTP_ACCEPT", "")):
            response = json_response({"download_url": blob.url, "cached": False, **_times(document)})
        else:
            response = HttpResponse(status=HTTPStatus.FOUND, headers={"Location": _location(blob)})
        response.headers["Cache-Control"] = "no-store"
        response.headers["Vary"] = "Accept"
        return response


def _chosen(document: StoredDocument, owner: Owner, field: str | None) -> Fetchable:
    """The first blob, or the first of `field`. Raises NotFoundError."""
    blobs = fetchable(document.document_blobs, owner)
    for blob in blobs:
        if field is None or blob.field == field:
            return blob
    what = "has no blob" if field is None else f"has no blob of the field {field!r}"
    raise NotFoundError(f"Document {document.document_id} {what}.", resource="blob", id=field)


def _wants_json(accept: str) -> bool:
    """Whether a client asks for JSON by name, as API clients do; browsers and curl take anything."""
    return any(part.partition(";")[0].strip().lower() == "application/json" for part in accept.split(","))


def _location(blob: Fetchable) -> str:
    """Raises ConflictError for an address that no header can hold."""
    location = iri_to_uri(blob.url) or ""
    if len(location) > _MAX_LOCATION:
        reason = "Its URL is too long for a redirect; ask for application/json."
        raise ConflictError(f"The blob {blob.field} can't be fetched: {reason}", field=blob.field, reason=reason)
    return location


def _times(document: StoredDocument) -> dict[str, Any]:
    """Where in its medium the document begins and ends, in seconds, where it says so; else 0."""
    payload = jsonio.loads_stored(document.payload)
    metadata = payload.get("metadata")
    return {name: _number(payload, name) or _number(metadata, name) or 0 for name in ("start_time", "end_time")}


def _number(holder: Any, name: str) -> Any:
    value = holder.get(name) if isinstance(holder, dict) else None
    return None if isinstance(value, bool | str | list | dict) else value
