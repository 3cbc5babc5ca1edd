"""Many documents in one request: batch updates and deletes, updates of a collection, documents by their ids."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse

from documents.api.answers import RENDERING_PARAMETERS
from documents.api.many_inputs import (
    WRITE_PARAMETERS,
    MatchingUpdate,
    read_batch_delete,
    read_batch_get,
    read_batch_update,
    read_bounds,
    read_bulk_update,
)
from documents.api.openapi import many as openapi
from documents.services import many
from documents.services.many import Bounds, Update
from mixpeek_site import jsonio
from mixpeek_site.api.query import read_query
from mixpeek_site.api.viewset import ContractViewSet, json_response, read_object
from mixpeek_site.errors import DomainError
from namespaces.models import Permission

_COMPLETED = {"task_id": None, "status": "COMPLETED"}
"""Clients of the hosted service ask about a task until it is done; here the answer comes when it is."""


class ManyDocumentsViewSet(ContractViewSet):
    permissions = {"get_many": Permission.READ}

    @openapi.BATCH_UPDATE
    def update_batch(self, request: HttpRequest, collection_identifier: str) -> HttpResponse:
        body, _ = read_object(request, empty={})
        bounds = read_bounds(read_query(request, WRITE_PARAMETERS))
        given = read_batch_update(body)
        if isinstance(given, MatchingUpdate):
            count = self._update_matching(collection_identifier, given, bounds)
            return json_response(
                {"updated_count": count, "failed_count": 0, "results": [], "message": _said("updated", count, bounds)}
            )
        good = [update for _, update in given.items if isinstance(update, Update)]
        outcomes = iter(many.update_documents(scope=self.scope, collection=collection_identifier, updates=good, bounds=bounds))
        results = [
            _result(document_id, update if isinstance(update, DomainError) else next(outcomes))
            for document_id, update in given.items
        ]
        return json_response(_counted("updated", results, bounds))

    @openapi.BATCH_DELETE
    def delete_batch(self, request: HttpRequest, collection_identifier: str) -> HttpResponse:
        body, _ = read_object(request, empty={})
        bounds = read_bounds(read_query(request, WRITE_PARAMETERS))
        given = read_batch_delete(body)
        target: dict[str, Any] = {"scope": self.scope, "collection": collection_identifier, "bounds": bounds}
        if not isinstance(given, list):
            count = many.delete_matching(node=given, **target)
            answer = {"deleted_count": count, "failed_count": 0, "results": [], "message": _said("deleted", count, bounds)}
            return json_response(answer | _COMPLETED)
        outcomes = many.delete_documents(document_ids=given, **target)
        results = [_result(document_id, outcomes[document_id]) for document_id in given]
        return json_response(_counted("deleted", results, bounds) | {"task_id": None, "status": None})

    @openapi.BULK_UPDATE
    def update_bulk(self, request: HttpRequest, collection_identifier: str) -> HttpResponse:
        body, _ = read_object(request, empty={})
        bounds = read_bounds(read_query(request, WRITE_PARAMETERS))
        count = self._update_matching(collection_identifier, read_bulk_update(body), bounds)
        return json_response({"updated_count": count, "message": _said("updated", count, bounds)} | _COMPLETED)

    @openapi.BATCH_GET
    def get_many(self, request: HttpRequest) -> HttpResponse:
        body, _ = read_object(request, empty={})
        document_ids, shape = read_batch_get(read_query(request, RENDERING_PARAMETERS), body)
        found = many.documents_by_ids(self.scope, document_ids, vectors=shape.needs_vectors)
        organization = self.scope.organization_public_id
        documents = ",".join([shape.render(document, organization) for document in found.values()])
        not_found = jsonio.dumps([document_id for document_id in document_ids if document_id not in found])
        return HttpResponse(f'{{"documents":[{documents}],"not_found":{not_found}}}', content_type="application/json")

    def _update_matching(self, collection: str, given: MatchingUpdate, bounds: Bounds) -> int:
        return many.update_matching(scope=self.scope, collection=collection, node=given.node, parts=given.parts, bounds=bounds)


def _result(document_id: str, error: DomainError | None) -> dict[str, Any]:
    return {"document_id": document_id, "success": error is None, "error": None if error is None else error.message}


def _counted(verb: str, results: Sequence[dict[str, Any]], bounds: Bounds) -> dict[str, Any]:
    done = sum(result["success"] for result in results)
    return {
        f"{verb}_count": done,
        "failed_count": len(results) - done,
        "results": results,
        "message": _said(verb, done, bounds, len(results)),
    }


def _said(verb: str, count: int, bounds: Bounds, of: int | None = None) -> str:
    documents = f"{count} document{'' if count == 1 else 's'}" if of is None else f"{count} of {of}"
    if bounds.dry_run:
        return f"Dry run: {documents} would be {verb}; nothing was written."
    return f"{verb.capitalize()} {documents}."
