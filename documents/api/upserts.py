"""Documents of a namespace that the path names: upserts, and one document by its id."""

from functools import cached_property
from typing import Any

from django.http import HttpRequest, HttpResponse

from documents import queries
from documents.api.answers import RENDERING_PARAMETERS, document_response, read_shape
from documents.api.openapi import upserts as openapi
from documents.api.upsert_inputs import Item, Upsert, read_upsert
from documents.importing import upserting
from documents.importing.upserting import Outcome
from mixpeek_site.api.query import read_query
from mixpeek_site.api.viewset import ContractViewSet, json_response, read_object
from mixpeek_site.jsonio import JSONObject
from namespaces.scope import Scope, require_namespace, scope_for

_CONSISTENCY = {"retriever_visible": "immediate", "write_token_available": False, "expected_visible_within_ms": 0}
_ACL = "acl is neither stored nor enforced: every key that may read the namespace may read these documents."
_DROPPED = "Names in payload that are the store's own were dropped; dropped_payload_fields says which."


class NamespaceDocumentsViewSet(ContractViewSet):
    """The namespace is the path's; X-Namespace is not looked at, as on the other routes of a namespace."""

    @cached_property
    def scope(self) -> Scope:
        return scope_for(self.credentials, self.kwargs["namespace_identifier"])

    def require_resources(self, **kwargs: str) -> None:
        require_namespace(self.scope)
        if document_id := kwargs.get("document_id"):
            queries.document(self.scope, None, document_id)

    @openapi.RETRIEVE
    def retrieve(self, request: HttpRequest, namespace_identifier: str, document_id: str) -> HttpResponse:
        shape = read_shape(read_query(request, RENDERING_PARAMETERS))
        document = queries.document(self.scope, None, document_id, vectors=shape.needs_vectors)
        return document_response(request, document, shape, self.scope.organization_public_id)

    @openapi.UPSERT
    def upsert(self, request: HttpRequest, namespace_identifier: str) -> HttpResponse:
        body, _ = read_object(request)
        read_query(request, ())
        given = read_upsert(body)
        place = upserting.place(self.scope, given.collection)
        outcomes = upserting.upsert(place, [item.prepared for item in given.items if item.prepared is not None])
        return json_response(_answer(given, outcomes))


def _answer(given: Upsert, outcomes: dict[int, Outcome]) -> JSONObject:
    ended = [(item, _outcome(item, outcomes)) for item in given.items]
    written = {item.document_id: item for item, outcome in ended if outcome.status != "failed"}
    dropped = {name: item.dropped for name, item in written.items() if item.dropped}
    warnings = [_ACL] if any(item.has_acl for item in written.values()) else []
    if dropped:
        warnings.append(_DROPPED)
    results: list[dict[str, Any]] = [
        {"document_id": item.document_id, "status": outcome.status, "error": outcome.error} for item, outcome in ended
    ]
    return {
        "inserted": len(written),
        "document_ids": list(written),
        "results": results,
        "write_token": None,
        "dropped_payload_fields": dropped or None,
        "unsearchable_document_ids": [name for name, item in written.items() if not _has_vector(item)] or None,
        "consistency": _CONSISTENCY,
        "warnings": warnings or None,
    }


def _outcome(item: Item, outcomes: dict[int, Outcome]) -> Outcome:
    return Outcome("failed", item.error) if item.prepared is None else outcomes[item.prepared.line.number]


def _has_vector(item: Item) -> bool:
    """Whether a vector search can find it: multi-vectors are stored, and not searched."""
    return item.prepared is not None and any(feature.kind in ("dense", "sparse") for feature in item.prepared.features)
