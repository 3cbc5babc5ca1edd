"""What the schema says of the routes for many documents, and their components."""

from typing import Any

from documents.api.many_inputs import MAX_REASON_LENGTH
from documents.api.openapi.documents import TAG
from documents.api.openapi.lists import RENDERING
from mixpeek_site.api.schema import flag, operation, parameter
from mixpeek_site.api.schema_parts import (
    BOOLEAN,
    COUNT,
    OBJECT,
    STRING,
    STRINGS,
    Schema,
    array,
    closed,
    described,
    nullable,
    ref,
)

_IDS: Schema = array(STRING, minItems=1, maxItems=1000)
_FILTERS = described({"type": ["object", "null"]}, "Which documents; a filter that says nothing is refused.")
_UPDATE_DATA = described(
    OBJECT, "A patch: objects merge, null removes, dotted top-level keys are paths. No ids, and beside filters no lineage."
)
_FILTERS_EXAMPLE: dict[str, Any] = {"AND": [{"field": "metadata.status", "operator": "eq", "value": "pending"}]}
_RESULTS_EXAMPLE = [
    {"document_id": "doc_1", "success": True, "error": None},
    {"document_id": "doc_2", "success": False, "error": "Document doc_2 was not found in collection col_articles."},
]


def _result() -> Schema:
    return closed({"document_id": STRING, "success": BOOLEAN, "error": nullable(STRING)}, ["document_id", "success", "error"])


COMPONENTS: dict[str, Schema] = {
    "BatchDocumentUpdate": closed({"document_id": STRING, "update_data": _UPDATE_DATA}, ["document_id", "update_data"]),
    "BatchDocumentUpdateResult": _result(),
    "BatchDocumentDeleteResult": _result(),
    "BatchUpdateDocumentsRequest": closed(
        {
            "updates": nullable(array(ref("BatchDocumentUpdate"), minItems=1, maxItems=1000)),
            "filters": _FILTERS,
            "update_data": nullable(_UPDATE_DATA),
        },
        description="`updates`, or `filters` and `update_data`.",
        examples=[
            {"updates": [{"document_id": "doc_1", "update_data": {"metadata.status": "processed"}}]},
            {"filters": _FILTERS_EXAMPLE, "update_data": {"metadata.status": "processed"}},
        ],
    ),
    "BatchUpdateDocumentsResponse": closed(
        {
            "updated_count": COUNT,
            "failed_count": COUNT,
            "results": array(ref("BatchDocumentUpdateResult"), description="One for each of `updates`, in their order."),
            "message": STRING,
        },
        ["updated_count", "failed_count", "results", "message"],
        examples=[{"updated_count": 1, "failed_count": 1, "results": _RESULTS_EXAMPLE, "message": "Updated 1 of 2."}],
    ),
    "BatchDeleteDocumentsRequest": closed(
        {
            "document_ids": nullable(_IDS),
            "filters": _FILTERS,
            "reason": nullable({"type": "string", "maxLength": MAX_REASON_LENGTH, "description": "Accepted, not kept."}),
        },
        description="`document_ids`, or `filters`.",
        examples=[{"document_ids": ["doc_1", "doc_2"]}, {"filters": _FILTERS_EXAMPLE}],
    ),
    "BatchDeleteDocumentsResponse": closed(
        {
            "deleted_count": COUNT,
            "failed_count": COUNT,
            "results": array(ref("BatchDocumentDeleteResult"), description="One for each of `document_ids`, in their order."),
            "message": STRING,
            "task_id": {"type": "null"},
            "status": described(nullable({"type": "string", "enum": ["COMPLETED"]}), "With filters COMPLETED, else null."),
        },
        ["deleted_count", "failed_count", "results", "message", "task_id", "status"],
        examples=[
            {
                "deleted_count": 1,
                "failed_count": 1,
                "results": _RESULTS_EXAMPLE,
                "message": "Deleted 1 of 2.",
                "task_id": None,
                "status": None,
            }
        ],
    ),
    "BulkUpdateDocumentsRequest": closed(
        {
            "filters": described(OBJECT, "Which documents. Left out: the whole collection."),
            "update_data": _UPDATE_DATA,
        },
        ["update_data"],
        examples=[{"filters": _FILTERS_EXAMPLE, "update_data": {"metadata.status": "processed", "metadata.draft": None}}],
    ),
    "BulkUpdateDocumentsResponse": closed(
        {"updated_count": COUNT, "message": STRING, "task_id": {"type": "null"}, "status": {"const": "COMPLETED"}},
        ["updated_count", "message", "task_id", "status"],
        examples=[{"updated_count": 150, "message": "Updated 150 documents.", "task_id": None, "status": "COMPLETED"}],
    ),
    "BatchGetDocumentsRequest": closed(
        {
            "document_ids": _IDS,
            "return_presigned_urls": described(nullable(BOOLEAN), "Whether to sign URLs; unless told otherwise, yes."),
            "return_urls": nullable(BOOLEAN),
            "return_url": nullable(BOOLEAN),
            "return_vectors": nullable(BOOLEAN),
            "return_vector_names": {"anyOf": [BOOLEAN, STRINGS, {"type": "null"}]},
            "schema_version": nullable({"type": "string", "enum": ["native", "v1", "v2"]}),
        },
        ["document_ids"],
        examples=[{"document_ids": ["doc_1", "doc_2"], "return_presigned_urls": False}],
    ),
    "BatchGetDocumentsResponse": closed(
        {
            "documents": array(ref("DocumentResponse"), description="In the order that was asked for, each once."),
            "not_found": STRINGS,
        },
        ["documents", "not_found"],
    ),
}

_BOUNDS = (
    flag("dry_run", "Say what would be written, and write nothing."),
    parameter(
        "max_affected",
        {"type": "integer", "minimum": 0},
        "Refuse a write that would touch more documents than this (409), and write nothing.",
    ),
)
_MODES = (
    "Documents that are named are dealt with one by one: `results` says how it went with each, and a failure leaves the others"
    " as they are. With `filters` it is one transaction, all or nothing."
)

BATCH_UPDATE = operation(
    "batch_update_documents",
    "Update many documents",
    tag=TAG,
    body="BatchUpdateDocumentsRequest",
    answer="BatchUpdateDocumentsResponse",
    parameters=_BOUNDS,
    errors=(409,),
    description=_MODES,
)
BATCH_DELETE = operation(
    "batch_delete_documents",
    "Delete many documents",
    tag=TAG,
    body="BatchDeleteDocumentsRequest",
    answer="BatchDeleteDocumentsResponse",
    parameters=_BOUNDS,
    errors=(409,),
    description=f"{_MODES} Children of what is deleted stay.",
)
BULK_UPDATE = operation(
    "bulk_update_documents",
    "Update all documents that match, or the whole collection",
    tag=TAG,
    body="BulkUpdateDocumentsRequest",
    answer="BulkUpdateDocumentsResponse",
    parameters=_BOUNDS,
    errors=(409,),
    description="One transaction, all or nothing.",
)
BATCH_GET = operation(
    "batch_get_documents",
    "Get documents by their ids",
    tag=TAG,
    body="BatchGetDocumentsRequest",
    answer="BatchGetDocumentsResponse",
    parameters=RENDERING,
    description="From anywhere in the namespace, 64 MiB at most.",
)
