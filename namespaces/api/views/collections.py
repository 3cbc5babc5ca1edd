"""`/v1/collections`."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from mixpeek_site.api.query import read_query
from mixpeek_site.api.viewset import ContractViewSet, json_response, read_object
from namespaces import queries, services
from namespaces.api import payloads
from namespaces.api.inputs import read_collection
from namespaces.api.list_inputs import LIST_PARAMETERS, read_list
from namespaces.api.openapi import operations as schema
from namespaces.listing import COLLECTIONS
from namespaces.models import Collection, Permission

_TAG = "Collections"
_LIST_SCHEMA: dict[str, Any] = {
    "tag": _TAG,
    "answer": "ListCollectionsResponse",
    "parameters": [*schema.LIST, schema.text("namespace_id", "Accepted and ignored: X-Namespace says where.")],
}


class CollectionViewSet(ContractViewSet):
    permissions = {"list": Permission.READ}

    @schema.operation(
        "create_collection",
        "Create a collection",
        tag=_TAG,
        body="CreateCollectionRequest",
        answer="CollectionResponse",
        errors=(409,),
        headers={"Location": "Where it is."},
    )
    def create(self, request: HttpRequest) -> HttpResponse:
        body, _ = read_object(request)
        read_query(request, ())
        given = read_collection(body, "CreateCollectionRequest")
        assert given.name is not None
        made = services.create_collection(
            scope=self.scope,
            name=given.name,
            collection_id=given.chosen_id,
            description=given.first_description,
            config=given.config,
        )
        response = json_response(payloads.collection(made, 0, queries.vector_index_states([made])[made.pk]))
        response.headers["Location"] = f"/v1/collections/{made.public_id}"
        return response

    @schema.operation("list_collections", "List collections", body="ListCollectionsRequest", **_LIST_SCHEMA)
    def list(self, request: HttpRequest) -> HttpResponse:
        body = read_object(request, empty={})[0] if request.method == "POST" else {}
        query = read_query(request, LIST_PARAMETERS | {"namespace_id"})
        place = [self.scope.organization_id, self.scope.identifier]
        given = read_list(query, body, "ListCollectionsRequest", COLLECTIONS, place)
        found = queries.collections_page(self.scope, given.listing)
        counts, vectors = queries.document_counts(found.items), queries.vector_index_states(found.items, sizes=True)
        results = [payloads.collection(each, counts[each.pk], vectors[each.pk]) for each in found.items]
        return json_response(
            {
                "results": results,
                "pagination": given.pagination(found.total, found.next_position),
                "total_count": found.total,
                "stats": payloads.collection_list_stats(results),
                "warnings": [],
            }
        )

    @schema.operation("get_collection", "Get a collection", tag=_TAG, answer="CollectionResponse")
    def retrieve(self, request: HttpRequest, collection_identifier: str) -> HttpResponse:
        read_query(request, ())
        return self._answer_with(queries.collection(self.scope, collection_identifier))

    @schema.operation(
        "update_collection",
        "Set fields of a collection",
        tag=_TAG,
        body="PatchCollectionRequest",
        answer="CollectionResponse",
        errors=(409,),
    )
    def partial_update(self, request: HttpRequest, collection_identifier: str) -> HttpResponse:
        body, _ = read_object(request)
        read_query(request, ())
        given = read_collection(body, "PatchCollectionRequest")
        changed = services.update_collection(
            scope=self.scope,
            collection_identifier=collection_identifier,
            name=given.name,
            description=given.description,
            config=given.config,
        )
        return self._answer_with(changed)

    @schema.operation(
        "delete_collection",
        "Delete a collection and its documents",
        tag=_TAG,
        answer="GenericDeleteResponse",
    )
    def destroy(self, request: HttpRequest, collection_identifier: str) -> HttpResponse:
        read_query(request, ())
        services.delete_collection(scope=self.scope, collection_identifier=collection_identifier)
        return json_response(payloads.deleted())

    def _answer_with(self, row: Collection) -> HttpResponse:
        count, vectors = queries.document_counts([row])[row.pk], queries.vector_index_states([row], sizes=True)[row.pk]
        return json_response(payloads.collection(row, count, vectors))
