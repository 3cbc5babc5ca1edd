"""Routes that walk along lineage: ancestors and descendants of a document, and the documents of an object."""

from typing import Any, Final
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from documents import queries
from documents.api.answers import RENDERING_PARAMETERS, Shape, read_shape
from documents.api.openapi import walks as openapi
from documents.stored import StoredDocument
from documents.trees import objects, walks
from documents.trees.reading import Position
from mixpeek_site import jsonio
from mixpeek_site.api.pagination import (
    CURSOR_PARAMETERS,
    PAGE_PARAMETERS,
    SIZE_PARAMETERS,
    Page,
    decode_cursor,
    encode_cursor,
    pagination,
    read_page,
)
from mixpeek_site.api.query import read_query
from mixpeek_site.api.viewset import ContractViewSet
from mixpeek_site.errors import Fault, ValidationError

_WALK_PARAMETERS: Final = RENDERING_PARAMETERS | SIZE_PARAMETERS | CURSOR_PARAMETERS
_OBJECT_PARAMETERS: Final = RENDERING_PARAMETERS | PAGE_PARAMETERS | {"collection_ids"}
_MAX_COLLECTIONS: Final = 1000


class WalkViewSet(ContractViewSet):
    """An array of documents; where there are more, `Link` says where they are (RFC 8288)."""

    def require_resources(self, **kwargs: str) -> None:
        super().require_resources(**kwargs)
        queries.document(self.scope, kwargs["collection_identifier"], kwargs["document_id"])

    @openapi.ANCESTORS
    def ancestors(self, request: HttpRequest, collection_identifier: str, document_id: str) -> HttpResponse:
        return self._walk(request, walks.ancestors, collection_identifier, document_id)

    @openapi.DESCENDANTS
    def descendants(self, request: HttpRequest, collection_identifier: str, document_id: str) -> HttpResponse:
        return self._walk(request, walks.descendants, collection_identifier, document_id)

    def _walk(self, request: HttpRequest, walk: Any, collection: str, document_id: str) -> HttpResponse:
        query = read_query(request, _WALK_PARAMETERS)
        page, shape = read_page(query, {}, default_limit=settings.MAX_LIST_LIMIT), read_shape(query)
        place = [self.scope.organization_id, self.scope.identifier, walk.__name__, collection, document_id]
        found = walk(
            self.scope,
            collection,
            document_id,
            limit=page.limit,
            position=_position(page, place),
            vectors=shape.needs_vectors,
            max_bytes=settings.MAX_ANSWER_BYTES,
        )
        response = HttpResponse(
            f"[{_rendered(found.documents, shape, self.scope.organization_public_id)}]", content_type="application/json"
        )
        if found.after is not None:
            response.headers["Link"] = _next_link(request, encode_cursor(place, found.after))
        return response


class ObjectDocumentsViewSet(ContractViewSet):
    def require_resources(self, **kwargs: str) -> None:
        objects.require_object(self.scope, kwargs["object_id"])

    @openapi.OBJECT_DOCUMENTS
    def list_of_object(self, request: HttpRequest, object_id: str) -> HttpResponse:
        query = read_query(request, _OBJECT_PARAMETERS)
        page, shape = read_page(query, {}, default_limit=settings.MAX_LIST_LIMIT), read_shape(query)
        collections = _collections(request)
        place = [self.scope.organization_id, self.scope.identifier, "object, by creation", object_id, sorted(collections or ())]
        found = objects.object_documents(
            self.scope,
            object_id,
            collections,
            limit=page.limit,
            offset=page.offset,
            position=_position(page, place),
            vectors=shape.needs_vectors,
            max_bytes=settings.MAX_ANSWER_BYTES,
        )
        cursor = None if found.after is None else encode_cursor(place, found.after)
        rest: dict[str, Any] = {
            "total": found.total,
            "pagination": pagination(page, found.total, cursor, cursor is not None),
            **({"unknown_collection_ids": found.unknown_collections} if found.unknown_collections else {}),
        }
        rendered = _rendered(found.documents, shape, self.scope.organization_public_id)
        text = f'{{"root_object_id":{jsonio.dumps(object_id)},"documents":[{rendered}],{jsonio.dumps(rest)[1:]}'
        return HttpResponse(text, content_type="application/json")


def _position(page: Page, place: list[Any]) -> Position | None:
    """Raises BadRequestError for a cursor of another list."""
    return None if page.cursor is None else decode_cursor(page.cursor, place)


def _rendered(documents: list[StoredDocument], shape: Shape, organization_id: str) -> str:
    return ",".join([shape.render(document, organization_id) for document in documents])


def _next_link(request: HttpRequest, cursor: str) -> str:
    """The same request with another cursor, as a reference relative to it."""
    query = request.GET.copy()
    for name in CURSOR_PARAMETERS:
        query.pop(name, None)
    query["cursor"] = cursor
    return f'<{quote(request.path)}?{query.urlencode()}>; rel="next"'


def _collections(request: HttpRequest) -> tuple[str, ...] | None:
    """The collections asked for: the parameter once for each, or names separated by commas; None where there is none."""
    texts = request.GET.getlist("collection_ids")
    names = tuple(dict.fromkeys(name for text in texts for name in map(str.strip, text.split(",")) if name))
    if len(names) > _MAX_COLLECTIONS:
        message = f"must name at most {_MAX_COLLECTIONS} collections; left out, all are meant"
        raise ValidationError(Fault(("query", "collection_ids"), message, "length"))
    faults = list(jsonio.unstorable(list(names), ("query", "collection_ids")))
    if faults:
        raise ValidationError(*faults)
    return names or None
