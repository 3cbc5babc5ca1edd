"""The documents' routes: each parses, calls a verb or a query, and renders."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from documents import patching, queries, services
from documents.api.answers import RENDERING_PARAMETERS, Shape, document_response, if_match, read_shape
from documents.api.expanded import expanded_response, read_expand
from documents.api.list_batch import batch_answer, read_batch
from documents.api.list_inputs import EVERYWHERE_PARAMETERS, LIST_PARAMETERS, read_listing
from documents.api.listing import list_response
from documents.api.openapi import documents as openapi
from documents.api.openapi import lists
from documents.inputs import read_create, read_patch, read_replace
from documents.stored import StoredDocument
from mixpeek_site import jsonio
from mixpeek_site.api.query import read_query
from mixpeek_site.api.viewset import ContractViewSet, json_response, read_body, read_object
from mixpeek_site.errors import Fault, ValidationError
from namespaces.models import Permission

READ_PARAMETERS = RENDERING_PARAMETERS | {"expand"}


class DocumentViewSet(ContractViewSet):
    """Documents of a collection, and (without `collection_identifier`) their namespace-wide twins."""

    permissions = dict.fromkeys(("list_documents", "list_everywhere", "list_several"), Permission.READ)

    body: Any = None  # what was sent, for the checks that come before a 422

    def require_resources(self, **kwargs: str) -> None:
        collection, document_id = kwargs.get("collection_identifier"), kwargs.get("document_id")
        claimed = self.body.get("collection_id") if isinstance(self.body, dict) else None
        if isinstance(claimed, str):
            services.require_same_collection(self.scope, collection, claimed, document_id or "")
        super().require_resources(**kwargs)
        if document_id:
            queries.document(self.scope, collection, document_id)

    @openapi.CREATE
    def create(self, request: HttpRequest, collection_identifier: str) -> HttpResponse:
        body, _ = read_object(request)
        self.body = body
        shape = read_shape(read_query(request, RENDERING_PARAMETERS))
        document = services.create_document(scope=self.scope, collection=collection_identifier, given=read_create(body))
        response = self._document(request, document, shape)
        response.headers["Location"] = f"/v1/collections/{document.collection}/documents/{document.document_id}"
        return response

    @openapi.RETRIEVE
    def retrieve(self, request: HttpRequest, document_id: str, collection_identifier: str | None = None) -> HttpResponse:
        query = read_query(request, READ_PARAMETERS)
        shape, expansions = read_shape(query), read_expand(query)
        document = queries.document(self.scope, collection_identifier, document_id, vectors=shape.needs_vectors)
        if expansions:
            return expanded_response(request, self.scope, document, shape, expansions)
        return document_response(request, document, shape, self.scope.organization_public_id)

    @openapi.REPLACE
    def update(self, request: HttpRequest, document_id: str, collection_identifier: str | None = None) -> HttpResponse:
        body, _ = read_object(request)
        self.body = body
        shape = read_shape(read_query(request, RENDERING_PARAMETERS))
        document = services.replace_document(
            scope=self.scope,
            collection=collection_identifier,
            document_id=document_id,
            given=read_replace(body, document_id),
            versions=if_match(request),
        )
        return self._document(request, document, shape)

    @openapi.PATCH
    def partial_update(self, request: HttpRequest, document_id: str, collection_identifier: str | None = None) -> HttpResponse:
        body, media_type = read_body(request, media_types=patching.MEDIA_TYPES)
        self.body = body
        shape = read_shape(read_query(request, RENDERING_PARAMETERS))
        target: dict[str, Any] = {
            "scope": self.scope,
            "collection": collection_identifier,
            "document_id": document_id,
            "versions": if_match(request),
        }
        if media_type == patching.JSON_PATCH:
            return self._document(request, services.json_patch_document(operations=body, **target), shape)
        if not isinstance(body, dict):
            raise ValidationError(Fault(("body",), "must be a JSON object", "dict_type"))
        patch = patching.expand_paths(body) if media_type == patching.PLAIN else body
        given = read_patch(patch, document_id)
        return self._document(request, services.patch_document(given=given, **target), shape)

    @openapi.DELETE
    def destroy(self, request: HttpRequest, document_id: str, collection_identifier: str | None = None) -> HttpResponse:
        query = read_query(request, ("on_children",))
        on_children = query.get("on_children", "detach")
        if on_children not in services.ON_CHILDREN:
            fault = f"must be one of {', '.join(services.ON_CHILDREN)}"
            raise ValidationError(Fault(("query", "on_children"), fault, "enum"))
        services.delete_document(
            scope=self.scope,
            collection=collection_identifier,
            document_id=document_id,
            on_children=on_children,
            versions=if_match(request),
        )
        return json_response({"message": "Successfully deleted", "success": True})

    @lists.LIST
    def list_documents(self, request: HttpRequest, collection_identifier: str) -> HttpResponse:
        body = {} if request.method in ("GET", "HEAD") else read_object(request, empty={})[0]
        listing = read_listing(read_query(request, LIST_PARAMETERS), body, self.scope, collection_identifier)
        return list_response(listing, self.scope)

    @lists.LIST_EVERYWHERE
    def list_everywhere(self, request: HttpRequest) -> HttpResponse:
        body = {} if request.method in ("GET", "HEAD") else read_object(request, empty={})[0]
        listing = read_listing(read_query(request, EVERYWHERE_PARAMETERS), body, self.scope, None)
        return list_response(listing, self.scope)

    @lists.LIST_BATCH
    def list_several(self, request: HttpRequest) -> HttpResponse:
        body, _ = read_object(request)
        read_query(request, ())
        return HttpResponse(batch_answer(read_batch(body), self.scope), content_type="application/json")

    @openapi.LINEAGE
    def lineage(self, request: HttpRequest, document_id: str, collection_identifier: str) -> HttpResponse:
        read_query(request, ())
        found = queries.document_lineage(self.scope, collection_identifier, document_id)
        answer: dict[str, Any] = {"document_id": found.document_id, "collection_id": found.collection}
        if found.chain is None:
            message = "No lineage is recorded for this document."
            return json_response({**answer, "lineage": None, "depth": 0, "total_steps": 0, "message": message})
        chain = jsonio.loads(found.chain)
        lineage = {
            "root_object_id": found.root_object_id,
            "root_bucket_id": found.root_bucket_id,
            "source_type": found.source_type,
            "source_object_id": found.source_object_id,
            "source_document_id": found.source_document_id,
            "source_collection_id": found.source_collection_id,
            "lineage_chain": chain,
        }
        return json_response({**answer, "lineage": lineage, "depth": found.tier, "total_steps": len(chain), "message": None})

    def _document(self, request: HttpRequest, document: StoredDocument, shape: Shape) -> HttpResponse:
        """The answer to a write. The statement that wrote knows no vectors: where asked for, they are read after it."""
        if shape.needs_vectors:
            document = queries.document(self.scope, document.collection, document.document_id, vectors=shape.needs_vectors)
        return document_response(request, document, shape, self.scope.organization_public_id)
