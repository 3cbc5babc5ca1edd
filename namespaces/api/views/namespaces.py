"""`/v1/namespaces`."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from mixpeek_site.api.query import read_query
from mixpeek_site.api.viewset import ContractViewSet, json_response, read_object
from mixpeek_site.errors import Fault, ValidationError
from namespaces import queries, services
from namespaces.api import payloads
from namespaces.api.inputs import read_namespace
from namespaces.api.list_inputs import LIST_PARAMETERS, read_list
from namespaces.api.openapi import operations as schema
from namespaces.api.openapi.namespaces import HEAVY
from namespaces.listing import NAMESPACES
from namespaces.models import Namespace, Permission
from namespaces.scope import Scope, like_pattern, require_namespace, scope_for

_TAG = "Namespaces"
_LIST_SCHEMA: dict[str, Any] = {
    "tag": _TAG,
    "answer": "ListNamespacesResponse",
    "in_namespace": False,
    "parameters": [
        *schema.LIST,
        schema.choice("view", ["full", "summary"], "`summary` leaves out the long members."),
    ],
}


class NamespaceViewSet(ContractViewSet):
    in_namespace = False  # the path names it
    permissions = {"list": Permission.READ, "create": Permission.ADMIN, "destroy": Permission.ADMIN}

    def require_resources(self, **kwargs: str) -> None:
        if identifier := kwargs.get("namespace_identifier"):
            require_namespace(self._scope(identifier))

    @schema.operation(
        "create_namespace",
        "Create a namespace",
        tag=_TAG,
        body="CreateNamespaceRequest",
        answer="NamespaceModel",
        in_namespace=False,
        errors=(409,),
        headers={"Location": "Where it is."},
    )
    def create(self, request: HttpRequest) -> HttpResponse:
        body, _ = read_object(request)
        read_query(request, ())
        given = read_namespace(body, "CreateNamespaceRequest")
        assert given.name is not None
        made = services.create_namespace(
            organization_id=self.credentials.organization_id,
            name=given.name,
            namespace_id=given.chosen_id,
            description=given.first_description,
            config=given.config,
            key_patterns=self.credentials.namespace_patterns,
        )
        response = self._answer_with(made)
        response.headers["Location"] = f"/v1/namespaces/{made.public_id}"
        return response

    @schema.operation("list_namespaces", "List namespaces", body="ListNamespacesRequest", **_LIST_SCHEMA)
    def list(self, request: HttpRequest) -> HttpResponse:
        body = read_object(request, empty={})[0] if request.method == "POST" else {}
        query = read_query(request, LIST_PARAMETERS | {"view"})
        given = read_list(query, body, "ListNamespacesRequest", NAMESPACES, [self.credentials.organization_id])
        view = given.body.get("view") or "full"
        if view not in ("full", "summary"):
            raise ValidationError(Fault(("query", "view"), "must be full or summary", "enum"))
        patterns = [like_pattern(pattern) for pattern in self.credentials.namespace_patterns]
        found = queries.namespaces_page(self.credentials.organization_id, patterns, given.listing)
        counts = queries.counts_of_namespaces([each.pk for each in found.items])
        states, vectors = queries.payload_index_states(found.items), queries.vector_config_states(found.items)
        results = [payloads.namespace(each, counts[each.pk], states[each.pk], vectors[each.pk]) for each in found.items]
        stats = payloads.namespace_list_stats(results)
        if view == "summary":
            results = [{name: value for name, value in each.items() if name not in HEAVY} for each in results]
        return json_response(
            {
                "results": results,
                "pagination": given.pagination(found.total, found.next_position),
                "total_count": found.total,
                "stats": stats,
            }
        )

    @schema.operation("get_namespace", "Get a namespace", tag=_TAG, answer="NamespaceModel", in_namespace=False)
    def retrieve(self, request: HttpRequest, namespace_identifier: str) -> HttpResponse:
        read_query(request, ())
        return self._answer_with(queries.namespace(self._scope(namespace_identifier)))

    @schema.operation(
        "get_namespace_stats",
        "Count what a namespace holds",
        tag=_TAG,
        answer="NamespaceStatsResponse",
        in_namespace=False,
    )
    def stats(self, request: HttpRequest, namespace_identifier: str) -> HttpResponse:
        read_query(request, ())
        found = queries.namespace(self._scope(namespace_identifier))
        return json_response(payloads.namespace_stats(found, queries.counts_of_namespaces([found.pk])[found.pk]))

    @schema.operation(
        "update_namespace",
        "Set fields of a namespace",
        tag=_TAG,
        body="UpdateNamespaceRequest",
        answer="NamespaceModel",
        in_namespace=False,
        errors=(409,),
    )
    def update(self, request: HttpRequest, namespace_identifier: str) -> HttpResponse:
        return self._set(request, namespace_identifier, "UpdateNamespaceRequest")

    @schema.operation(
        "patch_namespace",
        "Set fields of a namespace",
        tag=_TAG,
        body="PatchNamespaceRequest",
        answer="NamespaceModel",
        in_namespace=False,
        errors=(409,),
    )
    def partial_update(self, request: HttpRequest, namespace_identifier: str) -> HttpResponse:
        return self._set(request, namespace_identifier, "PatchNamespaceRequest")

    @schema.operation(
        "delete_namespace",
        "Delete a namespace and all it holds",
        tag=_TAG,
        answer="GenericDeleteResponse",
        in_namespace=False,
        parameters=[schema.flag("force", "Accepted; nothing is being processed that could stand in the way.")],
    )
    def destroy(self, request: HttpRequest, namespace_identifier: str) -> HttpResponse:
        read_query(request, ("force",))
        services.delete_namespace(scope=self._scope(namespace_identifier))
        return json_response(payloads.deleted())

    def _set(self, request: HttpRequest, identifier: str, component: str) -> HttpResponse:
        body, _ = read_object(request)
        read_query(request, ())
        given = read_namespace(body, component)
        changed = services.update_namespace(
            scope=self._scope(identifier), name=given.name, description=given.description, config=given.config
        )
        return self._answer_with(changed)

    def _scope(self, identifier: str) -> Scope:
        return scope_for(self.credentials, identifier)

    def _answer_with(self, row: Namespace) -> HttpResponse:
        counts, states = queries.counts_of_namespaces([row.pk]), queries.payload_index_states([row])
        vectors = queries.vector_config_states([row])
        return json_response(payloads.namespace(row, counts[row.pk], states[row.pk], vectors[row.pk]))
