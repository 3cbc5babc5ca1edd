"""A root object's tree in numbers, and what a delete would orphan or take along (contract section 8)."""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse

from documents import queries
from documents.api.openapi import decomposition as openapi
from documents.trees import impact
from documents.trees.impact import Impact
from documents.trees.nesting import parents
from documents.trees.objects import require_object
from documents.trees.stages import Stage, Tree, tree
from mixpeek_site import jsonio
from mixpeek_site.api.query import boolean, read_query
from mixpeek_site.api.viewset import ContractViewSet, json_response
from mixpeek_site.jsonio import JSONObject
from namespaces.api import payloads
from namespaces.queries import bucket_object


class DecompositionViewSet(ContractViewSet):
    def require_resources(self, **kwargs: str) -> None:
        super().require_resources(**kwargs)
        if object_id := kwargs.get("object_id"):
            require_object(self.scope, object_id)
        elif object_id := kwargs.get("object_identifier"):
            bucket_object(self.scope, kwargs["bucket_identifier"], object_id)
        else:
            queries.document(self.scope, kwargs.get("collection_identifier"), kwargs["document_id"])

    @openapi.TREE
    def decomposition_tree(self, request: HttpRequest, object_id: str) -> HttpResponse:
        query = read_query(request, ("include_document_ids",))
        found = tree(self.scope, object_id, with_ids=boolean(query, "include_document_ids"))
        text = jsonio.dumps(_about(found))
        return HttpResponse(f'{text[:-1]},"tree":{_nested(found.stages)}}}', content_type="application/json")

    @openapi.OBJECT_IMPACT
    def object_impact(self, request: HttpRequest, object_id: str) -> HttpResponse:
        read_query(request, ())
        return _impact(impact.of_object(self.scope, object_id))

    @openapi.BUCKET_OBJECT_IMPACT
    def bucket_object_impact(self, request: HttpRequest, bucket_identifier: str, object_identifier: str) -> HttpResponse:
        read_query(request, ())
        return _impact(impact.of_object(self.scope, object_identifier, bucket_identifier))

    @openapi.DOCUMENT_IMPACT
    def document_impact(self, request: HttpRequest, document_id: str, collection_identifier: str | None = None) -> HttpResponse:
        read_query(request, ())
        return _impact(impact.of_document(self.scope, collection_identifier, document_id))


def _about(found: Tree) -> JSONObject:
    row = found.row
    return {
        "root_object_id": found.object_id,
        "root_bucket_id": found.root_bucket_id,
        "object": None if row is None else payloads.bucket_object(row, found.bucket or "", document_count=found.documents),
        "total_documents": found.documents,
        "max_tier": max((stage.tier for stage in found.stages), default=0),
    }


def _nested(stages: Sequence[Stage]) -> str:
    """The stages' JSON, each within the one above it; a chain of any length, so without recursion."""
    below: dict[int | None, list[int]] = {}
    for position, above in enumerate(parents(stages)):
        below.setdefault(above, []).append(position)
    parts = ["["]
    open_lists = [iter(below.get(None, ()))]
    first = True
    while open_lists:
        at = next(open_lists[-1], None)
        if at is None:
            open_lists.pop()
            parts.append("]}" if open_lists else "]")
            first = False
        else:
            parts.append(f'{"" if first else ","}{jsonio.dumps(_stage(stages[at]))[:-1]},"children":[')
            open_lists.append(iter(below.get(at, ())))
            first = True
    return "".join(parts)


def _stage(stage: Stage) -> JSONObject:
    shown: JSONObject = {
        "collection_id": stage.collection,
        "collection_name": stage.name,
        "tier": stage.tier,
        "path": stage.path,
        "feature_extractor_id": stage.feature_extractor_id,
        "document_count": stage.documents,
        "statuses": stage.statuses,
    }
    if stage.document_ids is not None:
        shown["document_ids"] = stage.document_ids
        shown["document_ids_truncated"] = len(stage.document_ids) < stage.documents
    return shown


def _impact(found: Impact) -> HttpResponse:
    return json_response(
        {
            "target": found.target,
            "documents": found.documents,
            "orphaned": found.orphaned,
            "blobs": found.blobs,
            "by_collection": [
                {"collection_id": each.collection, "tier": each.tier, "count": each.documents} for each in found.stages
            ],
        }
    )
